"""ApiSettings of the API service."""

from shared.settings import ServiceSettings


class ApiSettings(ServiceSettings):
    """The address the API listens on, besides what every service is told."""

    api_host: str = "127.0.0.1"
    api_port: int = 8420
