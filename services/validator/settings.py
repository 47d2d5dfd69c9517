"""What the validator is told from outside."""

from shared.settings import SandboxSettings


class Settings(SandboxSettings):
    """Nothing beyond what every such service is told."""
