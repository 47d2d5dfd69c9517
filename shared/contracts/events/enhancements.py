"""Events of enhancements: from the proposal to the landing, the rollback and the pull request."""

from typing import ClassVar

from shared.contracts.base import Id, Oid, Sha256
from shared.contracts.documents.conflicts import ConflictKind, ConflictOutcome, ConflictStrategy
from shared.contracts.events.base import TargetEvent, WaveEvent


class EnhancementEvent(WaveEvent):
    """The fields that all events about one enhancement share."""

    enhancement_id: Id
    title: str


class EnhancementProposed(EnhancementEvent):
    """An agent proposed a change."""

    subject: ClassVar[str] = "gs.evt.enhancement.proposed"


class EnhancementCleared(EnhancementEvent):
    """The resolver cleared a proposal: its lease holds and its files are inside it."""

    subject: ClassVar[str] = "gs.evt.enhancement.cleared"


class EnhancementApplied(EnhancementEvent):
    """A change landed on `branch` as `commit`."""

    subject: ClassVar[str] = "gs.evt.enhancement.applied"
    commit: Oid
    branch: str


class EnhancementRejected(EnhancementEvent):
    """A change was rejected; `tests` are the tests that caught it, if any."""

    subject: ClassVar[str] = "gs.evt.enhancement.rejected"
    reason: str
    tests: tuple[str, ...] = ()


class EnhancementExpired(EnhancementEvent):
    """A change was dropped without blame: it no longer applies, or its wave ended."""

    subject: ClassVar[str] = "gs.evt.enhancement.expired"
    reason: str


class EnhancementSuperseded(EnhancementEvent):
    """A proposal ended because another change does all that it would have done."""

    subject: ClassVar[str] = "gs.evt.enhancement.superseded"
    reason: str


class ConflictResolved(WaveEvent):
    """The overlap of two proposals was settled: `first` went first, and `outcome` tells the rest.

    The wave is that of `second`.
    """

    subject: ClassVar[str] = "gs.evt.conflict.resolved"
    conflict_id: str
    first: Id
    second: Id
    kind: ConflictKind
    strategy: ConflictStrategy
    outcome: ConflictOutcome
    reason: str
    files: tuple[str, ...]


class EnhancementAdvised(EnhancementEvent):
    """A proposal without a patch was accepted as advice; the gate does not judge it."""

    subject: ClassVar[str] = "gs.evt.enhancement.advised"


class ApprovalRequested(EnhancementEvent):
    """A change passed but needs the approval of a person. The approval holds for `patch` only."""

    subject: ClassVar[str] = "gs.evt.approval.requested"
    reason: str
    patch: Sha256


class EnhancementApproved(EnhancementEvent):
    """A person approved a change. The gate judges it again before it lands."""

    subject: ClassVar[str] = "gs.evt.enhancement.approved"
    by: str
    reason: str


class EnhancementRolledBack(EnhancementEvent):
    """A landed change was reverted by `commit`."""

    subject: ClassVar[str] = "gs.evt.enhancement.rolled_back"
    commit: Oid


class RollbackRefused(EnhancementEvent):
    """A rollback was refused and the change stays landed; `tests` fail without the change."""

    subject: ClassVar[str] = "gs.evt.rollback.refused"
    reason: str
    tests: tuple[str, ...] = ()


class RollbackFinished(TargetEvent):
    """A rollback ended: all of `enhancements` were reverted, or none and `reason` says why.

    `dependents` are the later changes that stand in its way, `tests` the tests that fail with it.
    """

    subject: ClassVar[str] = "gs.evt.rollback.finished"
    rollback_id: Id
    succeeded: bool
    enhancements: tuple[Id, ...] = ()
    reason: str = ""
    tests: tuple[str, ...] = ()
    dependents: tuple[Id, ...] = ()


class PullRequestOpened(TargetEvent):
    """A pull request for `branch` was opened or updated."""

    subject: ClassVar[str] = "gs.evt.pull_request.opened"
    pull_request_id: str
    branch: str
    url: str


class PullRequestRefused(TargetEvent):
    """The forge refused a pull request for `branch`. What landed stays landed."""

    subject: ClassVar[str] = "gs.evt.pull_request.refused"
    pull_request_id: str
    branch: str
    reason: str
