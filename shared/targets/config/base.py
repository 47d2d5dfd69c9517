"""What all tables of `groundswell.toml` have."""

import shlex
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

FILE = "groundswell.toml"


def _check_command(text: str) -> str:
    """Return a command if a shell could split it. Raises ValueError."""
    try:
        shlex.split(text)
    except ValueError as error:
        raise ValueError(f"it cannot be split into words: {error}") from None
    return text


CommandLine = Annotated[str, AfterValidator(_check_command)]


class Section(BaseModel):
    """A table of `groundswell.toml`; unknown keys are refused, as they are mostly typing errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")
