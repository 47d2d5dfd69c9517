"""Documents as MongoDB stores them, and the queries that find them by their fields."""

from enum import Enum
from operator import attrgetter
from typing import Any

from pydantic import BaseModel

from shared.contracts.documents.base import NESTED, Document
from shared.mongo.client import Record

# Stored beside every id, so that an index finds an id by its last characters, which is how people
# abbreviate one: UUIDv7 ids that were made together have the same first characters.
REVERSED_ID = "reversed_id"


def matches(document: Document, where: Record) -> bool:
    """Return whether a document's fields equal `where`, as the database finds them."""
    return all(_matches(value_of(document, key), value) for key, value in where.items())


def _matches(known: Any, value: Any) -> bool:
    """Return whether a field's value equals what is looked for; a list means one of its values."""
    if isinstance(value, list):
        return any(_matches(known, each) for each in value)
    return known == value or (isinstance(known, tuple) and value in known)


def value_of(document: Document, path: str) -> Any:
    """Return a field of a document; `a__b` is the field `b` of its value `a`."""
    return attrgetter(path.replace(NESTED, "."))(document)


def order_by(sort: str) -> list[tuple[str, int]]:
    """Return the order by a field, descending after `-`, as MongoDB takes it."""
    return [(sort.lstrip("-"), -1 if sort.startswith("-") else 1)]


def record_of(document: Document) -> Record:
    """Return `document` as MongoDB stores it."""
    record: Record = _plain(document.model_dump())
    record["_id"] = record.pop("id")
    record[REVERSED_ID] = document.id[::-1]
    return record


def where_query(where: Record) -> Record:
    """Return the query that matches documents whose fields equal `where`."""
    plain = stored_fields({("_id" if key == "id" else key): value for key, value in where.items()})
    return {k: {"$in": v} if isinstance(v, list) else v for k, v in plain.items()}


def stored_fields(values: Record) -> Record:
    """Return values by the paths of their fields, as MongoDB writes them: `a__b` is `a.b`."""
    return {key.replace(NESTED, "."): _plain(value) for key, value in values.items()}


def _plain(values: Any) -> Any:
    """Return `values` made of what BSON has: lists for tuples and sets, the values of enums."""
    if isinstance(values, BaseModel):
        return _plain(values.model_dump())
    if isinstance(values, dict):
        return {key: _plain(value) for key, value in values.items()}
    if isinstance(values, list | tuple | set | frozenset):
        return [_plain(value) for value in values]
    return values.value if isinstance(values, Enum) else values
