"""Test runs, the runners that execute them, and what is learned from them."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from shared.contracts.base import (
    Id,
    Oid,
    RunKind,
    RunPurpose,
    Sha256,
    Value,
)
from shared.contracts.documents.base import Document
from shared.contracts.states import (
    RunState,
)

# So many tests or files are named in a sentence.
MAX_NAMED = 5


class Runner(Document):
    """A validator process that executes runs. `id` is host, process and a name of its own.

    `home` is the identity of its home directory. Runners with the same `slots` share the `cores` of
    one machine, of which `free_cores` were free; its own runs take at most `core_limit`. `runs` are
    those it executes now. It counts as alive while `heartbeats` grows, by the clock of the reader.
    """

    home: str
    host: str
    slots: str
    cores: int
    core_limit: int
    free_cores: int
    runs: tuple[Id, ...] = ()
    heartbeats: int = 0
    seen_at: datetime


class TestCounts(Value):
    """The figures of a test report."""

    __test__: ClassVar[bool] = False  # pytest would collect it

    tests: int
    passed: int
    failed: int
    skipped: int


class BenchmarkResult(Value):
    """One benchmark of a candidate compared with the head.

    `ratio` is the cost on the candidate over that on the head, with a confidence interval from
    `low` to `high`; None is unbounded. `inconclusive` is neither pass nor fail.
    """

    name: str
    answer: Literal["worse", "better", "same", "inconclusive", "gone", "new"]
    ratio: float
    low: float | None = None
    high: float | None = None

    @property
    def cost(self) -> str:
        """The ratio and a bounded interval in words: `costs 1.09 times as much (1.05 to 1.12)`."""
        bounds = (self.low, self.high)
        interval = "" if None in bounds else f" ({self.low:.2f} to {self.high:.2f})"
        return f"costs {self.ratio:.2f} times as much{interval}"


class RunSpec(Value):
    """What a test run is to execute.

    `kind` says what: the target's tests, its tests once per mutant, or its benchmarks on head and
    candidate in turn. `tests` are the ids to run; empty is the full suite. `plan` is the sha256 (in
    `reports`) of what such a run is told beyond its tests. Each test runs `repeat` times; `record`
    asks for the impact map as well. `why` is a sentence for people. `namespace` is that of the
    environment: what one of another namespace set up has no influence on this run.

    `approved` are the protected files whose edits a person approved: they run as the tree has them,
    in the tree's environment, and all other protected files as the head has them. One field per
    thing that a runner has to know.
    """

    purpose: RunPurpose
    kind: RunKind = RunKind.TESTS
    plan: Sha256 | None = None
    why: str = ""
    tree: Oid
    head: Oid
    environment: str
    namespace: str = ""
    changes: tuple[Id, ...] = ()
    tests: tuple[str, ...] = ()
    repeat: int = 1
    record: bool = False
    approved: tuple[str, ...] = ()


class RunResult(Value):
    """What a test run found.

    `outcome` is `infrastructure` where no report can be trusted: that is never a pass and never
    blame. `report` is the sha256 of the full report in `reports`, `impact` that of the impact map.
    `worse` are the tests that are worse than on the head, once that was compared; `benchmarks` the
    compared benchmarks, the worst first. Where tests were edited with approval, `appeared` are the
    tests that the head does not have, and `dropped` those of edited files that it has and that
    vanished, or are skipped or expected to fail now.
    """

    outcome: Literal["", "reported", "infrastructure"] = ""
    counts: TestCounts | None = None
    failing: tuple[str, ...] = ()
    worse: tuple[str, ...] | None = None
    appeared: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    benchmarks: tuple[BenchmarkResult, ...] = ()
    report: Sha256 | None = None
    impact: Sha256 | None = None
    detail: str = ""


class RunExecution(Value):
    """How a test run was executed: by which runner, in which sandbox tier, and what it cost.

    `cpu_seconds` is what all its processes used; `beside` is how many other runs shared the machine
    for most of its time.
    """

    sandbox: str = ""
    runner: str = ""
    seconds: float = 0
    cpu_seconds: float | None = None
    beside: int = 0


class TestRun(Document):
    """One entry of the evidence log: a run the validator made, and what came of it.

    `key` is a digest of (tree, environment, gate configuration, plan), so nothing runs twice.
    """

    __test__: ClassVar[bool] = False  # pytest would collect it

    id: Id
    key: str
    target_id: Id
    wave_id: Id
    request: RunSpec
    state: RunState = RunState.REQUESTED
    result: RunResult = RunResult()
    execution: RunExecution = RunExecution()
    created_at: datetime
    finished_at: datetime | None = None

    @property
    def changed_tests(self) -> str:
        """What approved edits changed about the tests, in words; empty without such edits."""
        if not self.request.approved:
            return ""
        appeared = f"appeared: {_named(self.result.appeared)}"
        dropped = f"vanished or skipped: {_named(self.result.dropped)}"
        edited = _named(self.request.approved)
        return f"what judges it was edited with approval ({edited}); {appeared}; {dropped}"


def _named(names: Sequence[str]) -> str:
    """Return the first of these names and how many more there are, or "none"."""
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return f"{', '.join(names[:MAX_NAMED])}{more}" if names else "none"


class Flakiness(Document):
    """The tests of a target that both failed and passed on one head.

    `tests` has (failed, passed) per test, over all heads. `head` is the last one counted.
    """

    id: Id
    tests: dict[str, tuple[int, int]] = Field(default_factory=dict)
    head: str = ""


class Recall(Document):
    """The recall of test selection in one component. `id` is `<target>:<component>`.

    Of the tests that caught a change in a full run, `caught` were among those selected for it and
    `missed` were not. Over `runs` full runs, `selected` of `total` tests were selected. `counted`
    are the keys of the latest observations, so that none is counted twice.
    """

    target_id: Id
    component: str
    caught: int = 0
    missed: int = 0
    runs: int = 0
    selected: int = 0
    total: int = 0
    counted: tuple[str, ...] = ()
    changed_at: datetime
