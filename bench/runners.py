"""Two validator processes that share the test runs of one gate, compared with a single validator.

The bar: two land the same changes, in at most 0.7 of the wall time. Each process gives its runs one
core (GROUNDSWELL_CORES=1), and the suite of the generated target uses one. Fifteen proposals, three
of which break their test, are submitted to the gate at once; the time is taken until each has
landed or was refused. In the last row one of the two processes is killed in the middle of a run:
that may cost time, and must change nothing else.
"""

import asyncio
import os
import signal
import statistics
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.gate_documents import IN_GATE_STATES, new_wave
from bench.gate_stack import (
    Submission,
    extra_validators,
    one_core_per_process,
    register_target,
    stack_store,
    submit,
    wait_until,
)
from bench.generated_target import (
    FULL,
    QUICK,
    Size,
    is_broken,
    proposal_patch,
    proposal_title,
    write_target,
)
from bench.harness import Result, main
from deploy.local import local_stack
from shared.contracts.documents.targets import Target
from shared.contracts.documents.waves import Wave
from shared.contracts.states import EnhancementState, RunState
from shared.mongo.collections import Store

MAX_TIME_RATIO = 0.7
REPETITIONS = 3
# Kill a process only when its run is well under way.
KILL_DELAY_SECONDS = 0.2


@dataclass(frozen=True)
class Case:
    """How many validators execute the runs, and whether one of them is killed in a run."""

    name: str
    validators: int
    kills_one: bool = False


@dataclass(frozen=True)
class Outcome:
    """The result of one case: wall time in seconds, titles of what landed, and finished runs.

    `killed` is whether the process that was to be killed really was in the middle of a run.
    """

    seconds: float
    landed: tuple[str, ...]
    runs: int
    killed: bool


CASES = (
    Case("one validator", 1),
    Case("two validators", 2),
    Case("two, one of them killed in a run", 2, kills_one=True),
)


def run(quick: bool) -> Result:
    """Measure every case several times in turn, and report medians."""
    size, cases = (QUICK, CASES[2:]) if quick else (FULL, CASES)
    outcomes: dict[Case, list[Outcome]] = {each: [] for each in cases}
    for _ in range(1 if quick else REPETITIONS):
        for each in cases:
            outcomes[each].append(asyncio.run(measure(each, size)))
    single = statistics.median(each.seconds for each in outcomes[cases[0]])
    rows = [table_row(each, outcomes[each], single) for each in cases]
    bar = f"two validators land the same changes in <= {MAX_TIME_RATIO} of the time of one"
    return Result("runners", bar, rows, None if quick else bar_holds(outcomes, size))


def table_row(case: Case, outcomes: Sequence[Outcome], single_seconds: float) -> dict[str, Any]:
    """Return the medians of one case, with its time as a share of that of a single validator."""
    seconds = statistics.median(each.seconds for each in outcomes)
    return {
        "target": case.name,
        "wall s": seconds,
        "x one validator": seconds / single_seconds,
        "runs": statistics.median(each.runs for each in outcomes),
        "landed": len(outcomes[0].landed),
        "killed in a run": sum(each.killed for each in outcomes),
    }


def bar_holds(outcomes: dict[Case, list[Outcome]], size: Size) -> bool:
    """Return whether all cases landed exactly the good changes and two were quick enough.

    A process that was to be killed must really have been killed in the middle of a run.
    """
    good = tuple(
        proposal_title(each) for each in range(size.proposals) if not is_broken(each, size)
    )
    same = all(each.landed == good for found in outcomes.values() for each in found)
    killed = all(each.killed for case in outcomes for each in outcomes[case] if case.kills_one)
    seconds = [statistics.median(each.seconds for each in found) for found in outcomes.values()]
    return same and killed and seconds[1] <= MAX_TIME_RATIO * seconds[0]


async def measure(case: Case, size: Size) -> Outcome:
    """Measure one case on a stack and a target of its own."""
    with TemporaryDirectory(prefix="groundswell-bench-") as scratch:
        directory = Path(scratch)
        path = write_target(directory / "target", size)
        with one_core_per_process(directory):
            async with (
                local_stack(directory / "home", lambda _: None) as stack,
                stack_store(stack) as store,
            ):
                target = await register_target(path, stack, store)
                with extra_validators(case.validators - 1, stack) as others:
                    await wait_for_runners(case.validators, store)
                    return await time_gate(case, size, target, store, others)


async def time_gate(
    case: Case,
    size: Size,
    target: Target,
    store: Store,
    others: Sequence["subprocess.Popen[bytes]"],
) -> Outcome:
    """Submit all proposals and time the gate until it has decided the last; kill one if asked."""
    wave = new_wave(target)
    await submit(wave, submissions(size), store)
    started = time.monotonic()
    killing = asyncio.create_task(kill_during_run(others[0].pid, store)) if case.kills_one else None

    async def is_decided() -> bool:
        """Return whether the gate has nothing left to decide."""
        return not await store.enhancements.count(wave_id=wave.id, state=IN_GATE_STATES)

    await wait_until(is_decided)
    seconds = time.monotonic() - started
    killed = killing is not None and killing.done()
    if killing is not None:
        killing.cancel()
    return await collect_outcome(wave, store, seconds, killed=killed)


async def collect_outcome(wave: Wave, store: Store, seconds: float, *, killed: bool) -> Outcome:
    """Read what landed and how many runs were made from the store."""
    landed = await store.enhancements.find(wave_id=wave.id, state=EnhancementState.APPLIED)
    runs = await store.runs.count(wave_id=wave.id, state=RunState.FINISHED)
    return Outcome(seconds, tuple(sorted(each.proposal.title for each in landed)), runs, killed)


async def kill_during_run(pid: int, store: Store) -> None:
    """Kill a validator process as soon as it is in the middle of a run."""

    async def is_running_tests() -> bool:
        """Return whether this process has announced that it executes a run."""
        runners = await store.runners.find()
        return any(each.runs for each in runners if each.id.split("/")[1] == str(pid))

    await wait_until(is_running_tests)
    await asyncio.sleep(KILL_DELAY_SECONDS)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def submissions(size: Size) -> list[Submission]:
    """Return the proposals for the generated target, good and broken ones."""
    return [
        Submission(
            title=proposal_title(number),
            component=f"m{number:02}",
            path=f"m{number:02}.py",
            patch=proposal_patch(number, broken=is_broken(number, size)),
        )
        for number in range(size.proposals)
    ]


async def wait_for_runners(count: int, store: Store) -> None:
    """Wait until this many validators have registered as runners."""

    async def are_registered() -> bool:
        """Return whether enough validators have registered."""
        return len(await store.runners.find()) >= count

    await wait_until(are_registered)


if __name__ == "__main__":
    main("runners", run)
