"""ResolverSettings of the resolver."""

from shared.settings import ServiceSettings


class ResolverSettings(ServiceSettings):
    """The settings that all services have."""
