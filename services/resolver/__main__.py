"""`python -m services.resolver`."""

from services.resolver.main import main

main()
