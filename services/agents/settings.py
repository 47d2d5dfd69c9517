"""What the agents are told from outside."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.targets.home import default_home


class Settings(BaseSettings):
    """Environment variables `GROUNDSWELL_…`."""

    model_config = SettingsConfigDict(env_prefix="GROUNDSWELL_", frozen=True)

    nats_url: str = "nats://127.0.0.1:4222"
    mongo_url: str = "mongodb://127.0.0.1:27017"
    home: Path = default_home()
    log_level: str = "INFO"
