"""A store in memory: the port of `shared.mongo.repository`, without a server.

`tests/integration/test_store_port.py` holds it and the real one against the same tests.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from pydantic import BaseModel

from shared.contracts import states
from shared.contracts.documents.agents import Agent, Worker
from shared.contracts.documents.audit import AuditRecord
from shared.contracts.documents.backtests import Backtest
from shared.contracts.documents.base import NESTED, Document, history_after
from shared.contracts.documents.conflicts import ConflictResolution
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.findings import FindingSet, FindingsImport, Health
from shared.contracts.documents.leases import LeaderLease, LeaseLedger
from shared.contracts.documents.review import PullRequest
from shared.contracts.documents.runs import Flakiness, Recall, Runner, TestRun
from shared.contracts.documents.storage import Patch, StoredReport
from shared.contracts.documents.targets import Target
from shared.contracts.documents.watches import Watch
from shared.contracts.documents.waves import Task, Wave
from shared.contracts.documents.workflows import WorkflowRelease
from shared.contracts.states import Machine
from shared.kernel.errors import NotFound
from shared.mongo.collections import INDEXES, Store

UNIQUE = {
    name: [
        tuple(key for key, _ in index.document["key"].items())
        for index in indexes
        if index.document.get("unique")
    ]
    for name, indexes in INDEXES.items()
}


class MemoryRepository:
    """Documents by id, and the unique keys of their collection."""

    def __init__(self, name: str, model: type[Document], machine: Machine | None = None) -> None:
        self._model = model
        self._unique = UNIQUE[name]
        self._documents: dict[str, Any] = {}
        self.machine = machine

    async def get(self, key: str) -> Any:
        return self._documents.get(key)

    async def require(self, key: str) -> Any:
        if key not in self._documents:
            raise NotFound(f"There is no {self._model.__name__.lower()} {key}.")
        return self._documents[key]

    async def find(self, *, sort: str = "_id", limit: int = 0, **where: Any) -> list[Any]:
        name = sort.lstrip("-").replace("_id", "id") if sort.endswith("_id") else sort.lstrip("-")
        found = [each for each in self._documents.values() if _fits(each, where)]
        found.sort(key=lambda each: _value(each, name), reverse=sort.startswith("-"))
        return found[:limit] if limit else found

    async def find_by_ids(self, keys: Sequence[str]) -> list[Any]:
        return [self._documents[each] for each in keys if each in self._documents]

    async def exists(self, **where: Any) -> bool:
        return bool(await self.find(limit=1, **where))

    async def find_remembered(self, known: dict[str, Any], **where: Any) -> list[Any]:
        found = await self.find(**where)
        for each in found:
            if each.id not in known or known[each.id].version != each.version:
                known[each.id] = each
        return [known[each.id] for each in found]

    async def find_since(self, field: str, moment: datetime) -> list[Any]:
        found = [each for each in self._documents.values() if getattr(each, field)]
        late = [each for each in found if getattr(each, field) >= moment]
        return sorted(late, key=lambda each: getattr(each, field))

    async def page(self, *, limit: int, after: str = "", **where: Any) -> list[Any]:
        found = await self.find(sort="-_id", **where)
        return [each for each in found if not after or each.id < after][:limit]

    async def find_by_id_suffix(self, suffix: str, *, limit: int) -> list[Any]:
        found = [each for each in self._documents.values() if each.id.endswith(suffix)]
        return found[:limit]

    async def field_values(self, field: str, **where: Any) -> list[Any]:
        return [_value(each, field) for each in await self.find(**where)]

    async def first(self, *, sort: str = "_id", **where: Any) -> Any:
        found = await self.find(sort=sort, limit=1, **where)
        return found[0] if found else None

    async def count(self, **where: Any) -> int:
        return len(await self.find(**where))

    async def count_by(self, fields: Sequence[str], **where: Any) -> dict[tuple[Any, ...], int]:
        found = await self.find(**where)
        return dict(Counter(tuple(_value(each, name) for name in fields) for each in found))

    async def insert(self, document: Document) -> bool:
        if document.id in self._documents or self._taken(document):
            return False
        self._documents[document.id] = document
        return True

    async def insert_missing(self, documents: Iterable[Document]) -> int:
        return sum([await self.insert(each) for each in documents])

    async def save(self, document: Document) -> Any:
        known = self._documents.get(document.id)
        if known is None or known.version != document.version:
            return None
        return self._put(document, version=document.version + 1)

    async def save_entries(self, key: str, version: int, entries: dict[str, Any]) -> bool:
        known = self._documents.get(key)
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
        self._documents[key] = self._model.model_validate({**record, "version": version + 1})
        return True

    async def set_fields(self, key: str, **changes: Any) -> bool:
        if key not in self._documents:
            return False
        self._put(self._documents[key], **changes)
        return True

    async def set_field_of_each(self, field: str, values: Mapping[str, Any]) -> None:
        for key, value in values.items():
            await self.set_fields(key, **{field: value})

    async def remove(self, key: str) -> bool:
        return self._documents.pop(key, None) is not None

    async def transition(self, document: Any, trigger: str, **changes: Any) -> Any:
        assert self.machine is not None
        target = self.machine.target(document.state, trigger)
        known = self._documents.get(document.id)
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

    def _put(self, document: Any, **changes: Any) -> Any:
        self._documents[document.id] = document.updated(**changes)
        return self._documents[document.id]

    def _taken(self, document: Any) -> bool:
        return any(
            [_value(each, key) for key in keys] == [_value(document, key) for key in keys]
            for keys in self._unique
            for each in self._documents.values()
        )


def _fits(document: Any, where: dict[str, Any]) -> bool:
    return all(
        _value(document, key) in value
        if isinstance(value, list)
        else _equals(_value(document, key), value)
        for key, value in where.items()
    )


def _equals(known: Any, value: Any) -> bool:
    return value in known if isinstance(known, tuple) else known == value


def _value(document: Any, path: str) -> Any:
    return attrgetter(path.replace(NESTED, "."))(document)


def a_store() -> Store:
    """Every collection, empty."""
    machines = {
        "agents": (Agent, states.AGENT),
        "waves": (Wave, states.WAVE),
        "tasks": (Task, states.TASK),
        "enhancements": (Enhancement, states.ENHANCEMENT),
        "pull_requests": (PullRequest, states.PULL_REQUEST),
        "releases": (WorkflowRelease, states.RELEASE),
        "runs": (TestRun, states.RUN),
        "backtests": (Backtest, states.BACKTEST),
        "watches": (Watch, states.WATCH),
    }
    plain = {
        "workers": Worker,
        "targets": Target,
        "leases": LeaseLedger,
        "conflicts": ConflictResolution,
        "leader_leases": LeaderLease,
        "runners": Runner,
        "patches": Patch,
        "reports": StoredReport,
        "findings": FindingSet,
        "imports": FindingsImport,
        "health": Health,
        "flakiness": Flakiness,
        "recall": Recall,
        "audit": AuditRecord,
    }
    made = {name: MemoryRepository(name, *both) for name, both in machines.items()}
    made |= {name: MemoryRepository(name, model) for name, model in plain.items()}
    return Store(**made)  # type: ignore[arg-type]
