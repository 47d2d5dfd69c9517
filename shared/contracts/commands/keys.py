"""What clients send about keys of the HTTP API."""

from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from shared.contracts.base import Value
from shared.contracts.documents.access import Scope

MAX_GRACE_SECONDS = 7 * 86_400


class CreateKey(Value):
    """Make a key that allows `scopes`: on some targets (ids or locations) only, or on all."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    scopes: tuple[Scope, ...] = Field(default=(Scope.READ,), min_length=1, max_length=4)
    targets: tuple[Annotated[str, Field(max_length=4096)], ...] = Field(default=(), max_length=100)
    expires_at: AwareDatetime | None = None


class RotateKey(Value):
    """Make a key that takes the place of another one, which stays valid for some time."""

    grace_seconds: int = Field(default=0, ge=0, le=MAX_GRACE_SECONDS)
