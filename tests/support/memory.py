"""A store in memory: the port of `shared.mongo.repository`, without a server.

`tests/integration/test_store_port.py` holds it and the real one against the same tests.
"""

import copy
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from shared.contracts.documents.base import NESTED, Document, history_after
from shared.kernel.errors import NotFound
from shared.mongo.collections import COLLECTIONS, Store
from shared.mongo.records import REVERSED_ID, matches, value_of
from shared.mongo.specs import CollectionSpec


class MemoryRepository:
    """Documents by id, and the unique keys of their collection."""

    def __init__(self, spec: CollectionSpec) -> None:
        self._model = spec.model
        self._unique = [
            tuple(index.document["key"]) for index in spec.indexes if index.document.get("unique")
        ]
        self._documents: dict[str, Any] = {}
        first = {next(iter(index.document["key"])) for index in spec.indexes}
        # Ids by the value of the first field of each index, as long simulations find very often.
        self._ids: dict[str, dict[Any, dict[str, None]]] = {
            name.replace(".", NESTED): {} for name in first if name != REVERSED_ID
        }
        self._conditions: tuple[dict[str, Any], ...] = ()
        self.machine = spec.machine

    def within(self, **where: Any) -> "MemoryRepository":
        view = copy.copy(self)
        view._conditions = (*self._conditions, where)
        return view

    async def get(self, key: str) -> Any:
        known = self._documents.get(key)
        return known if known is not None and self._admits(known) else None

    async def require(self, key: str) -> Any:
        known = await self.get(key)
        if known is None:
            raise NotFound(f"There is no {self._model.__name__.lower()} {key}.")
        return known

    async def find(self, *, sort: str = "_id", limit: int = 0, **where: Any) -> list[Any]:
        found = [each for each in self._visible(where) if matches(each, where)]
        found = _sorted(found, sort)
        return found[:limit] if limit else found

    async def find_by_ids(self, keys: Sequence[str]) -> list[Any]:
        found = [await self.get(each) for each in keys]
        return [each for each in found if each is not None]

    async def exists(self, **where: Any) -> bool:
        return bool(await self.find(limit=1, **where))

    async def find_remembered(self, known: dict[str, Any], **where: Any) -> list[Any]:
        found = await self.find(**where)
        for each in found:
            if each.id not in known or known[each.id].version != each.version:
                known[each.id] = each
        return [known[each.id] for each in found]

    async def find_since(self, field: str, moment: datetime) -> list[Any]:
        return await self.find_between(field, moment, None)

    async def find_between(
        self, field: str, start: Any, end: Any, *, sort: str = "", limit: int = 0, **where: Any
    ) -> list[Any]:
        found = [
            each
            for each in await self.find(**where)
            if (value := value_of(each, field)) is not None
            and (start is None or value >= start)
            and (end is None or value < end)
        ]
        found = _sorted(found, sort or field)
        return found[:limit] if limit else found

    async def page(self, *, limit: int, after: str = "", **where: Any) -> list[Any]:
        found = await self.find(sort="-_id", **where)
        return [each for each in found if not after or each.id < after][:limit]

    async def find_by_id_suffix(self, suffix: str, *, limit: int) -> list[Any]:
        found = [each for each in self._visible({}) if each.id.endswith(suffix)]
        return found[:limit]

    async def field_values(self, field: str, **where: Any) -> list[Any]:
        return [value_of(each, field) for each in await self.find(**where)]

    async def first(self, *, sort: str = "_id", **where: Any) -> Any:
        found = await self.find(sort=sort, limit=1, **where)
        return found[0] if found else None

    async def count(self, **where: Any) -> int:
        return len(await self.find(**where))

    async def count_by(self, fields: Sequence[str], **where: Any) -> dict[tuple[Any, ...], int]:
        found = await self.find(**where)
        return dict(Counter(tuple(value_of(each, name) for name in fields) for each in found))

    async def insert(self, document: Document) -> bool:
        if document.id in self._documents or self._taken(document) or not self._admits(document):
            return False
        self._keep(document)
        return True

    async def insert_missing(self, documents: Iterable[Document]) -> int:
        return sum([await self.insert(each) for each in documents])

    async def save(self, document: Document) -> Any:
        known = await self.get(document.id)
        if known is None or known.version != document.version or not self._admits(document):
            return None
        return self._put(document, version=document.version + 1)

    async def save_entries(self, key: str, version: int, entries: dict[str, Any]) -> bool:
        known = await self.get(key)
        if known is None or known.version != version:
            return False
        record = known.model_dump()
        for path, value in entries.items():
            *folders, name = path.split(NESTED)
            place = record
            for each in folders:
                place = place[each]
            if value is None:
                place.pop(name, None)
            else:
                place[name] = value.model_dump() if isinstance(value, BaseModel) else value
        self._keep(self._model.model_validate({**record, "version": version + 1}))
        return True

    async def set_fields(self, key: str, **changes: Any) -> bool:
        known = await self.get(key)
        if known is None:
            return False
        self._put(known, **changes)
        return True

    async def set_field_of_each(self, field: str, values: Mapping[str, Any]) -> None:
        for key, value in values.items():
            await self.set_fields(key, **{field: value})

    async def remove(self, key: str) -> bool:
        known = await self.get(key)
        if known is not None:
            self._forget(known)
        return known is not None and self._documents.pop(key) is not None

    async def transition(self, document: Any, trigger: str, **changes: Any) -> Any:
        assert self.machine is not None
        target = self.machine.target(document.state, trigger)
        known = await self.get(document.id)
        if target is None or known is None:
            return None
        if (known.state, known.version) != (document.state, document.version):
            return None
        changes |= history_after(document, target, changes)
        self._put(known, state=target, version=document.version + 1, **changes)
        return document.updated(state=target, **changes, version=document.version + 1)

    async def transition_all(
        self, documents: Sequence[Any], trigger: str, **changes: Any
    ) -> list[Any]:
        moved = [await self.transition(each, trigger, **changes) for each in documents]
        return [each for each in moved if each is not None]

    def _visible(self, where: Mapping[str, Any]) -> list[Any]:
        return [each for each in self._candidates(where) if self._admits(each)]

    def _candidates(self, where: Mapping[str, Any]) -> list[Any]:
        """Return the documents that the most selective index finds; all without one."""
        choices = [
            [key for value in _values(where[name]) for key in self._ids[name].get(value, ())]
            for name in where.keys() & self._ids.keys()
        ]
        if "id" in where:
            choices.append([key for key in _values(where["id"]) if key in self._documents])
        keys = min(choices, key=len) if choices else self._documents
        return [self._documents[key] for key in dict.fromkeys(keys)]

    def _keep(self, document: Any) -> None:
        if document.id in self._documents:
            self._forget(self._documents[document.id])
        self._documents[document.id] = document
        for name, ids in self._ids.items():
            for value in _indexed(document, name):
                ids.setdefault(value, {})[document.id] = None

    def _forget(self, document: Any) -> None:
        for name, ids in self._ids.items():
            for value in _indexed(document, name):
                ids[value].pop(document.id, None)

    def _admits(self, document: Any) -> bool:
        return all(matches(document, each) for each in self._conditions)

    def _put(self, document: Any, **changes: Any) -> Any:
        self._keep(document.updated(**changes))
        return self._documents[document.id]

    def _taken(self, document: Any) -> bool:
        return any(
            [value_of(each, key) for key in keys] == [value_of(document, key) for key in keys]
            for keys in self._unique
            for each in self._candidates({keys[0]: value_of(document, keys[0])})
        )


def _values(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _indexed(document: Any, name: str) -> list[Any]:
    value = value_of(document, name)
    return [*value, value] if isinstance(value, tuple) else [value]


def _sorted(found: list[Any], sort: str) -> list[Any]:
    name = "id" if sort.lstrip("-") == "_id" else sort.lstrip("-")
    return sorted(found, key=lambda each: value_of(each, name), reverse=sort.startswith("-"))


def a_store() -> Store:
    """Every collection, empty."""
    made = {name: MemoryRepository(spec) for name, spec in COLLECTIONS.items()}
    return Store(**made)  # type: ignore[arg-type]
