"""Live progress of a wave: lines, and in a terminal a status below them."""

import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from cli.text import count, seconds
from shared.contracts import events as e

Line = tuple[str, str]
# The purposes of the runs that a gate asks for, and reads.
TOLD_BY_THE_GATE = {
    "full run",
    "quick gate",
    "check",
    "confirmation",
    "base again",
    "bisection",
    "blame",
    "burn-in",
}
GREEN, RED, DIM, PLAIN = "green", "red", "dim", "default"


class Progress:
    """Says what events mean. `with` shows the status where the console is a terminal.

    `took` are the seconds of runs, until the gate says what they mean.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._started = time.monotonic()
        self._counts: Counter[str] = Counter()
        self._doing = "starting"
        self.took: dict[str, float] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._console.status("starting")
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

    def say(self, text: str, style: str = PLAIN) -> None:
        """One line, with the time since the start."""
        elapsed = time.monotonic() - self._started
        self._console.print(f"[dim]{elapsed:6.1f}s[/]  [{style}]{escape(text)}[/]")

    def doing(self, text: str) -> None:
        """What is going on; shown in a terminal only."""
        self._doing = text
        self._show()

    def tell(self, event: e.Event) -> None:
        """Say what an event means, if it means something to a person."""
        teller = TELLERS.get(type(event))
        if teller is not None:
            teller(event, self)
        self._show()

    def count(self, what: str) -> None:
        """One more."""
        self._counts[what] += 1

    def _show(self) -> None:
        if self._status is None:
            return
        done = ", ".join(f"{number} {what}" for what, number in self._counts.items())
        self._status.update(f"{escape(self._doing)}" + (f"  [dim]({done})[/]" if done else ""))


def _environment(event: e.EnvironmentBuilt, progress: Progress) -> None:
    how = "ready from an earlier run" if event.cached else f"built in {seconds(event.seconds)}"
    progress.say(f"test environment {how}")
    if event.note:
        progress.say(event.note, DIM)
    progress.doing("running the suite on the base")


def _findings(event: e.FindingsMeasured, progress: Progress) -> None:
    when = "" if event.moment == "before" else " now"
    progress.say(f"{count(event.findings, 'finding')}{when}")


def _baseline(event: e.BaselineMeasured, progress: Progress) -> None:
    failing = f", {event.failing} failing already" if event.failing else ""
    progress.say(f"baseline: {count(event.tests, 'test')}{failing} ({seconds(event.seconds)})")


def _started(event: e.WaveStarted, progress: Progress) -> None:
    progress.say(f"wave started with {count(event.tasks, 'task')}")
    progress.doing("agents are at work")


def _assigned(event: e.TaskAssigned, progress: Progress) -> None:
    progress.say(f"{event.component}: {event.note}", DIM)


def _proposed(event: e.TaskProposed, progress: Progress) -> None:
    if event.enhancements:
        progress.say(f"{count(event.enhancements, 'change')} proposed")
    progress.doing("the gate is at work")


def _run(event: e.RunFinished, progress: Progress) -> None:
    """What the gate says itself, with what it means, is left to it; its time is remembered for that."""
    if event.purpose == "baseline":
        return
    progress.took[event.run_id] = event.seconds
    if event.purpose in TOLD_BY_THE_GATE:
        return
    changes = f" with {count(event.changes, 'change')}" if event.changes else ""
    found = f"{count(event.tests, 'test')}, {event.failing} failing"
    if not event.tests:
        found = event.note.partition("\n")[0] or event.why
    progress.say(f"{event.purpose}{changes}: {found} ({seconds(event.seconds)})", DIM)


def _decided(event: e.GateDecided, progress: Progress) -> None:
    """Runs and what follows from them; who landed, was refused or waits is said by an event of its own."""
    if event.step == "run" and event.purpose != "benchmarks":
        took = progress.took.get(event.run_id or "")
        known = f" ({seconds(took)})" if took is not None else ""
        progress.say(f"{event.note}{known}", DIM)
    elif event.step == "hold":
        progress.count("sent back")
        progress.say(f"{'held    ' if event.tests else 'returned'} {event.note}", "yellow")
    elif event.step == "land":
        progress.say(event.note, DIM)


def _applied(event: e.EnhancementApplied, progress: Progress) -> None:
    progress.count("landed")
    progress.say(f"landed   {event.title}", GREEN)


def _rejected(event: e.EnhancementRejected, progress: Progress) -> None:
    progress.count("refused")
    because = f"  <- {event.tests[0]}" if event.tests else f"  <- {event.reason}"
    progress.say(f"refused  {event.title}{because}", RED)


def _expired(event: e.EnhancementExpired, progress: Progress) -> None:
    progress.count("let go")
    reason = event.reason.partition("\n")[0]
    progress.say(f"let go   {event.title}: {reason}", DIM)


def _opened(event: e.PullRequestOpened, progress: Progress) -> None:
    progress.say(f"pull request {event.url}", GREEN)


def _not_opened(event: e.PullRequestRefused, progress: Progress) -> None:
    progress.say(f"no pull request: {event.reason}", "yellow")


def _lost(event: e.AgentLost, progress: Progress) -> None:
    progress.say(f"agent {event.name} is gone; its work waits for another one", DIM)


def _asking(event: e.ApprovalRequested, progress: Progress) -> None:
    progress.count("waiting for you")
    # The report has the whole reason; many of them in a row are not read.
    progress.say(f"waits    {event.title}: {event.reason.partition(': ')[0]}", "yellow")


def _approved(event: e.EnhancementApproved, progress: Progress) -> None:
    progress.say(f"approved {event.title} by {event.by}: {event.reason}", DIM)


def _rolled_back(event: e.EnhancementRolledBack, progress: Progress) -> None:
    progress.say(f"rolled back {event.title} by {event.commit[:10]}", GREEN)


def _refused(event: e.RollbackRefused, progress: Progress) -> None:
    progress.say(event.reason, RED)


def _replayed(event: e.CommitReplayed, progress: Progress) -> None:
    style = {"caught": GREEN, "missed": RED, "false_alarm": RED}.get(event.outcome, DIM)
    what = event.outcome.replace("_", " ")
    progress.count(what)
    note = f": {event.note}" if event.note else ""
    progress.say(
        f"{event.done}/{event.total} {event.commit[:10]} {what:<11} {event.title[:60]}{note}", style
    )


TELLERS: dict[type[e.Event], Callable[..., None]] = {
    e.EnvironmentBuilt: _environment,
    e.FindingsMeasured: _findings,
    e.BaselineMeasured: _baseline,
    e.WaveStarted: _started,
    e.TaskAssigned: _assigned,
    e.TaskProposed: _proposed,
    e.RunFinished: _run,
    e.GateDecided: _decided,
    e.EnhancementApplied: _applied,
    e.EnhancementRejected: _rejected,
    e.EnhancementExpired: _expired,
    e.PullRequestOpened: _opened,
    e.PullRequestRefused: _not_opened,
    e.AgentLost: _lost,
    e.ApprovalRequested: _asking,
    e.EnhancementApproved: _approved,
    e.EnhancementRolledBack: _rolled_back,
    e.RollbackRefused: _refused,
    e.CommitReplayed: _replayed,
}
