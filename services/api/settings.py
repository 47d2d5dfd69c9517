"""ApiSettings of the API service."""

from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import NoDecode

from shared.settings import CommaSeparated, ServiceSettings

MIN_KEY_CHARS = 16


class ApiSettings(ServiceSettings):
    """The address the API listens on, its key, and the names by which it may be called.

    `api_key` is what every client has to send. `api_hosts` are the host names, separated by commas,
    that a request may be for; any other is that of a page that points its own name at us.
    `private_hosts` are hosts, by name or address, that webhooks and callbacks may reach although
    they are not on the public internet.
    """

    api_host: str = "127.0.0.1"
    api_port: int = 8420
    api_key: SecretStr = Field(min_length=MIN_KEY_CHARS)
    api_hosts: Annotated[CommaSeparated, NoDecode] = ("localhost", "127.0.0.1", "::1")
    private_hosts: Annotated[CommaSeparated, NoDecode] = ()
