"""ApiSettings of the API service."""

from typing import Annotated

from limits import parse
from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import NoDecode

from shared.settings import CommaSeparated, ServiceSettings

MIN_KEY_CHARS = 16
DEFAULT_RATE = "600/minute"


def _rate(text: str) -> str:
    """Return a rate as it was given. Raises ValueError if it is none."""
    parse(text)
    return text


class ApiSettings(ServiceSettings):
    """The address the API listens on, its key, and the names by which it may be called.

    `api_key` allows everything. `api_rate` is how often any other key may be used, such as
    `600/minute`. `api_hosts` are the host names, separated by commas, that a request may be for;
    any other is that of a page that points its own name at us. `private_hosts` are hosts, by name
    or address, that webhooks and callbacks may reach although they are not on the public internet.
    """

    api_host: str = "127.0.0.1"
    api_port: int = 8420
    api_key: SecretStr = Field(min_length=MIN_KEY_CHARS)
    api_rate: Annotated[str, AfterValidator(_rate)] = DEFAULT_RATE
    api_hosts: Annotated[CommaSeparated, NoDecode] = ("localhost", "127.0.0.1", "::1")
    private_hosts: Annotated[CommaSeparated, NoDecode] = ()
