"""What the validator is told from outside."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from shared.settings import SandboxSettings


class Settings(SandboxSettings):
    """`forge_token` opens pull requests; `forge_api` is the root of the API of a server of one's own.

    `cores` is how many of this machine's cores test runs of this process take at most; 0: all. Those who
    share `slots`, a directory, give out the same cores; without it all of this user do.
    """

    forge: Literal["github", "gitlab"] = "github"
    forge_token: SecretStr = SecretStr("")
    forge_api: str = ""
    cores: int = Field(default=0, ge=0)
    slots: Path | None = None
