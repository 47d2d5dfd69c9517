"""What every service is told from outside: environment variables `GROUNDSWELL_…`."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.sandbox.choice import AUTO
from shared.targets.home import default_home


class ServiceSettings(BaseSettings):
    """Where the servers are. Read by a service's main only; adapters get values."""

    model_config = SettingsConfigDict(env_prefix="GROUNDSWELL_", frozen=True)

    nats_url: str = "nats://127.0.0.1:4222"
    mongo_url: str = "mongodb://127.0.0.1:27017"
    log_level: str = "INFO"


class HomeSettings(ServiceSettings):
    """Of a service that works on targets: `home` has their mirrors and environments."""

    home: Path = default_home()


class SandboxSettings(HomeSettings):
    """Of a service that runs code of targets. `sandbox` is a tier by name, or the best that there is.

    `allow_unsandboxed` lets that code run with our own rights where no sandbox holds. Sizes in GiB.
    """

    sandbox: str = AUTO
    allow_unsandboxed: bool = False
    environments_max_gib: float = 20
