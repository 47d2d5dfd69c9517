"""Query parameters of lists, which are paged by keyset: ids are UUIDv7, so they sort by age."""

from typing import Annotated

from fastapi import Query

from shared.contracts.base import Id

Limit = Annotated[int, Query(ge=1, le=1000, description="How many items a page has at most.")]
Wait = Annotated[
    int,
    Query(
        ge=0,
        le=50,
        description="Answer when the state changes or is final, or after so many seconds.",
    ),
]
After = Annotated[
    Id | None,
    Query(description="The `next` of the previous page; leave it out for the first page."),
]
