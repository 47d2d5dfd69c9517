"""`python -m services.agents`."""

from services.agents.main import main

main()
