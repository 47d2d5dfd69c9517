"""What the validator is told from outside."""

from shared.settings import HomeSettings


class Settings(HomeSettings):
    """Nothing beyond what every such service is told."""
