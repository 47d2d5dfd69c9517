"""Repositories: typed documents of a collection, and state changes as conditional updates."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, Self, TypeVar

from shared.contracts.documents.base import NESTED, Document, history_after
from shared.contracts.states import Machine
from shared.kernel.errors import NotFound
from shared.mongo.client import Collection, Record
from shared.mongo.records import (
    REVERSED_ID,
    matches,
    order_by,
    record_of,
    stored_fields,
    where_query,
)

D = TypeVar("D", bound=Document)

AFTER_ANY_ID_CHARACTER = "~"


class Repository(Generic[D]):
    """Reads and writes the documents of one collection.

    Methods that take `where` match documents whose fields equal it, or of several values have one
    that does; a list means one of. `a__b` names field `b` of the nested value `a`. Ids are UUIDv7,
    so that sorting by `_id` sorts by age. One method per operation: it is the whole port to the
    database, with one fake for tests.
    """

    def __init__(self, collection: Collection, model: type[D]) -> None:
        self._collection = collection
        self._model = model
        self._conditions: tuple[Record, ...] = ()

    def within(self, **where: Any) -> Self:
        """Return a view of the matching documents only: no others are read or written by it.

        A view of a view has what matches both. A document that does not match is not inserted, nor
        is one saved that does not match any more.
        """
        view = copy.copy(self)
        view._conditions = (*self._conditions, where)  # noqa: SLF001 - of the same class
        return view

    async def get(self, key: str) -> D | None:
        """Return the document with the id `key`, if it exists."""
        found = await self._collection.find(self._query({"id": key}), limit=1)
        return self._read(found[0]) if found else None

    async def require(self, key: str) -> D:
        """Return the document with the id `key`. Raises `NotFound`."""
        document = await self.get(key)
        if document is None:
            raise NotFound(f"There is no {self._model.__name__.lower()} {key}.")
        return document

    async def find(self, *, sort: str = "_id", limit: int = 0, **where: Any) -> list[D]:
        """Return the matching documents, all if `limit` is 0, by a field (descending after `-`)."""
        records = await self._collection.find(self._query(where), sort=order_by(sort), limit=limit)
        return [self._read(record) for record in records]

    async def find_by_ids(self, keys: Sequence[str]) -> list[D]:
        """Return the existing documents with these ids, in the order of `keys`."""
        found = {each.id: each for each in await self.find(id=[*keys])}
        return [found[each] for each in keys if each in found]

    async def exists(self, **where: Any) -> bool:
        """Return whether any document matches, which need not be read for that."""
        return bool(await self._collection.find(self._query(where), limit=1, fields=("_id",)))

    async def find_remembered(self, known: dict[str, D], **where: Any) -> list[D]:
        """Return the matching documents by age; those in `known` are read only if they changed.

        What no state depends on may be older than stored. What is read is remembered in `known`. A
        document that changes just now may match no more.
        """
        records = await self._collection.find(
            self._query(where), sort=[("_id", 1)], fields=("version",)
        )
        versions = {str(each["_id"]): each["version"] for each in records}
        changed = [key for key, version in versions.items() if _version(known.get(key)) != version]
        for each in await self.find(id=changed) if changed else ():
            known[each.id] = each
        return [known[each] for each in versions if each in known]

    async def find_since(self, field: str, moment: datetime) -> list[D]:
        """Return the documents whose time `field` is `moment` or later, oldest first."""
        return await self.find_between(field, moment, None)

    async def find_between(
        self, field: str, start: Any, end: Any, *, sort: str = "", limit: int = 0, **where: Any
    ) -> list[D]:
        """Return the matching documents whose `field` is `start` or later, and before `end`.

        What is None bounds nothing. They are sorted by the field unless `sort` names another one
        (descending after `-`), at most `limit` of them unless that is 0.
        """
        path = field.replace(NESTED, ".")
        bounds = {"$gte": start, "$lt": end, "$ne": None}
        within = {key: value for key, value in bounds.items() if key == "$ne" or value is not None}
        query = self._scoped({**where_query(where), path: within})
        order = order_by(sort or path)
        records = await self._collection.find(query, sort=order, limit=limit)
        return [self._read(record) for record in records]

    async def page(self, *, limit: int, after: str = "", **where: Any) -> list[D]:
        """Return at most `limit` matching documents, newest first (keyset pagination by UUIDv7).

        `after` is the id of the last document of the previous page; empty for the first page.
        """
        condition = where_query(where)
        if after:
            condition = {"$and": [condition, {"_id": {"$lt": after}}]}
        records = await self._collection.find(
            self._scoped(condition), sort=[("_id", -1)], limit=limit
        )
        return [self._read(record) for record in records]

    async def find_by_id_suffix(self, suffix: str, *, limit: int) -> list[D]:
        """Return at most `limit` documents whose id ends with `suffix`, by an indexed range."""
        first = suffix[::-1]
        within = {"$gte": first, "$lt": first + AFTER_ANY_ID_CHARACTER}
        records = await self._collection.find(self._scoped({REVERSED_ID: within}), limit=limit)
        return [self._read(record) for record in records]

    async def field_values(self, field: str, **where: Any) -> list[Any]:
        """Return one field of each matching document, without reading the other fields."""
        records = await self._collection.find(self._query(where), fields=(field,))
        return [record[field] for record in records]

    async def first(self, *, sort: str = "_id", **where: Any) -> D | None:
        """Return the first matching document in the order of `sort`, if any."""
        found = await self.find(sort=sort, limit=1, **where)
        return found[0] if found else None

    async def count(self, **where: Any) -> int:
        """Return the number of matching documents."""
        return await self._collection.count(self._query(where))

    async def count_by(self, fields: Sequence[str], **where: Any) -> dict[tuple[Any, ...], int]:
        """Return how many matching documents there are of each combination of these fields."""
        paths = [each.replace(NESTED, ".") for each in fields]
        found = await self._collection.count_by(self._query(where), paths)
        return {tuple(values[each] for each in paths): count for values, count in found}

    async def insert(self, document: D) -> bool:
        """Insert `document`; return False if its id or another unique key is taken."""
        return self._admits(document) and await self._collection.insert(record_of(document))

    async def insert_missing(self, documents: Iterable[D]) -> int:
        """Insert the documents that are new, in one round trip, and return how many those were."""
        return await self._collection.insert_missing(
            [record_of(each) for each in documents if self._admits(each)]
        )

    async def save(self, document: D) -> D | None:
        """Replace `document` and return its new version; None if it changed since it was read."""
        new = document.model_copy(update={"version": document.version + 1})
        where = self._query({"id": document.id, "version": document.version})
        saved = self._admits(new) and await self._collection.replace(where, record_of(new))
        return new if saved else None

    async def save_entries(self, key: str, version: int, entries: Record) -> bool:
        """Set these fields, and entries of nested maps, of a document; remove those that are None.

        Its version grows by 1. Returns False, and changes nothing, if it is not `version` any more.
        """
        where = self._query({"id": key, "version": version})
        present = {key: value for key, value in entries.items() if value is not None}
        gone = {key: value for key, value in entries.items() if value is None}
        update: Record = {"$set": stored_fields({**present, "version": version + 1})}
        if gone:
            update["$unset"] = dict.fromkeys(stored_fields(gone), "")
        return await self._collection.update(where, update)

    async def set_fields(self, key: str, **changes: Any) -> bool:
        """Set fields that no state depends on, such as a heartbeat; return whether it exists."""
        return await self._collection.update(
            self._query({"id": key}), {"$set": stored_fields(changes)}
        )

    async def set_field_of_each(self, field: str, values: Mapping[str, Any]) -> None:
        """Set a field that no state depends on, of the documents with these ids to their value.

        That is one round trip. A document that does not exist is left out.
        """
        await self._collection.update_each(
            [
                (self._query({"id": key}), {"$set": stored_fields({field: value})})
                for key, value in values.items()
            ]
        )

    async def remove(self, key: str) -> bool:
        """Delete the document with the id `key`; return whether it existed."""
        return await self._collection.remove(self._query({"id": key}))

    def _query(self, where: Record) -> Record:
        """Return the query that matches documents of this view whose fields equal `where`."""
        return self._scoped(where_query(where))

    def _scoped(self, query: Record) -> Record:
        """Return a query that matches only documents of this view."""
        scope = [where_query(each) for each in self._conditions]
        return {"$and": [*scope, query]} if scope else query

    def _admits(self, document: D) -> bool:
        """Return whether a document belongs in this view."""
        return all(matches(document, each) for each in self._conditions)

    def _read(self, record: Record) -> D:
        """Return the document that a record of MongoDB holds. The record is changed."""
        record["id"] = record.pop("_id")
        return self._model.model_validate(record)


class StateRepository(Repository[D]):
    """Reads and writes documents that have a state, which only `transition` changes."""

    def __init__(self, collection: Collection, model: type[D], machine: Machine) -> None:
        super().__init__(collection, model)
        self.machine = machine

    async def transition(self, document: D, trigger: str, **changes: Any) -> D | None:
        """Apply `trigger` to `document` and set `changes`, in one conditional update.

        Returns the document in its new state. Returns None if its stored state or version is no
        longer the one that was read, or if its state has no such transition: the caller lost a
        race, or its message was delivered twice. A document with a history gets an entry.
        """
        move = self._move(document, trigger, changes)
        return (
            move.after if move and await self._collection.update(move.where, move.change) else None
        )

    async def transition_all(self, documents: Sequence[D], trigger: str, **changes: Any) -> list[D]:
        """Apply `trigger` to each document in one round trip, and return those that moved."""
        moves = [move for each in documents if (move := self._move(each, trigger, changes))]
        moved = await self._collection.update_each([(e.where, e.change) for e in moves])
        after = [each.after for each in moves]
        if moved == len(after):
            return after
        # Somebody was faster: what is stored tells which of them.
        stored = {each.id: each for each in await self.find(id=[each.id for each in after])}
        return [each for each in after if _same_move(each, stored.get(each.id))]

    def _move(self, document: D, trigger: str, changes: Record) -> "_Move[D] | None":
        """Return how `trigger` moves a document; None if its state has no such transition."""
        state: Any = getattr(document, "state")  # noqa: B009
        target = self.machine.target(state, trigger)
        if target is None:
            return None
        values = {"state": target, **changes, **history_after(document, target, changes)}
        return _Move(
            self._query({"id": document.id, "state": str(state), "version": document.version}),
            {"$set": stored_fields(values), "$inc": {"version": 1}},
            document.updated(**values, version=document.version + 1),
        )


class _Move(NamedTuple, Generic[D]):
    """A transition of one document: the stored one it is for, its update, and the outcome."""

    where: Record
    change: Record
    after: D


def _same_move(moved: Document, stored: Document | None) -> bool:
    """Return whether a document is stored as it was moved, in what only transitions change."""
    fields = ("version", "state", "history")
    return all(getattr(moved, each, None) == getattr(stored, each, None) for each in fields)


def _version(document: Document | None) -> int | None:
    """Return the version of a document; None where there is none."""
    return None if document is None else document.version
