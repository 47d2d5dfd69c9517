"""The validator's settings, read from the environment."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from shared.settings import SandboxSettings


class ValidatorSettings(SandboxSettings):
    """Settings of the validator.

    `forge_token` is used to open pull requests; `forge_api` is the root URL of the API of a
    self-hosted forge. `cores` is the most cores of this machine that the test runs of this process
    take, 0 for all. Processes with the same directory `slots` share their cores; by default, all
    processes of this user do. `n8n_url` is the root of a running n8n and `n8n_api_key` a key of its
    public API, by which workflows are checked and released; there are both or neither.
    """

    forge: Literal["github", "gitlab"] = "github"
    forge_token: SecretStr = SecretStr("")
    forge_api: str = ""
    cores: int = Field(default=0, ge=0)
    slots: Path | None = None
    n8n_url: str = ""
    n8n_api_key: SecretStr = SecretStr("")
