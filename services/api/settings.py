"""What the API is told from outside."""

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Where it listens."""

    api_host: str = "127.0.0.1"
    api_port: int = 8420
