"""Finding documents: one by the id a person typed, or a page of many."""

from collections.abc import Callable
from typing import Any, TypeVar

from services.api.domain.ids import distinct_suffixes, is_complete_id, is_id_suffix
from services.api.domain.views import make_page
from shared.contracts.base import Value
from shared.contracts.documents.base import Document
from shared.contracts.views import Page
from shared.kernel.errors import Conflict, NotFound, Rejected
from shared.mongo.repository import Repository

D = TypeVar("D", bound=Document)
V = TypeVar("V", bound=Value)
MAX_NAMED_MATCHES = 5


async def find_by_id(repository: Repository[D], typed: str, noun: str) -> D:
    """Return the document whose id is `typed` or ends with it.

    Raises `Rejected` if `typed` cannot be an id, `NotFound` if no document matches, and `Conflict`
    if several do.
    """
    wanted = typed.strip().lower()
    if is_complete_id(wanted):
        return await repository.require(wanted)
    if not is_id_suffix(wanted):
        raise Rejected(
            f"{typed} is not a valid {noun} id.",
            hint="Give the whole id, or at least its last 6 characters.",
            code="bad_id",
        )
    found = await repository.find_by_id_suffix(wanted, limit=MAX_NAMED_MATCHES)
    if not found:
        raise NotFound(f"There is no {noun} {typed}.")
    if len(found) > 1:
        ends = ", ".join(distinct_suffixes([each.id for each in found]))
        raise Conflict(
            f"{typed} is ambiguous.",
            hint=f"Give more of the id: {ends}.",
            code="ambiguous_id",
        )
    return found[0]


async def find_page(
    repository: Repository[D], view: Callable[[D], V], limit: int, after: str, **where: Any
) -> Page[V]:
    """Return the newest `limit` matching documents that are older than the id `after`, if given."""
    found = await repository.page(limit=limit + 1, after=after, **where)
    return make_page(found, limit, view)
