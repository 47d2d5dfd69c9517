"""The collections of the database: their names, documents, indexes and state machines."""

from dataclasses import dataclass

from pymongo import ASCENDING, DESCENDING, IndexModel

from shared.contracts import states
from shared.contracts.documents.agents import Agent, Worker
from shared.contracts.documents.audit import AuditRecord
from shared.contracts.documents.backtests import Backtest
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
from shared.mongo.client import Database
from shared.mongo.repository import REVERSED_ID, Repository, StateRepository


def _index(*keys: str, unique: bool = False) -> IndexModel:
    """Return an index on these keys, which ascend unless they have a leading `-`."""
    directions = [
        (key.lstrip("-"), DESCENDING if key.startswith("-") else ASCENDING) for key in keys
    ]
    return IndexModel(directions, unique=unique)


INDEXES: dict[str, tuple[IndexModel, ...]] = {
    "targets": (_index("location", "root_commit", "base_branch", unique=True),),
    "agents": (_index("wave_id"), _index("state")),
    "workers": (),
    "waves": (
        _index(REVERSED_ID),
        _index("target_id", "state"),
        _index("state"),
        _index("-created_at"),
        _index("finished_at"),
    ),
    "tasks": (
        _index("wave_id", "agent_type", "component", "opportunity.part", "attempt", unique=True),
        _index("state"),
        _index("finished_at"),
        _index("agent_id"),
    ),
    "leases": (),
    "enhancements": (
        _index(REVERSED_ID),
        _index("task_id", "proposal.epoch", "proposal.key", unique=True),
        _index("target_id", "state"),
        _index(
            "proposal.author.agent_type", "proposal.fix.rule", "proposal.author.engine", "state"
        ),
        _index("wave_id"),
        _index("state"),
        _index("finished_at"),
    ),
    "conflicts": (
        _index("waves"),
        _index("outcome"),
        _index("second.enhancement_id"),
        _index("resolved_at"),
    ),
    "pull_requests": (_index("state"), _index("wave_id"), _index("target_id")),
    "releases": (
        _index("enhancement_id", "path", "workflow", unique=True),
        _index("state"),
    ),
    "runs": (_index("key", unique=True), _index("wave_id"), _index("target_id", "state")),
    "watches": (_index("state"), _index("target_id")),
    "leader_leases": (),
    "runners": (),
    "patches": (),
    "reports": (),
    "findings": (_index("target_id", "commit"),),
    "imports": (_index("target_id"),),
    "health": (_index("target_id", "commit"),),
    "flakiness": (),
    "recall": (_index("target_id"),),
    "backtests": (_index(REVERSED_ID), _index("state")),
    "audit": (_index("-at"),),
}


@dataclass(frozen=True)
class Store:
    """The repositories of one database, one per collection (which is why it has so many fields).

    One field per collection.
    """

    targets: Repository[Target]
    agents: StateRepository[Agent]
    workers: Repository[Worker]
    waves: StateRepository[Wave]
    tasks: StateRepository[Task]
    leases: Repository[LeaseLedger]
    enhancements: StateRepository[Enhancement]
    conflicts: Repository[ConflictResolution]
    pull_requests: StateRepository[PullRequest]
    releases: StateRepository[WorkflowRelease]
    runs: StateRepository[TestRun]
    watches: StateRepository[Watch]
    leader_leases: Repository[LeaderLease]
    runners: Repository[Runner]
    patches: Repository[Patch]
    reports: Repository[StoredReport]
    findings: Repository[FindingSet]
    imports: Repository[FindingsImport]
    health: Repository[Health]
    flakiness: Repository[Flakiness]
    recall: Repository[Recall]
    backtests: StateRepository[Backtest]
    audit: Repository[AuditRecord]


def open_store(database: Database) -> Store:
    """Return the repositories over `database`, without connecting yet."""
    return Store(
        targets=Repository(database["targets"], Target),
        agents=StateRepository(database["agents"], Agent, states.AGENT),
        workers=Repository(database["workers"], Worker),
        waves=StateRepository(database["waves"], Wave, states.WAVE),
        tasks=StateRepository(database["tasks"], Task, states.TASK),
        leases=Repository(database["leases"], LeaseLedger),
        enhancements=StateRepository(database["enhancements"], Enhancement, states.ENHANCEMENT),
        conflicts=Repository(database["conflicts"], ConflictResolution),
        pull_requests=StateRepository(database["pull_requests"], PullRequest, states.PULL_REQUEST),
        releases=StateRepository(database["releases"], WorkflowRelease, states.RELEASE),
        runs=StateRepository(database["runs"], TestRun, states.RUN),
        watches=StateRepository(database["watches"], Watch, states.WATCH),
        leader_leases=Repository(database["leader_leases"], LeaderLease),
        runners=Repository(database["runners"], Runner),
        patches=Repository(database["patches"], Patch),
        reports=Repository(database["reports"], StoredReport),
        findings=Repository(database["findings"], FindingSet),
        imports=Repository(database["imports"], FindingsImport),
        health=Repository(database["health"], Health),
        flakiness=Repository(database["flakiness"], Flakiness),
        recall=Repository(database["recall"], Recall),
        backtests=StateRepository(database["backtests"], Backtest, states.BACKTEST),
        audit=Repository(database["audit"], AuditRecord),
    )


async def get_or_insert_target(store: Store, new: Target) -> Target:
    """Return the stored target with the same place, root commit and branch, or store `new`."""
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


async def latest_findings(store: Store, target_id: str, commit: str) -> FindingSet | None:
    """Return the findings that were measured last on a commit; None if none were measured."""
    return await store.findings.first(target_id=target_id, commit=commit, sort="-measured_at")


async def ensure_indexes(database: Database) -> None:
    """Create the indexes that are missing in any collection, and drop those that are not listed."""
    for name, indexes in INDEXES.items():
        await database[name].create_indexes(indexes)


async def remove_outdated_agents(database: Database) -> None:
    """Remove the agents that versions before 0.2 stored: processes that belong to no wave."""
    while await database["agents"].remove({"wave_id": None}):
        pass
