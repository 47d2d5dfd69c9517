"""The collections: name, document, indexes, state machine; in one place."""

from dataclasses import dataclass

from pymongo import ASCENDING, DESCENDING, IndexModel

from shared.contracts import documents as d
from shared.contracts import states
from shared.mongo.client import Database
from shared.mongo.repository import Repository, StateRepository


def _index(*keys: str, unique: bool = False) -> IndexModel:
    """An ascending index; a leading `-` makes a key descend."""
    directions = [
        (key.lstrip("-"), DESCENDING if key.startswith("-") else ASCENDING) for key in keys
    ]
    return IndexModel(directions, unique=unique)


INDEXES: dict[str, tuple[IndexModel, ...]] = {
    "targets": (_index("location", "root_commit", "base_branch", unique=True),),
    "agents": (_index("name"),),
    "waves": (
        _index("target_id", "state"),
        _index("state"),
        _index("-created_at"),
        _index("finished_at"),
    ),
    "tasks": (
        _index("wave_id", "agent_type", "component", "round", unique=True),
        _index("state"),
        _index("finished_at"),
    ),
    "leases": (),
    "enhancements": (
        _index("task_id", "epoch", "key", unique=True),
        _index("target_id", "state"),
        _index("agent_type", "rule", "engine", "state"),
        _index("wave_id"),
        _index("state"),
        _index("finished_at"),
    ),
    "pull_requests": (_index("state"), _index("wave_id"), _index("target_id")),
    "verdicts": (_index("key", unique=True), _index("wave_id"), _index("target_id", "state")),
    "watches": (_index("state"), _index("target_id")),
    "gates": (),
    "runners": (),
    "patches": (),
    "reports": (),
    "findings": (_index("target_id", "commit"),),
    "health": (_index("target_id", "commit"),),
    "flakiness": (),
    "recall": (_index("target_id"),),
    "backtests": (_index("state"),),
    "audit": (_index("-at"),),
}


@dataclass(frozen=True)
class Store:
    """Every repository over one database."""

    targets: Repository[d.Target]
    agents: StateRepository[d.Agent]
    waves: StateRepository[d.Wave]
    tasks: StateRepository[d.Task]
    leases: Repository[d.LeaseLedger]
    enhancements: StateRepository[d.Enhancement]
    pull_requests: StateRepository[d.PullRequest]
    verdicts: StateRepository[d.Verdict]
    watches: StateRepository[d.Watch]
    gates: Repository[d.Gate]
    runners: Repository[d.Runner]
    patches: Repository[d.Patch]
    reports: Repository[d.Report]
    findings: Repository[d.FindingSet]
    health: Repository[d.Health]
    flakiness: Repository[d.Flakiness]
    recall: Repository[d.Recall]
    backtests: StateRepository[d.Backtest]
    audit: Repository[d.Audit]


def open_store(database: Database) -> Store:
    """Repositories over `database`; touches nothing yet."""
    return Store(
        targets=Repository(database["targets"], d.Target),
        agents=StateRepository(database["agents"], d.Agent, states.AGENT),
        waves=StateRepository(database["waves"], d.Wave, states.WAVE),
        tasks=StateRepository(database["tasks"], d.Task, states.TASK),
        leases=Repository(database["leases"], d.LeaseLedger),
        enhancements=StateRepository(database["enhancements"], d.Enhancement, states.ENHANCEMENT),
        pull_requests=StateRepository(
            database["pull_requests"], d.PullRequest, states.PULL_REQUEST
        ),
        verdicts=StateRepository(database["verdicts"], d.Verdict, states.RUN),
        watches=StateRepository(database["watches"], d.Watch, states.WATCH),
        gates=Repository(database["gates"], d.Gate),
        runners=Repository(database["runners"], d.Runner),
        patches=Repository(database["patches"], d.Patch),
        reports=Repository(database["reports"], d.Report),
        findings=Repository(database["findings"], d.FindingSet),
        health=Repository(database["health"], d.Health),
        flakiness=Repository(database["flakiness"], d.Flakiness),
        recall=Repository(database["recall"], d.Recall),
        backtests=StateRepository(database["backtests"], d.Backtest, states.BACKTEST),
        audit=Repository(database["audit"], d.Audit),
    )


async def known_target(store: Store, new: d.Target) -> d.Target:
    """The target at that place with that first commit and base branch; `new` where there is none yet."""
    identity = {
        "location": new.location,
        "root_commit": new.root_commit,
        "base_branch": new.base_branch,
    }
    found = await store.targets.first(**identity)
    if found is None:
        await store.targets.insert(new)
        found = await store.targets.first(**identity)
    return found or new


async def ensure_indexes(database: Database) -> None:
    """Create every index that is missing."""
    for name, indexes in INDEXES.items():
        await database[name].create_indexes(indexes)
