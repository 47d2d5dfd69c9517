"""`python -m services.coordinator`."""

from services.coordinator.main import main

main()
