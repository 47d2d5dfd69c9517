"""Live progress of a wave: a line for each event, and in a terminal a status below them."""

import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status

from cli.console import shown
from cli.text import count, duration
from shared.contracts import events as e
from shared.contracts.base import RunPurpose

# Runs whose result the gate announces itself, with what follows from it.
ANNOUNCED_BY_THE_GATE = frozenset(
    {
        RunPurpose.FULL_RUN,
        RunPurpose.QUICK_GATE,
        RunPurpose.CHECK,
        RunPurpose.CONFIRMATION,
        RunPurpose.BASE_AGAIN,
        RunPurpose.BISECTION,
        RunPurpose.BLAME,
        RunPurpose.BURN_IN,
    }
)
GREEN, RED, YELLOW, DIM, PLAIN = "green", "red", "yellow", "dim", "default"
TITLE_CHARACTERS = 60


class Progress:
    """Prints what events mean; as a context manager it also shows a status in a terminal.

    `run_seconds` are the durations of runs by id, until the gate announces their results.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._started = time.monotonic()
        self._counts: Counter[str] = Counter()
        self._at_work: set[str] = set()
        self._activity = "starting"
        self.run_seconds: dict[str, float] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._console.status(self._activity)
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def print_line(self, text: str, style: str = PLAIN) -> None:
        """Print one line, with the seconds since the start."""
        elapsed = time.monotonic() - self._started
        self._console.print(f"[dim]{elapsed:6.1f}s[/]  [{style}]{shown(text)}[/]")

    def set_activity(self, text: str) -> None:
        """Show what is going on, in a terminal only."""
        self._activity = text
        self._update_status()

    def show_event(self, event: e.Event) -> None:
        """Print what an event means, if it matters to a person."""
        show = EVENT_PRINTERS.get(type(event))
        if show is not None:
            show(event, self)
        self._update_status()

    def increment(self, what: str) -> None:
        """Count one more of something in the status."""
        self._counts[what] += 1

    def add_at_work(self, agent: str) -> None:
        """Count an agent, by name, as at work in the status."""
        self._at_work.add(agent)

    def remove_at_work(self, agent: str) -> None:
        """Count an agent, by name, as no longer at work."""
        self._at_work.discard(agent)

    def _update_status(self) -> None:
        """Show the activity and the counts in the status line, in a terminal only."""
        if self._status is None:
            return
        parts = [f"{number} {what}" for what, number in self._counts.items()]
        if self._at_work:
            parts.insert(0, f"{count(len(self._at_work), 'agent')} at work")
        counts = ", ".join(parts)
        self._status.update(shown(self._activity) + (f"  [dim]({counts})[/]" if counts else ""))


def _environment(event: e.EnvironmentBuilt, progress: Progress) -> None:
    """Print whether the test environment was built or reused, with its notes."""
    how = "reused from an earlier run" if event.cached else f"built in {duration(event.seconds)}"
    progress.print_line(f"test environment {how}")
    for note in event.notes:
        progress.print_line(note, DIM)
    progress.set_activity("running the test suite on the base commit")


def _findings(event: e.FindingsMeasured, progress: Progress) -> None:
    """Print how many findings were measured, before or after the wave."""
    when = "" if event.moment == "before" else " after the wave"
    progress.print_line(f"{count(event.findings, 'finding')}{when}")


def _baseline(event: e.BaselineMeasured, progress: Progress) -> None:
    """Print how many tests the baseline has, and how many fail in it already."""
    failing = f", {event.failing} already failing" if event.failing else ""
    tests = count(event.tests, "test")
    progress.print_line(f"baseline: {tests}{failing} ({duration(event.seconds)})")


def _started(event: e.WaveStarted, progress: Progress) -> None:
    """Print that a wave has started, and how many tasks it has."""
    progress.print_line(f"wave started with {count(event.tasks, 'task')}")
    progress.set_activity("agents are working")


def _deployed(event: e.AgentDeployed, progress: Progress) -> None:
    """Print what an agent is deployed on, and what it is to do there."""
    progress.print_line(f"{event.name} on {event.focus}: {event.note}", DIM)


def _active(event: e.AgentActive, progress: Progress) -> None:
    """Count an agent that has got a slot as at work, until it is done or its process is lost."""
    progress.add_at_work(event.name)


def _inactive(event: e.AgentIdle | e.AgentFailed | e.AgentRetired, progress: Progress) -> None:
    """Count an agent as no longer at work."""
    progress.remove_at_work(event.name)


def _proposed(event: e.TaskProposed, progress: Progress) -> None:
    """Print how many changes a task proposed, if any."""
    if event.enhancements:
        progress.print_line(f"{count(event.enhancements, 'change')} proposed")
    progress.set_activity("the gate is testing changes")


def _run(event: e.RunFinished, progress: Progress) -> None:
    """Print a finished run, not a baseline; only note its duration if the gate announces it."""
    if event.purpose is RunPurpose.BASELINE:
        return
    progress.run_seconds[event.run_id] = event.seconds
    if event.purpose in ANNOUNCED_BY_THE_GATE:
        return
    changes = f" with {count(event.changes, 'change')}" if event.changes else ""
    result = f"{count(event.tests, 'test')}, {event.failing} failing"
    if not event.tests:
        result = event.note.partition("\n")[0] or event.why
    progress.print_line(f"{event.purpose}{changes}: {result} ({duration(event.seconds)})", DIM)


def _decided(event: e.GateDecided, progress: Progress) -> None:
    """Print a run but no benchmarks, a change that is sent back, or a landing; else nothing."""
    if event.step == "run" and event.purpose != RunPurpose.BENCHMARKS:
        seconds = progress.run_seconds.get(event.run_id or "")
        took = f" ({duration(seconds)})" if seconds is not None else ""
        progress.print_line(f"{event.note}{took}", DIM)
    elif event.step == "hold":
        progress.increment("sent back")
        kind = "held back" if event.tests else "returned"
        progress.print_line(f"{kind:<9} {event.note}", YELLOW)
    elif event.step == "land":
        progress.print_line(event.note, DIM)


def _applied(event: e.EnhancementApplied, progress: Progress) -> None:
    """Print that a change landed, and count it."""
    progress.increment("landed")
    progress.print_line(f"landed    {event.title}", GREEN)


def _rejected(event: e.EnhancementRejected, progress: Progress) -> None:
    """Print that a change was rejected and the first test that caught it, and count it."""
    progress.increment("rejected")
    because = event.tests[0] if event.tests else event.reason
    progress.print_line(f"rejected  {event.title}  <- {because}", RED)


def _expired(event: e.EnhancementExpired, progress: Progress) -> None:
    """Print that a change expired and why, and count it."""
    progress.increment("expired")
    reason = event.reason.partition("\n")[0]
    progress.print_line(f"expired   {event.title}: {reason}", DIM)


def _superseded(event: e.EnhancementSuperseded, progress: Progress) -> None:
    """Print that another change does all of a change, and count it."""
    progress.increment("superseded")
    progress.print_line(f"superseded {event.title}: {event.reason}", DIM)


def _opened(event: e.PullRequestOpened, progress: Progress) -> None:
    """Print the URL of a pull request that was opened."""
    progress.print_line(f"pull request {event.url}", GREEN)


def _not_opened(event: e.PullRequestRefused, progress: Progress) -> None:
    """Print why a pull request could not be opened."""
    progress.print_line(f"no pull request: {event.reason}", YELLOW)


def _offline(event: e.AgentOffline, progress: Progress) -> None:
    """Print that the process of an agent or its lease is lost, and what becomes of its task."""
    progress.remove_at_work(event.name)
    lost = f"its lease, or its process {event.pid} on {event.host}"
    progress.print_line(f"{event.name} lost {lost}; its task is given out again", YELLOW)


def _approval_requested(event: e.ApprovalRequested, progress: Progress) -> None:
    """Print that a change needs approval, with the kind of reason, and count it."""
    progress.increment("need approval")
    # The report has the whole reason: nobody reads many of them in a row.
    reason = event.reason.partition(": ")[0]
    progress.print_line(f"approval  {event.title}: {reason}", YELLOW)


def _approved(event: e.EnhancementApproved, progress: Progress) -> None:
    """Print that a change was approved, with the name of the person and the reason they gave."""
    progress.print_line(f"approved  {event.title} by {event.by}: {event.reason}", DIM)


def _rolled_back(event: e.EnhancementRolledBack, progress: Progress) -> None:
    """Print that a change was rolled back, with the commit that reverts it."""
    progress.print_line(f"rolled back {event.title} with {event.commit[:10]}", GREEN)


def _rollback_refused(event: e.RollbackRefused, progress: Progress) -> None:
    """Print why a rollback was refused."""
    progress.print_line(event.reason, RED)


def _replayed(event: e.CommitReplayed, progress: Progress) -> None:
    """Print the outcome of one commit of a backtest, and count it."""
    style = {"caught": GREEN, "missed": RED, "false_alarm": RED}.get(event.outcome, DIM)
    outcome = event.outcome.replace("_", " ")
    progress.increment(outcome)
    note = f": {event.note}" if event.note else ""
    title = event.title[:TITLE_CHARACTERS]
    progress.print_line(
        f"{event.done}/{event.total} {event.commit[:10]} {outcome:<11} {title}{note}", style
    )


EVENT_PRINTERS: dict[type[e.Event], Callable[..., None]] = {
    e.EnvironmentBuilt: _environment,
    e.FindingsMeasured: _findings,
    e.BaselineMeasured: _baseline,
    e.WaveStarted: _started,
    e.AgentDeployed: _deployed,
    e.AgentActive: _active,
    e.AgentIdle: _inactive,
    e.AgentFailed: _inactive,
    e.AgentOffline: _offline,
    e.AgentRetired: _inactive,
    e.TaskProposed: _proposed,
    e.RunFinished: _run,
    e.GateDecided: _decided,
    e.EnhancementApplied: _applied,
    e.EnhancementRejected: _rejected,
    e.EnhancementExpired: _expired,
    e.EnhancementSuperseded: _superseded,
    e.PullRequestOpened: _opened,
    e.PullRequestRefused: _not_opened,
    e.ApprovalRequested: _approval_requested,
    e.EnhancementApproved: _approved,
    e.EnhancementRolledBack: _rolled_back,
    e.RollbackRefused: _rollback_refused,
    e.CommitReplayed: _replayed,
}
