"""What the API is told from outside."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Environment variables `GROUNDSWELL_…`."""

    model_config = SettingsConfigDict(env_prefix="GROUNDSWELL_", frozen=True)

    nats_url: str = "nats://127.0.0.1:4222"
    mongo_url: str = "mongodb://127.0.0.1:27017"
    api_host: str = "127.0.0.1"
    api_port: int = 8420
    log_level: str = "INFO"
