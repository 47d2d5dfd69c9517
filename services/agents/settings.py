"""AgentsSettings of the agents."""

from shared.settings import SandboxSettings


class AgentsSettings(SandboxSettings):
    """The settings of a service that runs a target's code in a sandbox."""
