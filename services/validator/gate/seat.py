"""One validator at a time decides for a target.

Within a home a file lock says who, and dies with its process. Between homes, which may be on other
machines, there is a seat in MongoDB: who has it says so again and again, and who wants it takes it once
nothing was said for a while. That while is measured by the waiting one's own clock, so that clocks need
not agree (as in Kubernetes' leader election).
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import structlog
from filelock import AsyncFileLock, Timeout

from services.validator.deps import Desk
from shared.contracts.documents.leases import Gate
from shared.kernel.errors import Transient

log = structlog.get_logger(__name__)

# Seconds without a word after which a seat is free.
SILENCE = 15.0
RETRY = 1.0


@contextlib.asynccontextmanager
async def seated(target_id: str, desk: Desk, *, wait: bool = False) -> AsyncIterator[None]:
    """While in here nobody else decides for the target.

    Raises `Transient` where somebody else is at it, unless it is to `wait`.
    """
    async with desk.locks[target_id]:
        lock = await _lock(target_id, desk, wait=wait)
        try:
            while not await _take(target_id, desk):
                if not wait:
                    raise Transient("Another validator decides for this target.", delay=RETRY)
                await asyncio.sleep(RETRY)
            staying = asyncio.create_task(_stay(target_id, desk))
            try:
                yield
            finally:
                staying.cancel()
                await _rise(target_id, desk)
        finally:
            await lock.release()


async def still_seated(target_id: str, desk: Desk) -> None:
    """Say that we are there; raises `Transient` where the seat is another's by now."""
    while True:
        gate = await desk.store.gates.need(target_id)
        if gate.holder != desk.identity:
            log.warning("seat_lost", target=target_id, to=gate.holder)
            raise Transient("Another validator decides for this target now.", delay=RETRY)
        if await desk.store.gates.save(gate) is not None:
            return


async def _lock(target_id: str, desk: Desk, *, wait: bool) -> AsyncFileLock:
    path = desk.home / "targets" / target_id / "gate.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = AsyncFileLock(path, timeout=-1 if wait else 0, run_in_executor=False)
    try:
        await lock.acquire()
    except Timeout:
        raise Transient("Another validator decides for this target.", delay=RETRY) from None
    return lock


async def _take(target_id: str, desk: Desk) -> bool:
    """Sit down where nobody sits, or nothing was heard of who does; a dead one of our home was us."""
    gate = await desk.store.gates.get(target_id)
    if gate is None:
        return await desk.store.gates.insert(Gate(id=target_id, holder=desk.identity))
    if gate.holder not in {"", desk.identity}:
        version, since = desk.heard.get(target_id, (-1, 0.0))
        if version != gate.version:
            desk.heard[target_id] = (gate.version, time.monotonic())
            return False
        if time.monotonic() - since < SILENCE:
            return False
        log.warning("seat_taken_over", target=target_id, of=gate.holder)
    saved = await desk.store.gates.save(gate.model_copy(update={"holder": desk.identity}))
    return saved is not None


async def _stay(target_id: str, desk: Desk) -> None:
    """Say that we are there until we are not; what we do looks for itself before it matters."""
    while True:
        await asyncio.sleep(SILENCE / 4)
        try:
            await still_seated(target_id, desk)
        except Transient as error:
            log.info("seat_unsaid", target=target_id, reason=str(error))


async def _rise(target_id: str, desk: Desk) -> None:
    gate = await desk.store.gates.get(target_id)
    if gate is not None and gate.holder == desk.identity:
        await desk.store.gates.save(gate.model_copy(update={"holder": ""}))
