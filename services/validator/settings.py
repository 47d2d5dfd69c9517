"""What the validator is told from outside."""

from typing import Literal

from pydantic import SecretStr

from shared.settings import SandboxSettings


class Settings(SandboxSettings):
    """`forge_token` opens pull requests; `forge_api` is the root of the API of a server of one's own."""

    forge: Literal["github", "gitlab"] = "github"
    forge_token: SecretStr = SecretStr("")
    forge_api: str = ""
