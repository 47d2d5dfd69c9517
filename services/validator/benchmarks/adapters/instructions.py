"""Counting instructions by valgrind's callgrind, which gives equal counts for equal work."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from services.validator.benchmarks.adapters.workspace import PairedWorkspace, TreeSide
from services.validator.benchmarks.domain.measurements import BenchmarkUnit, Measurement
from services.validator.benchmarks.domain.reports import BenchmarkReport
from shared.sandbox.ports import Command, Limits, Sandbox

SUFFIX = ":instructions"
# The name of the count of a command that runs more than one benchmark.
WHOLE_COMMAND = "(command)"
LOG = "reports/callgrind.log"
COLLECTED = re.compile(rb"^==\d+== Collected : (\d+)", re.MULTILINE)
# How many times as long a command takes (measured), and how long all counting may take.
SLOWDOWN, MAX_COUNTING_SECONDS = 65, 240.0
# Two of the head, and one of the candidate.
COUNTS = 3
# What two counts of the same tree may differ by, as a share.
MAX_COUNT_DIFFERENCE = 0.001


@dataclass(frozen=True)
class InstructionCounts:
    """The counts of head and candidate, or a sentence on why there are none.

    All are empty if counting does not apply to the command.
    """

    head: Mapping[str, Measurement] = field(default_factory=dict)
    candidate: Mapping[str, Measurement] = field(default_factory=dict)
    note: str = ""


class InstructionCounter:
    """Counts instructions if valgrind is available in the sandbox and the command is Python.

    `spare` is the most seconds that all counting may take.
    """

    def __init__(self, sandbox: Sandbox, spare: float = MAX_COUNTING_SECONDS) -> None:
        self._sandbox = sandbox
        self._spare = spare
        found = shutil.which("valgrind", path="/usr/local/bin:/usr/bin:/bin")
        self._valgrind = found if found and sandbox.can_read(Path(found)) else None

    @property
    def missing(self) -> bool:
        """True if valgrind is not available."""
        return self._valgrind is None

    async def count(
        self, rooms: PairedWorkspace, report: BenchmarkReport, seconds: float
    ) -> InstructionCounts:
        """Count the instructions of both sides, or say why not; nothing if that does not apply.

        It does not if the command is no Python, or not asked for. A plain run takes `seconds`.
        """
        name = _count_name(report)
        if not rooms.is_python or (report.names and name not in report.names):
            return InstructionCounts()
        if self.missing:
            return InstructionCounts(
                note="Instructions were not counted: no valgrind can be seen here."
            )
        if COUNTS * SLOWDOWN * seconds > self._spare:
            return InstructionCounts(
                note=f"Instructions were not counted: at {seconds:.1f} s a run that takes too long."
            )
        return await self._count_both(rooms, name)

    async def _count_both(self, rooms: PairedWorkspace, name: str) -> InstructionCounts:
        """Count the head twice and the candidate once; a note says why there is no usable count."""
        head, again = (
            await self._count_one(rooms, TreeSide.HEAD),
            await self._count_one(rooms, TreeSide.HEAD),
        )
        if not head or not again:
            return InstructionCounts(note="Instructions were not counted: valgrind gave no count.")
        if abs(head - again) > MAX_COUNT_DIFFERENCE * head:
            return InstructionCounts(
                note="Instructions were not counted: two runs of the head differ, "
                f"{head} and {again}."
            )
        candidate = await self._count_one(rooms, TreeSide.CANDIDATE)
        if not candidate:
            return InstructionCounts(
                note="Instructions were not counted: none came from the candidate."
            )
        return InstructionCounts(
            {name: Measurement(head, BenchmarkUnit.INSTRUCTIONS)},
            {name: Measurement(candidate, BenchmarkUnit.INSTRUCTIONS)},
        )

    async def _count_one(self, rooms: PairedWorkspace, side: TreeSide) -> int | None:
        """Count the instructions of the command on one side; None if it fails or gives no count."""
        async with rooms.turn(side) as command:
            completed = await self._sandbox.run(self._under_callgrind(command))
        found = COLLECTED.search(completed.reports.get(LOG, b""))
        return int(found[1]) if found and completed.exit_code == 0 else None

    def _under_callgrind(self, command: Command) -> Command:
        """Return the command as it runs under callgrind, with a fixed hash seed."""
        options = (
            "--tool=callgrind",
            f"--callgrind-out-file={command.scratch / 'callgrind.out'}",
            f"--log-file={command.scratch / LOG}",
        )
        return replace(
            command,
            argv=(str(self._valgrind), *options, *command.argv),
            env={**command.env, "PYTHONHASHSEED": "0"},
            reports=(LOG,),
            limits=replace(command.limits, wall=min(self._spare, Limits().wall)),
        )


def _count_name(report: BenchmarkReport) -> str:
    """Return the name of the count: the only benchmark's, or else that of the whole command."""
    names = set(report.rounds[-1].head)
    return (names.pop() if len(names) == 1 else WHOLE_COMMAND) + SUFFIX
