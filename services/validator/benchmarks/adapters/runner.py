"""Running benchmarks on head and candidate in turn, in the sandbox, until each has an outcome."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from services.validator.benchmarks.adapters.detection import CommandOutput, read
from services.validator.benchmarks.adapters.instructions import InstructionCounter
from services.validator.benchmarks.adapters.measurements import UnreadableOutputError
from services.validator.benchmarks.adapters.workspace import RESULT_FILE, PairedWorkspace, TreeSide
from services.validator.benchmarks.domain.benchmarks import SamplingPlan, wanted
from services.validator.benchmarks.domain.measurements import Measurements, PairedRun
from services.validator.benchmarks.domain.reports import BenchmarkReport
from services.validator.suite.domain.reports import Infrastructure
from shared.environments.ports import Environment, Trees
from shared.sandbox.ports import Completed, Sandbox
from shared.sandbox.scratch import Scratch
from shared.targets.config import BenchSection
from shared.targets.profile import TargetProfile

# A pair in which a process gave no measurements is tried this often.
ATTEMPTS = 3
# For all runs of the head and as many of a candidate that is no slower.
MAX_COMPARISON_SECONDS = 3600.0
OUTPUT_TAIL_LINES = 15

# Returns True if the candidate goes first.
CoinToss = Callable[[], bool]


@dataclass(frozen=True)
class FailedProcess:
    """A process that gave no readings. `own_exit`: it came to its own end, so it may be blamed."""

    reason: str
    own_exit: bool
    output_tail: str = ""


class SandboxedBenchmarks:
    """Benchmarks in a sandbox; the `Benchmarks` port.

    A comparison may take about `spare` seconds. Without `proves_equality` it ends once it can no
    longer find a difference.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        scratch: Scratch,
        trees: Trees,
        toss: CoinToss,
        *,
        spare: float = MAX_COMPARISON_SECONDS,
        counter: InstructionCounter | None = None,
        proves_equality: bool = True,
    ) -> None:
        self._sandbox = sandbox
        self._scratch = scratch
        self._trees = trees
        self._toss = toss
        self._spare = spare
        self._counter = counter or InstructionCounter(sandbox)
        self._proves_equality = proves_equality

    async def compare(
        self,
        trees: tuple[str, str],
        profile: TargetProfile,
        environment: Environment,
        bench: BenchSection,
        names: tuple[str, ...] = (),
        *,
        target_id: str,
        files: Mapping[str, bytes] | None = None,
    ) -> BenchmarkReport | Infrastructure:
        """Compare head and candidate by one pair that is not counted, then as many as it takes.

        `files` are put into the folder `FILES`, where the command finds them.
        """
        plan = SamplingPlan(bench.tolerance, proves_equality=self._proves_equality)
        async with self._scratch.workspace() as room:
            rooms = PairedWorkspace(room, profile, environment, bench, files or {})
            head, candidate = (self._trees(target_id, each) for each in trees)
            await asyncio.to_thread(rooms.lay_out, head, candidate)
            run = _ComparisonRun(self._sandbox, rooms, plan, names, self._toss)
            return await run.run(self._spare, self._counter)


class _ComparisonRun:
    """One comparison while it runs."""

    def __init__(
        self,
        sandbox: Sandbox,
        rooms: PairedWorkspace,
        plan: SamplingPlan,
        names: tuple[str, ...],
        toss: CoinToss,
    ) -> None:
        self._sandbox = sandbox
        self._rooms = rooms
        self._plan = plan
        self._names = names
        self._toss = toss
        self._seconds = 0.0
        self._last: dict[TreeSide, float] = {}

    async def run(
        self, spare: float, counter: InstructionCounter
    ) -> BenchmarkReport | Infrastructure:
        """Compare in about `spare` seconds, then count instructions; end at a pair that fails."""
        first = await self._round()
        if not isinstance(first, PairedRun):
            return first
        affordable = int(spare / 2 / max(self._last[TreeSide.HEAD], 0.001))
        plan = replace(self._plan, cap=min(self._plan.cap, affordable))
        rounds: list[PairedRun] = []
        while len(rounds) < (want := wanted(rounds, plan, self._names)):
            for _ in range(want - len(rounds)):
                found = await self._round()
                if not isinstance(found, PairedRun):
                    return found
                rounds.append(found)
        return await self._counted(self._report(plan, tuple(rounds)), counter)

    def _report(self, plan: SamplingPlan, rounds: tuple[PairedRun, ...]) -> BenchmarkReport:
        """Return the report of these rounds, with a note if too few were possible to decide."""
        note = _too_slow_note(plan, rounds, self._last[TreeSide.HEAD])
        return BenchmarkReport(
            plan, rounds, self._names, notes=(note,) if note else (), seconds=self._seconds
        )

    async def _counted(
        self, report: BenchmarkReport, counter: InstructionCounter
    ) -> BenchmarkReport:
        """Return the report with instruction counts in its last round, or with a note instead."""
        counts = await counter.count(self._rooms, report, self._last[TreeSide.HEAD])
        if counts.note:
            report = replace(report, notes=(*report.notes, counts.note))
        if not counts.head:
            return report
        *others, last = report.rounds
        more = PairedRun({**last.head, **counts.head}, {**last.candidate, **counts.candidate})
        return replace(report, rounds=(*others, more))

    async def _round(self) -> PairedRun | BenchmarkReport | Infrastructure:
        """Run both sides once, in random order; if one fails each time, return what that means."""
        failures = []
        for _ in range(ATTEMPTS):
            sides = (TreeSide.HEAD, TreeSide.CANDIDATE)
            said = {
                side: await self._turn(side)
                for side in (reversed(sides) if self._toss() else sides)
            }
            head, candidate = said[TreeSide.HEAD], said[TreeSide.CANDIDATE]
            if not isinstance(head, FailedProcess) and not isinstance(candidate, FailedProcess):
                return PairedRun(head, candidate)
            failures.append((head, candidate))
        return self._explain_failures(failures)

    async def _turn(self, side: TreeSide) -> Measurements | FailedProcess:
        """Run the command once on one side; return its measurements, or why there are none."""
        async with self._rooms.turn(side) as command:
            completed = await self._sandbox.run(command)
        self._seconds += completed.seconds
        self._last[side] = completed.seconds
        return read_output(completed, self._rooms.output_format)

    def _explain_failures(
        self, failures: list[tuple[Measurements | FailedProcess, Measurements | FailedProcess]]
    ) -> BenchmarkReport | Infrastructure:
        """Return a report that blames the candidate, or that the infrastructure failed.

        The candidate is blamed only if it alone failed, and by its own exit, each time.
        """
        head, candidate = failures[-1]
        if isinstance(head, FailedProcess):
            return Infrastructure(f"On the head: {head.reason}", head.output_tail)
        assert isinstance(candidate, FailedProcess)
        blamed = all(
            isinstance(bad, FailedProcess) and bad.own_exit and not isinstance(good, FailedProcess)
            for good, bad in failures
        )
        if not blamed:
            return Infrastructure(f"On the candidate: {candidate.reason}", candidate.output_tail)
        rounds = (PairedRun(head, {}),)
        reason = f"{candidate.reason}\n{candidate.output_tail}".strip()
        return BenchmarkReport(self._plan, rounds, self._names, reason, seconds=self._seconds)


def read_output(completed: Completed, format_: str) -> Measurements | FailedProcess:
    """Return the measurements in a process's output, or why there are none."""
    code, tail = completed.exit_code, completed.tail(OUTPUT_TAIL_LINES)
    if code is None or completed.abort_reason:
        return FailedProcess(completed.abort_reason, own_exit=False, output_tail=tail)
    if code:
        return FailedProcess(f"The command ended with {code}.", own_exit=code > 0, output_tail=tail)
    try:
        return read(CommandOutput(completed.output, completed.reports.get(RESULT_FILE)), format_)
    except UnreadableOutputError as error:
        return FailedProcess(str(error), own_exit=True, output_tail=tail)


def _too_slow_note(plan: SamplingPlan, rounds: tuple[PairedRun, ...], seconds: float) -> str:
    """Return a sentence if runs of so many seconds allow too few rounds; else empty."""
    count = len(rounds[-1].head)
    if plan.schedule(count):
        return ""
    return (
        f"Nothing can be told: a run takes {seconds:.0f} s, and in the time there is only "
        f"{plan.cap} rounds can be made. Make the benchmarks shorter."
    )
