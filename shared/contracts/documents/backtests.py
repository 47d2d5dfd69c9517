"""A target's history replayed through the gate."""

from datetime import datetime
from typing import Literal

from shared.contracts.base import (
    Id,
    Oid,
    Value,
)
from shared.contracts.documents.base import Document, Failure
from shared.contracts.states import (
    BacktestState,
)


class CorrectiveCommit(Value):
    """What the later history says against a commit: it was taken back, or somebody fixed its lines.

    `detected_by` says how that is known: its message names the commit, or its title, or (blame) it changed lines
    that the commit wrote.
    """

    kind: Literal["reverted", "fixed"]
    commit: Oid
    title: str
    detected_by: Literal["named", "title", "blame"]


class ReplayResult(Value):
    """One commit of a target's history as a proposal on its parent, judged as the gate judges.

    `verdict` is the gate's answer, and `why` its reason. One that touches `protected` paths is for a person: then `code` is
    the answer to its other part alone, under its parent's tests. `rule` names the rule about patches (or syntax, or findings)
    that refused it without a run, and `tests` are those that did with one.

    The truth is what came `later`, and the tests that it broke (`broken_tests`): those that passed on its parent
    under the parent's tests, or are new, and fail on the commit under the commit's tests. `unmeasured_reason` says why that is not known.

    `full` and `targeted` are the gate's runs for it, `seconds` what they took, whenever they were made.
    """

    commit: Oid
    parent: Oid
    title: str
    at: datetime
    verdict: Literal["land", "refuse", "ask", "unknown"]
    why: str = ""
    rule: str = ""
    tests: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    code: Literal["", "land", "refuse", "unknown"] = ""
    code_reason: str = ""
    broken_tests: tuple[str, ...] = ()
    unmeasured_reason: str = ""
    later: tuple[CorrectiveCommit, ...] = ()
    outcome: Literal["caught", "missed", "false_alarm", "fine", "asked", "rule", "unknown"]
    full: int = 0
    targeted: int = 0
    seconds: float = 0

    @property
    def is_bad(self) -> bool:
        """Whether anything speaks against it that the gate could not know."""
        return bool(self.broken_tests or self.later)


class BatchCost(Value):
    """What deciding about commits in batches would have cost, reckoned from what each was found to be.

    `suites` counts a run of a part of the tests as the share of the suite's time that they take.
    """

    size: int
    batches: int
    changes: int
    full: int
    targeted: int
    suites: float


class BacktestSummary(Value):
    """A backtest in figures. Of the commits that are for a person: how many were bad, how many the tests would have refused."""

    commits: int
    caught: int
    missed: int
    false_alarms: int
    fine: int
    asked: int
    needs_approval_bad: int
    needs_approval_rejected: int
    needs_approval_bad_rejected: int
    rejected_by_rule: int
    rejected_by_rule_bad: int
    unknown: int
    full: int
    targeted: int
    seconds: float
    truth_runs: int
    truth_seconds: float
    environments: int
    environment_seconds: float
    reused_runs: int
    suite_seconds: float
    batch: BatchCost | None = None


class Backtest(Document):
    """A target's history replayed through the gate; nothing lands. `since_commit` and `head` are what was meant at the start."""

    id: Id
    target_id: Id | None = None
    location: str
    name: str = ""
    base_branch: str = ""
    since: str
    limit: int
    state: BacktestState = BacktestState.RUNNING
    since_commit: Oid | None = None
    head: Oid | None = None
    total: int | None = None
    replayed: tuple[ReplayResult, ...] = ()
    summary: BacktestSummary | None = None
    sandbox: str = ""
    failure: Failure | None = None
    created_at: datetime
    finished_at: datetime | None = None
