"""ResolverSettings of the resolver."""

from shared.settings import HomeSettings


class ResolverSettings(HomeSettings):
    """The settings of every service that reads targets."""
