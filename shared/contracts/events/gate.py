"""Events of the gate: test runs, decisions, backtests and watches."""

from typing import ClassVar, Literal

from shared.contracts.base import Id, Oid, RunPurpose
from shared.contracts.events.base import TargetEvent, WaveEvent


class RunFinished(WaveEvent):
    """A test run on one tree ended.

    `why` is the reason given by whoever requested it. `tests_worse` counts the tests that are worse
    than on the head, where that was already compared.
    """

    subject: ClassVar[str] = "gs.evt.run.finished"
    run_id: Id
    purpose: RunPurpose
    changes: int
    tests: int
    failing: int
    seconds: float
    why: str = ""
    tests_worse: int | None = None


class GateDecided(WaveEvent):
    """The gate of a target took one step on `head`; `note` describes it.

    - prove: these changes leave the compiled program as it is.
    - run: a test run was read; `tests_worse` of its `tests_run` tests are worse than on the head.
    - refuse, undecided, ask: these changes are rejected, expire, or need approval, due to `tests`.
    - hold: these changes are judged again on the next head.
    - land: these changes may land, as the run `run_id` shows.

    `changes` and `tests` list the first of many; `change_count` is the number of all. `purpose` is
    that of the run. Published again after a crash, the event has the same message id.
    """

    subject: ClassVar[str] = "gs.evt.gate.decided"
    head: Oid
    step: Literal["prove", "workflow", "run", "refuse", "hold", "land", "ask", "undecided"]
    purpose: str = ""
    change_count: int
    changes: tuple[Id, ...] = ()
    tests: tuple[str, ...] = ()
    tests_run: int | None = None
    tests_worse: int | None = None
    run_id: Id | None = None


class RunSuperseded(WaveEvent):
    """A test run is no longer needed; whoever executes it stops."""

    subject: ClassVar[str] = "gs.evt.run.superseded"
    run_id: Id
    purpose: RunPurpose


class CommitReplayed(TargetEvent):
    """A backtest judged one more commit, number `done` of `total`.

    `verdict` is the answer of the gate; `outcome` compares it with what the later history shows.
    """

    subject: ClassVar[str] = "gs.evt.commit.replayed"
    backtest_id: Id
    commit: Oid
    title: str
    verdict: str
    outcome: str
    done: int
    total: int


class BacktestFinished(TargetEvent):
    """A backtest ended; `target_id` is missing where its repository could not be read."""

    subject: ClassVar[str] = "gs.evt.backtest.finished"
    backtest_id: Id
    target_id: Id | None = None  # type: ignore[assignment]
    state: Literal["completed", "stopped", "failed"]


class HealthChecked(WaveEvent):
    """Landed changes were measured again, in check `check` of `checks`, with the head at `commit`.

    `outcome` is the worst finding of the check, or `missed` where nothing was measured in time.
    `state` is the state of the watch afterwards.
    """

    subject: ClassVar[str] = "gs.evt.health.checked"
    watch_id: str
    commit: str
    check: int
    checks: int
    outcome: str
    state: str


class HealthRegressed(WaveEvent):
    """A regression was confirmed: `symptoms` got worse after these changes landed.

    `enhancement_id` is the change that caused it, if one was identified. `action` says what was
    done: the change was rolled back with what depends on it, or the rollback was refused, or
    nothing.
    """

    subject: ClassVar[str] = "gs.evt.health.regressed"
    watch_id: str
    commit: str
    probe: str
    symptoms: tuple[str, ...]
    components: tuple[str, ...] = ()
    enhancement_id: Id | None = None
    action: Literal["rolled_back", "refused", "none"] = "none"
