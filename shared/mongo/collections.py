"""The collections of the database: their names, documents, indexes and state machines."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from shared.contracts import states
from shared.contracts.documents.access import ApiKey, IdempotentRequest
from shared.contracts.documents.agents import Agent, Worker
from shared.contracts.documents.audit import AuditRecord
from shared.contracts.documents.backtests import Backtest
from shared.contracts.documents.choices import WaveChoices
from shared.contracts.documents.conflicts import ConflictResolution
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.findings import FindingSet, FindingsImport, Health
from shared.contracts.documents.infinite import InfiniteMode
from shared.contracts.documents.leases import LeaderLease, LeaseLedger
from shared.contracts.documents.review import PullRequest
from shared.contracts.documents.runs import Flakiness, Recall, Runner, TestRun
from shared.contracts.documents.storage import Patch, StoredReport
from shared.contracts.documents.targets import Target
from shared.contracts.documents.watches import Watch
from shared.contracts.documents.waves import Task, Wave
from shared.contracts.documents.webhooks import (
    Delivery,
    EventCursor,
    ReceivedMessage,
    Webhook,
)
from shared.contracts.documents.workflows import WorkflowRelease
from shared.mongo.client import Collection, Database
from shared.mongo.records import REVERSED_ID
from shared.mongo.repository import Repository, StateRepository
from shared.mongo.specs import SPEC, CollectionSpec, documents, index, stateful

# Longer than events are kept, so that a reader that begins again makes no delivery twice.
KEPT_DELIVERIES_SECONDS = 30 * 24 * 3600
# Longer than a sender's clock may differ and a sender may try again.
KEPT_MESSAGES_SECONDS = 7 * 24 * 3600
# For so long a request may be repeated under its idempotency key.
DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Store:
    """The repositories of one database, one per collection: the one table of all collections.

    One field per collection.
    """

    targets: Repository[Target] = documents(
        Target, index("location", "root_commit", "base_branch", unique=True)
    )
    agents: StateRepository[Agent] = stateful(Agent, states.AGENT, index("wave_id"), index("state"))
    workers: Repository[Worker] = documents(Worker)
    waves: StateRepository[Wave] = stateful(
        Wave,
        states.WAVE,
        index(REVERSED_ID),
        index("target_id", "state"),
        index("state"),
        index("-created_at"),
        index("finished_at"),
    )
    tasks: StateRepository[Task] = stateful(
        Task,
        states.TASK,
        index("wave_id", "agent_type", "component", "opportunity.part", "attempt", unique=True),
        index("state"),
        index("finished_at"),
        index("agent_id"),
    )
    choices: Repository[WaveChoices] = documents(WaveChoices)
    leases: Repository[LeaseLedger] = documents(LeaseLedger)
    enhancements: StateRepository[Enhancement] = stateful(
        Enhancement,
        states.ENHANCEMENT,
        index(REVERSED_ID),
        index("task_id", "proposal.epoch", "proposal.key", unique=True),
        index("target_id", "state"),
        index("proposal.author.agent_type", "proposal.fix.rule", "proposal.author.engine", "state"),
        index("wave_id"),
        index("state"),
        index("finished_at"),
    )
    conflicts: Repository[ConflictResolution] = documents(
        ConflictResolution,
        index("waves"),
        index("outcome"),
        index("second.enhancement_id"),
        index("resolved_at"),
        index("-found_at"),
    )
    pull_requests: StateRepository[PullRequest] = stateful(
        PullRequest, states.PULL_REQUEST, index("state"), index("wave_id"), index("target_id")
    )
    releases: StateRepository[WorkflowRelease] = stateful(
        WorkflowRelease,
        states.RELEASE,
        index("enhancement_id", "path", "workflow", unique=True),
        index("state"),
    )
    runs: StateRepository[TestRun] = stateful(
        TestRun,
        states.RUN,
        index("key", unique=True),
        index("wave_id"),
        index("target_id", "state"),
    )
    watches: StateRepository[Watch] = stateful(
        Watch, states.WATCH, index("state"), index("target_id")
    )
    infinite: StateRepository[InfiniteMode] = stateful(
        InfiniteMode, states.INFINITE, index("state")
    )
    leader_leases: Repository[LeaderLease] = documents(LeaderLease)
    runners: Repository[Runner] = documents(Runner)
    patches: Repository[Patch] = documents(Patch)
    reports: Repository[StoredReport] = documents(StoredReport)
    findings: Repository[FindingSet] = documents(FindingSet, index("target_id", "commit"))
    imports: Repository[FindingsImport] = documents(FindingsImport, index("target_id"))
    health: Repository[Health] = documents(Health, index("target_id", "commit"))
    flakiness: Repository[Flakiness] = documents(Flakiness)
    recall: Repository[Recall] = documents(Recall, index("target_id"))
    backtests: StateRepository[Backtest] = stateful(
        Backtest, states.BACKTEST, index(REVERSED_ID), index("state")
    )
    webhooks: Repository[Webhook] = documents(Webhook)
    deliveries: StateRepository[Delivery] = stateful(
        Delivery,
        states.DELIVERY,
        index("settled"),
        index("state", "due_at"),
        index("lane", "state", "sequence"),
        index("webhook_id", "state"),
        index("finished_at", expires=KEPT_DELIVERIES_SECONDS),
    )
    cursors: Repository[EventCursor] = documents(EventCursor)
    received: Repository[ReceivedMessage] = documents(
        ReceivedMessage, index("at", expires=KEPT_MESSAGES_SECONDS)
    )
    audit: Repository[AuditRecord] = documents(AuditRecord, index("-at"))
    api_keys: Repository[ApiKey] = documents(
        ApiKey, index(REVERSED_ID), index("prefix", unique=True)
    )
    idempotency: Repository[IdempotentRequest] = documents(
        IdempotentRequest, index("seed_at", expires=DAY_SECONDS)
    )


COLLECTIONS: dict[str, CollectionSpec] = {
    each.name: each.metadata[SPEC] for each in dataclasses.fields(Store)
}


def open_store(database: Database) -> Store:
    """Return the repositories over `database`, without connecting yet."""
    made = {name: _open(database[name], spec) for name, spec in COLLECTIONS.items()}
    return Store(**made)


def _open(collection: Collection, spec: CollectionSpec) -> Any:
    """Return the repository of one collection."""
    if spec.machine is None:
        return Repository(collection, spec.model)
    return StateRepository(collection, spec.model, spec.machine)


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
    for name, spec in COLLECTIONS.items():
        await database[name].create_indexes(spec.indexes)


async def remove_outdated_agents(database: Database) -> None:
    """Remove the agents that versions before 0.2 stored: processes that belong to no wave."""
    while await database["agents"].remove({"wave_id": None}):
        pass
