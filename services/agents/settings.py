"""Settings of the agents."""

from shared.settings import SandboxSettings


class Settings(SandboxSettings):
    """The settings of a service that runs a target's code in a sandbox."""
