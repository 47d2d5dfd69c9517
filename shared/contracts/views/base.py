"""Lists in pages."""

from typing import Generic, TypeVar

from pydantic import Field

from shared.contracts.base import (
    Id,
    Value,
)

V = TypeVar("V", bound=Value)


class Page(Value, Generic[V]):
    """One page of a list, newest first."""

    items: tuple[V, ...]
    next: Id | None = Field(
        default=None,
        description="Pass this as `after` to get the next page; null on the last page.",
    )
