"""The loop of a runner: it announces itself, and takes runs as long as its machine has free cores.

It stops runs whose result nobody needs any more.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from statistics import median_low

import structlog

from services.validator.deps import ValidatorDeps
from services.validator.runs.domain import slots
from services.validator.runs.state import Claim
from shared.contracts.base import RunKind
from shared.contracts.documents.runs import Runner, TestRun
from shared.contracts.documents.targets import Target
from shared.contracts.states import RunState
from shared.kernel.errors import Transient

log = structlog.get_logger(__name__)

# A runner without a heartbeat for this long is dead, and later its record is removed.
HEARTBEAT_TTL_SECONDS = 15.0
REMOVE_RUNNER_AFTER_SECONDS = 60.0
# How often an executing run checks that it is still requested, and counts those beside it.
CHECK_INTERVAL_SECONDS = 0.5


async def announce(deps: ValidatorDeps) -> None:
    """Store a heartbeat of this runner with its claims, and read the others'; not in a drain."""
    if deps.process.draining.is_set():
        return
    fields = {
        "free_cores": deps.slots.free(),
        "runs": deps.process.claimed_runs.run_ids,
        "heartbeats": deps.process.heartbeats.beat(deps.runner),
        "seen_at": deps.clock(),
    }
    if not await deps.store.runners.set_fields(deps.runner, **fields):
        await deps.store.runners.insert(
            Runner(
                id=deps.runner,
                home=deps.identity,
                host=_host(deps.runner),
                slots=deps.slots.name,
                cores=deps.slots.cores,
                core_limit=deps.slots.core_limit,
                **fields,
            )
        )
    await live_runners(deps)


async def drain(deps: ValidatorDeps) -> None:
    """Take no more runs, and remove this runner: its runs stay requested, for another runner."""
    deps.process.draining.set()
    await deps.store.runners.remove(deps.runner)


async def live_runners(deps: ValidatorDeps) -> list[Runner]:
    """Return the runners with a recent heartbeat, or first seen now; long dead ones are removed."""
    found = []
    for each in await deps.store.runners.find():
        silence = deps.process.heartbeats.seconds_since(each.id, each.heartbeats)
        if silence < HEARTBEAT_TTL_SECONDS:
            found.append(each)
        elif silence > REMOVE_RUNNER_AFTER_SECONDS:
            log.info("runner_removed", runner=each.id)
            deps.process.heartbeats.forget(each.id)
            await deps.store.runners.remove(each.id)
    return found


async def is_claimed_elsewhere(run_id: str, deps: ValidatorDeps) -> bool:
    """Return whether another live runner has claimed a run."""
    return any(run_id in each.runs for each in await live_runners(deps) if each.id != deps.runner)


def claim_of(run: TestRun) -> Claim:
    """Return the claim on a run as it is requested now: after it was superseded it is another."""
    return run.id, run.version


async def max_concurrent_runs(deps: ValidatorDeps, target: Target) -> int:
    """Return how many runs of a target all live runners can execute at once."""
    runs = await _full_runs(target.id, deps)

    def cores_per_run(runner: Runner) -> int:
        """Return how many cores a run of the target needs on a runner's machine."""
        return slots.cores_used(_executed_on(runner.host, runs), runner.cores)

    return slots.max_concurrent_runs(await live_runners(deps), cores_per_run)


async def run_while_requested(
    run: TestRun, work: Callable[[TestRun], Awaitable[TestRun]], deps: ValidatorDeps
) -> TestRun:
    """Claim a run and do `work` on it; stop that once the run is superseded or finished elsewhere.

    Returns the run as it is then. Raises what `work` raises.
    """
    claim = claim_of(run)
    deps.process.claimed_runs.add(claim)
    await _announce_if_possible(deps)
    working = asyncio.ensure_future(work(run))
    watching = asyncio.create_task(_until_changed(run, deps))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        watching.cancel()
        working.cancel()
        # Once this has ended, the sandbox has ended every process of the run.
        await asyncio.wait({working})
        deps.process.claimed_runs.discard(claim)
    if working.cancelled():
        log.info("run_stopped", run=run.id)
        return await deps.store.runs.require(run.id)
    return working.result()


async def _until_changed(run: TestRun, deps: ValidatorDeps) -> None:
    """Wait until another version of the run is stored, even if the store is away for a while.

    Raises `NotFound`.
    """
    while True:
        await asyncio.sleep(CHECK_INTERVAL_SECONDS)
        with contextlib.suppress(Transient):
            now = await deps.store.runs.require(run.id)
            if now.version != run.version:
                return


@contextlib.asynccontextmanager
async def hold_cores(run: TestRun, deps: ValidatorDeps) -> AsyncIterator[None]:
    """Wait for the cores that a run needs, and hold them inside the block."""
    runs = _executed_on(_host(deps.runner), await _full_runs(run.target_id, deps))
    wanted = slots.cores_needed(run.request.kind, runs, deps.slots.cores)
    async with deps.slots.acquire(wanted):
        deps.process.claimed_runs.start(claim_of(run))
        yield


@contextlib.asynccontextmanager
async def count_concurrent_runs(deps: ValidatorDeps) -> AsyncIterator[Callable[[], int]]:
    """Count the other runs on this machine inside the block.

    The function it yields returns the median number of them so far.
    """
    seen = [deps.slots.runs()]

    async def keep_counting() -> None:
        """Note the number of runs on this machine at intervals, until cancelled."""
        while True:
            await asyncio.sleep(CHECK_INTERVAL_SECONDS)
            seen.append(deps.slots.runs())

    counting = asyncio.create_task(keep_counting())
    try:
        yield lambda: max(median_low(seen) - 1, 0)
    finally:
        counting.cancel()


def has_room(under_way: int, deps: ValidatorDeps) -> bool:
    """Return whether this process may take one more run, with `under_way` already taken.

    Not while one of its runs waits for cores: another machine may have some free.
    """
    executing = deps.process.claimed_runs.executing
    return under_way <= executing and not deps.process.draining.is_set() and deps.slots.has_room()


async def _full_runs(target_id: str, deps: ValidatorDeps) -> list[TestRun]:
    """Return the newest full runs of a target that gave a report, up to `MAX_RUNS_CONSIDERED`."""
    return await deps.store.runs.find(
        sort="-_id",
        limit=slots.MAX_RUNS_CONSIDERED,
        target_id=target_id,
        state=RunState.FINISHED,
        result__outcome="reported",
        request__kind=RunKind.TESTS,
        request__tests=[()],
    )


def _executed_on(host: str, runs: list[TestRun]) -> list[TestRun]:
    """Return those runs that were executed on a host."""
    return [each for each in runs if _host(each.execution.runner) == host]


def _host(runner: str) -> str:
    """Return the host in a runner's id, which is `host/process id/suffix`."""
    return runner.partition("/")[0]


async def _announce_if_possible(deps: ValidatorDeps) -> None:
    """Announce now; where the store is away, the next heartbeat will."""
    with contextlib.suppress(Transient):
        await announce(deps)
