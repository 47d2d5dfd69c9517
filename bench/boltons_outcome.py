"""Tables of what the gate did with the proposals for boltons, counted in full runs of its suite."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from shared.contracts.base import RunPurpose
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.runs import TestRun
from shared.contracts.states import EnhancementState

CONSOLE_COLUMNS = 180
RUN_COLUMNS = ("purpose", "changes", "tests", "state", "s", "full runs", "cpu s", "worse", "reason")


@dataclass(frozen=True)
class GateOutcome:
    """What the gate did under one policy, and what the serial gate did with the same changes.

    `gate_runs` and `changes_before` are the runs and changes when the gate had nothing left to do
    by itself, `approval_runs` and `changes` those after a person approved what needed approval.
    `broken` has the titles of the proposals that break tests.
    """

    policy: str
    baseline: TestRun
    gate_runs: Sequence[TestRun]
    approval_runs: Sequence[TestRun]
    serial_runs: Sequence[TestRun]
    changes_before: Sequence[Enhancement]
    changes: Sequence[Enhancement]
    broken: frozenset[str]

    @property
    def full_run_seconds(self) -> float:
        """The median wall time of a plain full run, in seconds."""
        return statistics.median(each.execution.seconds for each in self.serial_runs)

    def count_rejected_with_tests(self) -> int:
        """Count broken proposals that were rejected with the tests that they break."""
        return sum(
            each.proposal.title in self.broken and bool(each.decision.tests)
            for each in self.rejected()
        )

    def rejected(self) -> list[Enhancement]:
        """Return all changes that were rejected, rightly or not."""
        return [each for each in self.changes if each.state is EnhancementState.REJECTED]

    def landed(self) -> set[str]:
        """Return the titles of all changes that landed."""
        return {
            each.proposal.title for each in self.changes if each.state is EnhancementState.APPLIED
        }

    def count_before_approval(self, state: EnhancementState) -> int:
        """Count the changes that were in a state before a person approved any."""
        return sum(each.state is state for each in self.changes_before)


def bar_holds(outcome: GateOutcome, max_full_runs: float) -> bool:
    """Return whether exactly the good changes landed, in at most `max_full_runs` full runs.

    All the others must have been rejected with the tests that they break.
    """
    good = {each.proposal.title for each in outcome.changes} - outcome.broken
    rejected = outcome.count_rejected_with_tests() == len(outcome.broken) == len(outcome.rejected())
    quick = total_seconds(outcome.gate_runs) <= max_full_runs * outcome.full_run_seconds
    return outcome.landed() == good and rejected and quick


def outcome_rows(outcome: GateOutcome) -> list[dict[str, Any]]:
    """Return rows for the gate, for what followed an approval if any was needed, and the peer."""
    policy = outcome.policy
    pending = outcome.count_before_approval(EnhancementState.NEEDS_APPROVAL)
    landed = outcome.count_before_approval(EnhancementState.APPLIED)
    rows = [outcome_row(f"{policy}: the gate", outcome, outcome.gate_runs, landed, pending)]
    if pending:
        landed, name = len(outcome.landed()), f"{policy}: after approval"
        rows.append(outcome_row(name, outcome, outcome.approval_runs, landed, 0))
    passed = sum(not each.result.failing for each in outcome.serial_runs)
    return [*rows, outcome_row(f"{policy}: serial", outcome, outcome.serial_runs, passed, 0)]


def outcome_row(
    name: str, outcome: GateOutcome, runs: Sequence[TestRun], landed: int, pending: int
) -> dict[str, Any]:
    """Return one row of the table, with times as multiples of a full run."""
    full = outcome.full_run_seconds
    plain = [each for each in runs if each.request.purpose is not RunPurpose.MUTATION]
    full_cpu = statistics.median(each.execution.cpu_seconds or 0.0 for each in outcome.serial_runs)
    return {
        "target": name,
        "runs": len(runs),
        "full run s": full,
        "full runs": total_seconds(runs) / full,
        "without mutants": total_seconds(plain) / full,
        "full runs, CPU": sum(each.execution.cpu_seconds or 0.0 for each in runs) / full_cpu,
        "baseline": outcome.baseline.execution.seconds / full,
        "landed": landed,
        "need approval": pending,
        "bad rejected": outcome.count_rejected_with_tests(),
    }


def total_seconds(runs: Iterable[TestRun]) -> float:
    """Return the summed wall time of runs, in seconds."""
    return sum(each.execution.seconds for each in runs)


def print_outcome(outcome: GateOutcome) -> None:
    """Print every run with its time, and the state of every change."""
    console = Console(width=CONSOLE_COLUMNS)
    console.print(runs_table(outcome))
    for each in outcome.changes:
        console.print(describe_change(each), markup=False)


def runs_table(outcome: GateOutcome) -> Table:
    """Return a table of all runs of the gate, the baseline first."""
    table = Table(title=f"unprotected = {outcome.policy}", title_justify="left", box=None)
    for column in RUN_COLUMNS:
        table.add_column(column)
    for each in [outcome.baseline, *outcome.gate_runs, *outcome.approval_runs]:
        table.add_row(
            each.request.purpose,
            str(len(each.request.changes)),
            str(len(each.request.tests) or "all"),
            each.state if each.result.outcome != "infrastructure" else each.result.outcome,
            f"{each.execution.seconds:.2f}",
            f"{each.execution.seconds / outcome.full_run_seconds:.2f}",
            f"{each.execution.cpu_seconds or 0.0:.2f}",
            str(len(each.result.worse or ())),
            each.request.why,
        )
    return table


def describe_change(change: Enhancement) -> str:
    """Return one line with the state of a change, its protection, and the gate's reasons."""
    decision = change.decision
    protection = decision.protection.state if decision.protection else "not measured"
    return (
        f"{change.state} {change.proposal.title} [{protection}] {decision.reason} "
        f"{decision.approval_reason} {decision.tests[:2]}"
    )
