"""Finding a document by the id a person typed: whole, or its end."""

from typing import TypeVar

from services.api.domain.ids import is_full, is_suffix, short
from shared.contracts.documents.base import Document
from shared.kernel.errors import Conflict, NotFound, Rejected
from shared.mongo.repository import Repository

D = TypeVar("D", bound=Document)
NEWEST = 5000


async def by_id(repository: Repository[D], typed: str, noun: str) -> D:
    """The one document meant by `typed`. Raises `NotFound`, or `Conflict` where several are."""
    wanted = typed.strip().lower()
    if is_full(wanted):
        return await repository.require(wanted)
    if not is_suffix(wanted):
        raise Rejected(
            f"{typed} is no {noun} id.",
            hint="Give the whole id, or at least its last 6 characters.",
            code="bad_id",
        )
    found = [
        each
        for each in await repository.find(sort="-_id", limit=NEWEST)
        if each.id.endswith(wanted)
    ]
    if not found:
        raise NotFound(f"There is no {noun} {typed}.")
    if len(found) > 1:
        raise Conflict(
            f"{typed} means {len(found)} of them.",
            hint=f"Give more of the id: {', '.join(short(each.id) for each in found[:5])}.",
            code="ambiguous_id",
        )
    return found[0]
