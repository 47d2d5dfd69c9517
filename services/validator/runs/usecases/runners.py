"""Who carries out runs: each in its cores, seen by the others, and stopped when nobody wants it any more."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from statistics import median_low

import structlog

from services.validator.deps import ValidatorDeps
from services.validator.runs.domain import slots
from shared.contracts.base import RunKind
from shared.contracts.documents.runs import Runner, TestRun
from shared.contracts.documents.targets import Target
from shared.contracts.states import RunState
from shared.kernel.errors import Transient

log = structlog.get_logger(__name__)

# Seconds without a word after which a runner is dead, and after which it is forgotten.
SILENCE = 15.0
FORGOTTEN = 60.0
# How often who is at a run looks whether it is still wanted, and how many others run beside it.
LOOK = 0.5


async def announce(deps: ValidatorDeps) -> None:
    """Say that this process is there, and what it has at hand; listen to the others."""
    if deps.process.draining.is_set():
        return
    beats = deps.process.heartbeats.beat(deps.runner)
    said = {
        "free_cores": deps.slots.free(),
        "runs": deps.process.claimed_runs.run_ids,
        "heartbeats": beats,
        "seen_at": deps.clock(),
    }
    if not await deps.store.runners.set_fields(deps.runner, **said):
        await deps.store.runners.insert(
            Runner(
                id=deps.runner,
                home=deps.identity,
                host=_host(deps.runner),
                slots=deps.slots.name,
                cores=deps.slots.cores,
                core_limit=deps.slots.share,
                **said,
            )
        )
    await live(deps)


async def leave(deps: ValidatorDeps) -> None:
    """This process is about to end: its runs are another one's, and still wanted."""
    deps.process.draining.set()
    await deps.store.runners.remove(deps.runner)


async def live(deps: ValidatorDeps) -> list[Runner]:
    """The runners that are there; one that is new to us is until it stays silent."""
    runners = await deps.store.runners.find()
    found = []
    for each in runners:
        silence = deps.process.heartbeats.seconds_since(each.id, each.heartbeats)
        if silence < SILENCE:
            found.append(each)
        elif silence > FORGOTTEN:
            log.info("runner_forgotten", runner=each.id)
            deps.process.heartbeats.forget(each.id)
            await deps.store.runners.remove(each.id)
    return found


async def at_hand_elsewhere(run_id: str, deps: ValidatorDeps) -> bool:
    """Whether another runner that is there has taken this run."""
    return any(run_id in each.runs for each in await live(deps) if each.id != deps.runner)


def as_asked_for(verdict: TestRun) -> tuple[str, int]:
    """A run that was dropped and is wanted after all is another one to whoever carries it out."""
    return verdict.id, verdict.version


async def width(deps: ValidatorDeps, target: Target) -> int:
    """How many runs of this target may usefully be under way at once: what all live runners take."""
    runs = await _full_runs(target.id, deps)

    def per_run(runner: Runner) -> int:
        return slots.cores(_made_on(runner.host, runs), runner.cores)

    return slots.width(await live(deps), per_run)


async def while_wanted(
    verdict: TestRun, work: Callable[[TestRun], Awaitable[TestRun]], deps: ValidatorDeps
) -> TestRun:
    """Do the work on a run; stop it, and say what the run is by now, once somebody else has moved that."""
    asked = as_asked_for(verdict)
    deps.process.claimed_runs.add(asked)
    await _announce_safely(deps)
    working = asyncio.ensure_future(work(verdict))
    watching = asyncio.create_task(_until_moved(verdict, deps))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        watching.cancel()
        working.cancel()
        # Nothing of the run is left after this: the sandbox sees to that.
        await asyncio.wait({working})
        deps.process.claimed_runs.discard(asked)
    if working.cancelled():
        log.info("run_stopped", run=verdict.id)
        return await deps.store.runs.require(verdict.id)
    return working.result()


async def _until_moved(verdict: TestRun, deps: ValidatorDeps) -> None:
    """Superseded, perhaps wanted again since and then another one's, or finished by another one."""
    while True:
        await asyncio.sleep(LOOK)
        with contextlib.suppress(Transient):
            now = await deps.store.runs.require(verdict.id)
            if now.version != verdict.version:
                return


@contextlib.asynccontextmanager
async def in_slot(verdict: TestRun, deps: ValidatorDeps) -> AsyncIterator[None]:
    """Wait for the cores that such a run takes, and have them."""
    runs = _made_on(_host(deps.runner), await _full_runs(verdict.target_id, deps))
    async with deps.slots.taken(slots.needed(verdict.request.kind, runs, deps.slots.cores)):
        deps.process.claimed_runs.start(as_asked_for(verdict))
        yield


@contextlib.asynccontextmanager
async def company(deps: ValidatorDeps) -> AsyncIterator[Callable[[], int]]:
    """While in here, count who runs beside us; how many that were for most of the time."""
    seen = [deps.slots.runs()]

    async def look() -> None:
        while True:
            await asyncio.sleep(LOOK)
            seen.append(deps.slots.runs())

    looking = asyncio.create_task(look())
    try:
        yield lambda: max(median_low(seen) - 1, 0)
    finally:
        looking.cancel()


def has_room(under_way: int, deps: ValidatorDeps) -> bool:
    """Whether to take one more run. Not while one at hand waits for its cores: another machine may have some."""
    begun = deps.process.claimed_runs.executing
    return under_way <= begun and not deps.process.draining.is_set() and deps.slots.has_room()


async def _full_runs(target_id: str, deps: ValidatorDeps) -> list[TestRun]:
    """The newest full runs of a target."""
    return await deps.store.runs.find(
        sort="-_id",
        limit=slots.WINDOW,
        target_id=target_id,
        state=RunState.FINISHED,
        result__outcome="reported",
        request__kind=RunKind.TESTS,
        request__tests=[()],
    )


def _made_on(host: str, verdicts: list[TestRun]) -> list[TestRun]:
    return [each for each in verdicts if _host(each.execution.runner) == host]


def _host(runner: str) -> str:
    return runner.partition("/")[0]


async def _announce_safely(deps: ValidatorDeps) -> None:
    """What is not said now is said with the next beat."""
    with contextlib.suppress(Transient):
        await announce(deps)
