"""Two validator processes as runners against one: the same landed set, in at most 0.7 of the wall time.

Each process gives its runs one core (GROUNDSWELL_CORES=1), and the suite of the target, which is made up,
uses one. Fifteen proposals, of which three break their test, are put before the gate at once; the clock
runs until each has landed or was refused. In the last row one of the two is killed in the middle of a
run: that may cost time, and must change nothing else. The peer is the single validator.
"""

import asyncio
import hashlib
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.harness import Result, main
from bench.targets import as_repository
from deploy.local import Stack, local_stack
from shared.contracts.base import EngineName, Priority
from shared.contracts.commands import RunBaseline
from shared.contracts.documents.enhancements import (
    Enhancement,
    FixKind,
    ProposalAuthor,
    ProposalRecord,
    ProposedPatch,
)
from shared.contracts.documents.storage import Patch
from shared.contracts.documents.targets import Target
from shared.contracts.documents.waves import Opportunity, Task, Wave
from shared.contracts.states import EnhancementState, RunState, TaskState, WaveState
from shared.kernel.clock import utc_now
from shared.kernel.ids import uuid7
from shared.messaging.bus import Bus
from shared.messaging.connection import connect_once
from shared.mongo.client import connected
from shared.mongo.collections import Store, open_store
from shared.targets.git import git
from shared.targets.mirror import Mirror
from shared.targets.patches import make_patch

LIMIT = 0.7
ROUNDS = 3
PATIENCE = 900.0
IN_THE_GATE = [
    EnhancementState.PROPOSED,
    EnhancementState.CLEARED,
    EnhancementState.VALIDATING,
    EnhancementState.VALIDATED,
]
MODULE = "def value():\n    return {number}\n"
TEST = """import time

from m{number:02} import value


def test_value():
    end = time.process_time() + {burn}
    while time.process_time() < end:
        pass
    assert value() == {number}
"""


@dataclass(frozen=True)
class Size:
    """`burn` is how many seconds of a core each test takes; every `bad`-th proposal breaks one."""

    proposals: int
    bad: int
    burn: float


@dataclass(frozen=True)
class Case:
    """How many validators carry out the runs, and whether one of them is killed."""

    name: str
    validators: int
    killed: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of it. `killed` says that the one that was to be killed was in the middle of a run."""

    seconds: float
    landed: tuple[str, ...]
    runs: int
    killed: bool


FULL, QUICK = Size(15, 5, 0.4), Size(4, 4, 0.01)
CASES = (
    Case("one validator", 1),
    Case("two validators", 2),
    Case("two, one of them killed in a run", 2, killed=True),
)


def run(quick: bool) -> Result:
    """Medians over some rounds, in each of which every case has its turn."""
    size, cases = (QUICK, CASES[2:]) if quick else (FULL, CASES)
    found: dict[Case, list[Outcome]] = {each: [] for each in cases}
    for _ in range(1 if quick else ROUNDS):
        for each in cases:
            found[each].append(asyncio.run(measured(each, size)))
    alone = statistics.median(each.seconds for each in found[cases[0]])
    rows = [row(each, found[each], alone) for each in cases]
    bar = f"two land the same in <= {LIMIT} of the time"
    return Result("runners", bar, rows, None if quick else holds(found, size))


def row(case: Case, outcomes: Sequence[Outcome], alone: float) -> dict[str, Any]:
    """One line."""
    seconds = statistics.median(each.seconds for each in outcomes)
    return {
        "target": case.name,
        "wall s": seconds,
        "of one": seconds / alone,
        "runs": statistics.median(each.runs for each in outcomes),
        "landed": len(outcomes[0].landed),
        "killed in a run": sum(each.killed for each in outcomes),
    }


def holds(found: dict[Case, list[Outcome]], size: Size) -> bool:
    """Whether the same landed everywhere, and two were quicker."""
    good = tuple(title(each) for each in range(size.proposals) if not is_bad(each, size))
    same = all(each.landed == good for outcomes in found.values() for each in outcomes)
    killed = all(each.killed for case in found for each in found[case] if case.killed)
    seconds = [statistics.median(each.seconds for each in outcomes) for outcomes in found.values()]
    return same and killed and seconds[1] <= LIMIT * seconds[0]


async def measured(case: Case, size: Size) -> Outcome:
    """One case in a home of its own."""
    with TemporaryDirectory(prefix="groundswell-bench-") as scratch:
        below = Path(scratch)
        place = make_target(below / "target", size)
        with surroundings(below):
            async with (
                local_stack(below / "home", lambda _: None) as stack,
                a_store(stack) as store,
            ):
                target = await settle_in(place, stack, store)
                with more_validators(case.validators - 1, stack) as others:
                    await until_there(case.validators, store)
                    return await race(case, size, target, store, others)


@contextmanager
def surroundings(below: Path) -> Iterator[None]:
    """What every process of the stack is told: one core for each, of cores that nobody else gives out."""
    told = {"GROUNDSWELL_CORES": "1", "GROUNDSWELL_SLOTS": str(below / "slots")}
    before = {each: os.environ.get(each) for each in told}
    os.environ.update(told)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


@asynccontextmanager
async def a_store(stack: Stack) -> AsyncIterator[Store]:
    """The stack's own."""
    async with connected(stack.mongo_url) as database:
        yield open_store(database)


@contextmanager
def more_validators(count: int, stack: Stack) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Beside the one of the stack, in its home."""
    told = {
        "GROUNDSWELL_NATS_URL": stack.nats_url,
        "GROUNDSWELL_MONGO_URL": stack.mongo_url,
        "GROUNDSWELL_HOME": stack.home,
    }
    argv = [sys.executable, "-m", "services.validator"]
    log = (Path(stack.home) / "logs" / "validator-2.log").open("wb")
    started = [
        subprocess.Popen(argv, env={**os.environ, **told}, stdout=log, stderr=log)
        for _ in range(count)
    ]
    try:
        yield started
    finally:
        for each in started:
            each.terminate()
            each.wait()
        log.close()


def make_target(place: Path, size: Size) -> Path:
    """As many modules as there are proposals, each with a test that burns a core."""
    (place / "tests").mkdir(parents=True)
    for number in range(size.proposals):
        (place / f"m{number:02}.py").write_text(MODULE.format(number=number))
        test = TEST.format(number=number, burn=size.burn)
        (place / "tests" / f"test_m{number:02}.py").write_text(test)
    return as_repository(place)


async def settle_in(place: Path, stack: Stack, store: Store) -> Target:
    """The environment is built and the baseline known before the clock runs."""
    head = git(place, "rev-parse", "HEAD").strip()
    target = Target(
        id=uuid7(),
        location=str(place),
        root_commit=head,
        name=place.name,
        base_branch="main",
        landing_branch="groundswell/main",
        created_at=utc_now(),
    )
    await store.targets.insert(target)
    Mirror.at(Path(stack.home), target.id).fetch(target.location)
    wave = a_wave(target)
    client = await connect_once(stack.nats_url)
    bus = Bus(client, source="bench", clock=utc_now, new_id=uuid7)
    await bus.publish(RunBaseline(wave_id=wave.id, target_id=target.id, commit=head), key=wave.id)
    await until(lambda: store.runs.count(state=RunState.FINISHED))
    await client.close()
    return target


async def race(
    case: Case,
    size: Size,
    target: Target,
    store: Store,
    others: Sequence["subprocess.Popen[bytes]"],
) -> Outcome:
    """From the moment at which all are before the gate until it is done with the last."""
    wave = a_wave(target)
    await propose(wave, size, store)
    started = time.monotonic()
    killing = asyncio.create_task(kill(others[0].pid, store)) if case.killed else None

    async def done() -> bool:
        return not await store.enhancements.count(wave_id=wave.id, state=IN_THE_GATE)

    await until(done)
    seconds = time.monotonic() - started
    landed = await store.enhancements.find(wave_id=wave.id, state=EnhancementState.APPLIED)
    runs = await store.runs.count(wave_id=wave.id, state=RunState.FINISHED)
    killed = killing is not None and killing.done()
    if killing is not None:
        killing.cancel()
    return Outcome(seconds, tuple(sorted(each.proposal.title for each in landed)), runs, killed)


async def kill(pid: int, store: Store) -> None:
    """That process, as soon as it is in the middle of a run."""

    async def at_work() -> bool:
        runners = await store.runners.find()
        return any(each.runs for each in runners if each.id.split("/")[1] == str(pid))

    await until(at_work)
    await asyncio.sleep(0.2)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


async def propose(wave: Wave, size: Size, store: Store) -> None:
    """All of them, cleared; the wave last, as the gate takes nothing without one."""
    changes = []
    for number in range(size.proposals):
        task = a_task(number, wave)
        text = patch(number, is_bad(number, size))
        digest = hashlib.sha256(text.encode()).hexdigest()
        await store.tasks.insert(task)
        await store.patches.insert(Patch(id=digest, text=text, created_at=utc_now()))
        changes.append(an_enhancement(number, task, digest))
    await store.waves.insert(wave)
    await store.enhancements.insert_missing(changes)


def patch(number: int, bad: bool) -> str:
    """A change of a module that keeps its behaviour, or does not."""
    before = MODULE.format(number=number)
    result = number + 1 if bad else number
    after = f"def value():\n    found = {result}\n    return found\n"
    return make_patch({f"m{number:02}.py": (before.encode(), after.encode())})


def title(number: int) -> str:
    """Of the same proposal in every case."""
    return f"refactor(m{number:02}): name what is returned"


def is_bad(number: int, size: Size) -> bool:
    """They are not all at the end."""
    return number % size.bad == size.bad // 2


def a_wave(target: Target) -> Wave:
    """One that is under way."""
    now = utc_now()
    return Wave(
        id=uuid7(),
        target_id=target.id,
        state=WaveState.RUNNING,
        commit=target.root_commit,
        base_commit=target.root_commit,
        created_at=now,
        changed_at=now,
    )


def a_task(number: int, wave: Wave) -> Task:
    """One that has proposed."""
    now, component = utc_now(), f"m{number:02}"
    return Task(
        id=uuid7(),
        wave_id=wave.id,
        target_id=wave.target_id,
        agent_type="code_quality",
        component=component,
        paths=(f"/{component}.py",),
        commit=wave.commit,
        opportunity=Opportunity(
            agent_type="code_quality",
            component=component,
            description="name what is returned",
            priority=Priority.NORMAL,
            expected_impact=1.0,
            complexity=1.0,
            findings=1,
            fixable=1,
        ),
        state=TaskState.PROPOSED,
        created_at=now,
        changed_at=now,
    )


def an_enhancement(number: int, task: Task, digest: str) -> Enhancement:
    """One that waits for the gate."""
    now = utc_now()
    return Enhancement(
        id=uuid7(),
        wave_id=task.wave_id,
        task_id=task.id,
        target_id=task.target_id,
        proposal=ProposalRecord(
            key=f"bench-{number}",
            component=task.component,
            author=ProposalAuthor(
                agent_type=task.agent_type, agent_id=uuid7(), agent="bench", engine=EngineName.RULES
            ),
            epoch=task.epoch,
            order=0,
            fix=FixKind(rule="bench", safe=True, prior=0.9),
            title=title(number),
            rationale="A benchmark.",
            patch=ProposedPatch(
                digest=digest,
                base_commit=task.commit,
                files=(f"m{number:02}.py",),
                lines_added=2,
                lines_removed=1,
            ),
        ),
        state=EnhancementState.CLEARED,
        created_at=now,
        changed_at=now,
    )


async def until_there(validators: int, store: Store) -> None:
    """Until so many have announced themselves."""

    async def there() -> bool:
        return len(await store.runners.find()) >= validators

    await until(there)


async def until(happened: Any) -> None:
    """Look again and again; raises TimeoutError."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if await happened():
                return
            await asyncio.sleep(0.1)


if __name__ == "__main__":
    main("runners", run)
