"""Runs a target's benchmarks on head and candidate in turn, in the sandbox, until each is answered."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from services.validator.benchmarks.adapters.detection import Left, read
from services.validator.benchmarks.adapters.instructions import Counter
from services.validator.benchmarks.adapters.readings import Unreadable
from services.validator.benchmarks.adapters.rooms import OUT, Rooms, Side
from services.validator.benchmarks.domain.benchmarks import Plan, Readings, Round, wanted
from services.validator.benchmarks.domain.reports import BenchmarkReport
from services.validator.suite.domain.reports import Infrastructure
from shared.environments.ports import Environment, Trees
from shared.sandbox.ports import Completed, Sandbox
from shared.sandbox.scratch import Scratch
from shared.targets.config import BenchSection
from shared.targets.profile import TargetProfile

# A process that gave nothing to compare is tried this often, with its other one.
ATTEMPTS = 3
# In seconds, for all runs of the head and as many of a candidate that is no slower.
SPARE = 3600.0
TAIL = 15

# Whether the candidate goes first.
Toss = Callable[[], bool]


@dataclass(frozen=True)
class Failed:
    """A process that gave no readings. `itself`: it came to its own end, so it may be blamed."""

    reason: str
    itself: bool
    output_tail: str = ""


class SandboxedBenchmarks:
    """The `Benchmarks` port. `spare` is about how long a comparison may take, in seconds."""

    def __init__(
        self,
        sandbox: Sandbox,
        scratch: Scratch,
        trees: Trees,
        toss: Toss,
        *,
        spare: float = SPARE,
        counter: Counter | None = None,
    ) -> None:
        self._sandbox = sandbox
        self._scratch = scratch
        self._trees = trees
        self._toss = toss
        self._spare = spare
        self._counter = counter or Counter(sandbox)

    async def compare(
        self,
        trees: tuple[str, str],
        profile: TargetProfile,
        environment: Environment,
        bench: BenchSection,
        names: tuple[str, ...] = (),
        *,
        target_id: str,
    ) -> BenchmarkReport | Infrastructure:
        """One round that is not counted, then as many as it takes."""
        async with self._scratch.workspace() as room:
            rooms = Rooms(room, profile, environment, bench)
            head, candidate = (self._trees(target_id, each) for each in trees)
            await asyncio.to_thread(rooms.furnish, head, candidate)
            return await _Bout(self._sandbox, rooms, bench, names, self._toss).fought(
                self._spare, self._counter
            )


class _Bout:
    """One comparison under way."""

    def __init__(
        self,
        sandbox: Sandbox,
        rooms: Rooms,
        bench: BenchSection,
        names: tuple[str, ...],
        toss: Toss,
    ) -> None:
        self._sandbox = sandbox
        self._rooms = rooms
        self._bench = bench
        self._names = names
        self._toss = toss
        self._seconds = 0.0
        self._last: dict[Side, float] = {}

    async def fought(self, spare: float, counter: Counter) -> BenchmarkReport | Infrastructure:
        """All of it."""
        first = await self._round()
        if not isinstance(first, Round):
            return first
        plan = Plan(self._bench.tolerance)
        plan = replace(plan, cap=min(plan.cap, int(spare / 2 / max(self._last[Side.HEAD], 0.001))))
        rounds: list[Round] = []
        while len(rounds) < (want := wanted(rounds, plan, self._names)):
            for _ in range(want - len(rounds)):
                found = await self._round()
                if not isinstance(found, Round):
                    return found
                rounds.append(found)
        return await self._counted(self._report(plan, tuple(rounds)), counter)

    def _report(self, plan: Plan, rounds: tuple[Round, ...]) -> BenchmarkReport:
        note = _too_slow(plan, rounds, self._last[Side.HEAD])
        return BenchmarkReport(
            plan, rounds, self._names, notes=(note,) if note else (), seconds=self._seconds
        )

    async def _counted(self, report: BenchmarkReport, counter: Counter) -> BenchmarkReport:
        """With instruction counts, where they are to be had for little."""
        counts = await counter.count(self._rooms, report, self._last[Side.HEAD])
        if counts.note:
            report = replace(report, notes=(*report.notes, counts.note))
        if not counts.head:
            return report
        *others, last = report.rounds
        more = Round({**last.head, **counts.head}, {**last.candidate, **counts.candidate})
        return replace(report, rounds=(*others, more))

    async def _round(self) -> Round | BenchmarkReport | Infrastructure:
        """A pair of processes; where that gives none again and again, what it means."""
        failures = []
        for _ in range(ATTEMPTS):
            sides = (Side.HEAD, Side.CANDIDATE)
            said = {
                side: await self._turn(side)
                for side in (reversed(sides) if self._toss() else sides)
            }
            head, candidate = said[Side.HEAD], said[Side.CANDIDATE]
            if not isinstance(head, Failed) and not isinstance(candidate, Failed):
                return Round(head, candidate)
            failures.append((head, candidate))
        return self._hopeless(failures)

    async def _turn(self, side: Side) -> Readings | Failed:
        async with self._rooms.turn(side) as command:
            completed = await self._sandbox.run(command)
        self._seconds += completed.seconds
        self._last[side] = completed.seconds
        return said_by(completed, self._bench.format)

    def _hopeless(
        self, failures: list[tuple[Readings | Failed, Readings | Failed]]
    ) -> BenchmarkReport | Infrastructure:
        """To blame is the candidate alone, and only for what it did itself each time."""
        head, candidate = failures[-1]
        if isinstance(head, Failed):
            return Infrastructure(f"On the head: {head.reason}", head.output_tail)
        assert isinstance(candidate, Failed)
        blamed = all(
            isinstance(bad, Failed) and bad.itself and not isinstance(good, Failed)
            for good, bad in failures
        )
        if not blamed:
            return Infrastructure(f"On the candidate: {candidate.reason}", candidate.output_tail)
        rounds = (Round(head, {}),)
        reason = f"{candidate.reason}\n{candidate.output_tail}".strip()
        plan = Plan(self._bench.tolerance)
        return BenchmarkReport(plan, rounds, self._names, reason, seconds=self._seconds)


def said_by(completed: Completed, format_: str) -> Readings | Failed:
    """What a process said; without its own end at success, nothing."""
    code, tail = completed.exit_code, completed.tail(TAIL)
    if code is None or completed.abort_reason:
        return Failed(completed.abort_reason, itself=False, output_tail=tail)
    if code:
        return Failed(f"The command ended with {code}.", itself=code > 0, output_tail=tail)
    try:
        return read(Left(completed.output, completed.reports.get(OUT)), format_)
    except Unreadable as error:
        return Failed(str(error), itself=True, output_tail=tail)


def _too_slow(plan: Plan, rounds: tuple[Round, ...], seconds: float) -> str:
    count = len(rounds[-1].head)
    if plan.schedule(count):
        return ""
    return (
        f"Nothing can be told: a run takes {seconds:.0f} s, and in the time there is only "
        f"{plan.cap} rounds can be made. Make the benchmarks shorter."
    )
