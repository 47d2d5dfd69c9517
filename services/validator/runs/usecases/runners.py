"""Who carries out runs: each in its cores, seen by the others, and stopped when nobody wants it any more."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from statistics import median_low

import structlog

from services.validator.deps import Desk
from services.validator.runs.domain import slots
from shared.contracts.base import RunKind
from shared.contracts.documents.runs import Runner, Verdict
from shared.contracts.documents.targets import Target
from shared.contracts.states import RunState
from shared.kernel.errors import Transient

log = structlog.get_logger(__name__)

# Seconds without a word after which a runner is dead, and after which it is forgotten.
SILENCE = 15.0
FORGOTTEN = 60.0
# How often who is at a run looks whether it is still wanted, and how many others run beside it.
LOOK = 0.5


async def announce(desk: Desk) -> None:
    """Say that this process is there, and what it has at hand; listen to the others."""
    if desk.leaving.is_set():
        return
    beats = desk.heard.get(desk.runner, (0, 0.0))[0] + 1
    desk.heard[desk.runner] = (beats, time.monotonic())
    said = {
        "free": desk.slots.free(),
        "runs": tuple({run_id for run_id, _ in desk.at_hand}),
        "beats": beats,
        "seen_at": desk.clock(),
    }
    if not await desk.store.runners.patch(desk.runner, **said):
        await desk.store.runners.insert(
            Runner(
                id=desk.runner,
                home=desk.identity,
                host=_host(desk.runner),
                slots=desk.slots.name,
                cores=desk.slots.cores,
                share=desk.slots.share,
                **said,
            )
        )
    await live(desk)


async def leave(desk: Desk) -> None:
    """This process is about to end: its runs are another one's, and still wanted."""
    desk.leaving.set()
    await desk.store.runners.remove(desk.runner)


async def live(desk: Desk) -> list[Runner]:
    """The runners that are there; one that is new to us is until it stays silent."""
    runners = await desk.store.runners.find()
    now, found = time.monotonic(), []
    for each in runners:
        beats, since = desk.heard.get(each.id, (-1, 0.0))
        if beats != each.beats:
            since = now
            desk.heard[each.id] = (each.beats, since)
        if now - since < SILENCE:
            found.append(each)
        elif now - since > FORGOTTEN:
            log.info("runner_forgotten", runner=each.id)
            desk.heard.pop(each.id)
            await desk.store.runners.remove(each.id)
    return found


async def at_hand_elsewhere(run_id: str, desk: Desk) -> bool:
    """Whether another runner that is there has taken this run."""
    return any(run_id in each.runs for each in await live(desk) if each.id != desk.runner)


def as_asked_for(verdict: Verdict) -> tuple[str, int]:
    """A run that was dropped and is wanted after all is another one to whoever carries it out."""
    return verdict.id, verdict.version


async def width(desk: Desk, target: Target) -> int:
    """How many runs of this target may usefully be under way at once: what all live runners take."""
    runs = await _full_runs(target.id, desk)

    def per_run(runner: Runner) -> int:
        return slots.cores(_made_on(runner.host, runs), runner.cores)

    return slots.width(await live(desk), per_run)


async def while_wanted(
    verdict: Verdict, work: Callable[[Verdict], Awaitable[Verdict]], desk: Desk
) -> Verdict:
    """Do the work on a run; stop it, and say what the run is by now, once somebody else has moved that."""
    asked = as_asked_for(verdict)
    desk.at_hand[asked] = False
    await _announce_safely(desk)
    working = asyncio.ensure_future(work(verdict))
    watching = asyncio.create_task(_until_moved(verdict, desk))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        watching.cancel()
        working.cancel()
        # Nothing of the run is left after this: the sandbox sees to that.
        await asyncio.wait({working})
        desk.at_hand.pop(asked, None)
    if working.cancelled():
        log.info("run_stopped", run=verdict.id)
        return await desk.store.verdicts.need(verdict.id)
    return working.result()


async def _until_moved(verdict: Verdict, desk: Desk) -> None:
    """Superseded, perhaps wanted again since and then another one's, or finished by another one."""
    while True:
        await asyncio.sleep(LOOK)
        with contextlib.suppress(Transient):
            now = await desk.store.verdicts.need(verdict.id)
            if now.version != verdict.version:
                return


@contextlib.asynccontextmanager
async def in_slot(verdict: Verdict, desk: Desk) -> AsyncIterator[None]:
    """Wait for the cores that such a run takes, and have them."""
    runs = _made_on(_host(desk.runner), await _full_runs(verdict.target_id, desk))
    async with desk.slots.taken(slots.needed(verdict.kind, runs, desk.slots.cores)):
        desk.at_hand[as_asked_for(verdict)] = True
        yield


@contextlib.asynccontextmanager
async def company(desk: Desk) -> AsyncIterator[Callable[[], int]]:
    """While in here, count who runs beside us; how many that were for most of the time."""
    seen = [desk.slots.runs()]

    async def look() -> None:
        while True:
            await asyncio.sleep(LOOK)
            seen.append(desk.slots.runs())

    looking = asyncio.create_task(look())
    try:
        yield lambda: max(median_low(seen) - 1, 0)
    finally:
        looking.cancel()


def has_room(under_way: int, desk: Desk) -> bool:
    """Whether to take one more run. Not while one at hand waits for its cores: another machine may have some."""
    begun = sum(desk.at_hand.values())
    return under_way <= begun and not desk.leaving.is_set() and desk.slots.has_room()


async def _full_runs(target_id: str, desk: Desk) -> list[Verdict]:
    """The newest full runs of a target."""
    return await desk.store.verdicts.find(
        sort="-_id",
        limit=slots.WINDOW,
        target_id=target_id,
        state=RunState.FINISHED,
        outcome="reported",
        kind=RunKind.TESTS,
        tests=[()],
    )


def _made_on(host: str, verdicts: list[Verdict]) -> list[Verdict]:
    return [each for each in verdicts if _host(each.runner) == host]


def _host(runner: str) -> str:
    return runner.partition("/")[0]


async def _announce_safely(desk: Desk) -> None:
    """What is not said now is said with the next beat."""
    with contextlib.suppress(Transient):
        await announce(desk)
