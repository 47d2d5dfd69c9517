"""What is declared of a collection, in the field of `Store` that holds its repository."""

from dataclasses import dataclass, field
from typing import TypeVar, cast

from pymongo import ASCENDING, DESCENDING, IndexModel

from shared.contracts.documents.base import Document
from shared.contracts.states import Machine
from shared.mongo.repository import Repository, StateRepository

D = TypeVar("D", bound=Document)
# The key of a field's metadata under which its specification is.
SPEC = "spec"


@dataclass(frozen=True)
class CollectionSpec:
    """What a collection keeps: its model, the machine of its states if they have any, its indexes.

    An index on a time may have documents expire, which the database then removes by itself.
    """

    model: type[Document]
    machine: Machine | None = None
    indexes: tuple[IndexModel, ...] = ()


def index(*keys: str, unique: bool = False, expires: int | None = None) -> IndexModel:
    """Return an index on these keys, which ascend unless they have a leading `-`.

    With `expires`, documents are removed that many seconds after the time in the one key.
    """
    directions = [
        (key.lstrip("-"), DESCENDING if key.startswith("-") else ASCENDING) for key in keys
    ]
    expiry = {} if expires is None else {"expireAfterSeconds": expires}
    return IndexModel(directions, unique=unique, **expiry)


def documents(model: type[D], *indexes: IndexModel) -> Repository[D]:
    """Return the field of `Store` for a collection of documents without states."""
    return cast("Repository[D]", field(metadata={SPEC: CollectionSpec(model, None, indexes)}))


def stateful(model: type[D], machine: Machine, *indexes: IndexModel) -> StateRepository[D]:
    """Return the field of `Store` for a collection of documents that have states."""
    spec = CollectionSpec(model, machine, indexes)
    return cast("StateRepository[D]", field(metadata={SPEC: spec}))
