"""Settings of the services, read from environment variables named `GROUNDSWELL_…`."""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.sandbox.choice import AUTO
from shared.targets.home import default_home


def _split(value: object) -> object:
    """Return the parts of a comma-separated text, stripped; any other value as it is."""
    return tuple(each.strip() for each in value.split(",")) if isinstance(value, str) else value


CommaSeparated = Annotated[tuple[str, ...], BeforeValidator(_split)]


class ServiceSettings(BaseSettings):
    """Settings of every service. Only its main reads them; adapters get single values."""

    model_config = SettingsConfigDict(env_prefix="GROUNDSWELL_", frozen=True)

    nats_url: str = "nats://127.0.0.1:4222"
    mongo_url: str = "mongodb://127.0.0.1:27017"
    log_level: str = "INFO"


class HomeSettings(ServiceSettings):
    """Settings of a service that reads targets; their mirrors and environments are in `home`."""

    home: Path = default_home()


class SandboxSettings(HomeSettings):
    """Settings of a service that runs code of targets.

    `sandbox` is a tier by name, or `auto` for the best one that this machine supports.
    `allow_unsandboxed` permits running that code with the service's own rights where none is.
    `environments_max_gib` bounds what the built environments take on disk, in GiB.
    """

    sandbox: str = AUTO
    allow_unsandboxed: bool = False
    environments_max_gib: float = 20
