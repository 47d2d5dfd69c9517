"""Settings of the resolver."""

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """The settings that all services have."""
