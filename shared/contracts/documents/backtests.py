"""Backtests: a target's history replayed through the gate."""

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
    """A later commit that reverts an earlier one, or fixes lines that the earlier one wrote.

    `detected_by` says how they were linked: its message names the earlier commit or its title, or
    (blame) it changed lines that the earlier commit wrote.
    """

    kind: Literal["reverted", "fixed"]
    commit: Oid
    title: str
    detected_by: Literal["named", "title", "blame"]


class ReplayResult(Value):
    """One commit of a target's history, judged by the gate as a proposal on its parent.

    `verdict` is the answer of the gate and `why` its reason. A commit that touches `protected`
    paths needs approval; `code` is then the answer to its other part alone, under the tests of its
    parent. `rule` names the patch rule (or syntax, or findings) that rejected it without a run,
    `tests` those that rejected it with one.

    `outcome` compares the verdict with the truth, which is what came `later` and the tests it broke
    (`broken_tests`): those that passed on its parent under the parent's tests, or are new, and fail
    on the commit under its own tests. `unmeasured_reason` says why that is unknown.

    `full` and `targeted` count the runs of the gate for it, `seconds` is what they took.

    One field per fact that the report shows of a commit.
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
        """Return whether the commit proved to be bad by evidence that the gate did not have."""
        return bool(self.broken_tests or self.later)


class BatchCost(Value):
    """The estimated cost of judging the same commits in batches.

    `suites` is in full runs; a targeted run counts as its share of the duration of the suite.
    """

    size: int
    batches: int
    changes: int
    full: int
    targeted: int
    suites: float


class BacktestSummary(Value):
    """A backtest in figures, by outcome.

    `needs_approval_…` break down the commits that need approval.

    One field per figure of the summary.
    """

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
    """A target's history replayed through the gate; nothing lands.

    `since_commit` and `head` are the ends of the range, as resolved at the start.

    One field per fact that is updated on its own.
    """

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
