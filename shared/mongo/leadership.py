"""Leader election: one process at a time acts as the leader for a key.

Within a home directory a file lock excludes other processes, and is released when its process dies.
Between homes, which may be on other machines, a lease in MongoDB does: its holder renews it, and a
candidate takes it over once it has not been renewed for `LEASE_TTL_SECONDS` by the candidate's own
monotonic clock. So clocks need not agree (the algorithm of Kubernetes' client-go leader election).
"""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import structlog
from filelock import AsyncFileLock, Timeout

from shared.contracts.documents.leases import LeaderLease
from shared.kernel.errors import Transient
from shared.mongo.repository import Repository

log = structlog.get_logger(__name__)

LEASE_TTL_SECONDS = 15.0
RENEWALS_PER_TTL = 4
RETRY_SECONDS = 1.0


class Leadership:
    """Takes part in the election for any number of keys, as the candidate `identity`.

    `identity` names the home, not the process: a process that died holding a lease gets it back at
    once when it is started again. `locks` is the folder of the file locks, `<key>.lock` each.
    """

    def __init__(self, leases: Repository[LeaderLease], identity: str, locks: Path) -> None:
        self._leases = leases
        self._identity = identity
        self._locks = locks
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._last_seen: dict[str, tuple[int, float]] = {}

    @contextlib.asynccontextmanager
    async def hold_leadership(self, key: str, *, wait: bool = False) -> AsyncIterator[None]:
        """Be the leader for `key` inside the `async with` block, renewing the lease meanwhile.

        Raises `Transient` where another process leads, unless `wait` is set.
        """
        async with self._turns[key]:
            lock = await self._lock(key, wait=wait)
            try:
                while not await self._acquire(key):
                    if not wait:
                        raise Transient("Another process leads here.", delay=RETRY_SECONDS)
                    await asyncio.sleep(RETRY_SECONDS)
                renewing = asyncio.create_task(self._keep_renewing(key))
                try:
                    yield
                finally:
                    renewing.cancel()
                    await self._release(key)
            finally:
                await lock.release()

    async def lead(self, key: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work()` as the leader for `key`. Raises `Transient` where another process leads.

        A loop that runs in every process, and whose work is for one of them, calls it for each key
        again and again. The work reads its state itself: another process may have led just before,
        and finished it.
        """
        async with self.hold_leadership(key):
            await work()

    async def still_leading(self, key: str) -> None:
        """Renew the lease on `key`; raises `Transient` where another process holds it by now."""
        while True:
            lease = await self._leases.require(key)
            if lease.holder != self._identity:
                log.warning("leadership_lost", key=key, to=lease.holder)
                raise Transient("Another process leads here now.", delay=RETRY_SECONDS)
            if await self._leases.save(lease) is not None:
                return

    async def _lock(self, key: str, *, wait: bool) -> AsyncFileLock:
        """Acquire the file lock of a key. Raises `Transient` where it is taken, unless `wait`."""
        self._locks.mkdir(parents=True, exist_ok=True)
        lock = AsyncFileLock(
            self._locks / f"{key}.lock", timeout=-1 if wait else 0, run_in_executor=False
        )
        try:
            await lock.acquire()
        except Timeout:
            raise Transient("Another process leads here.", delay=RETRY_SECONDS) from None
        return lock

    async def _acquire(self, key: str) -> bool:
        """Take the lease if it is free, ours, or no longer renewed; return whether it is ours."""
        lease = await self._leases.get(key)
        if lease is None:
            return await self._leases.insert(LeaderLease(id=key, holder=self._identity))
        if lease.holder not in {"", self._identity}:
            if not self._expired(lease):
                return False
            log.warning("leadership_taken_over", key=key, previous=lease.holder)
        saved = await self._leases.save(lease.model_copy(update={"holder": self._identity}))
        return saved is not None

    def _expired(self, lease: LeaderLease) -> bool:
        """Return whether this process saw no renewal of a lease for the lease's whole term."""
        version, since = self._last_seen.get(lease.id, (-1, 0.0))
        if version != lease.version:
            self._last_seen[lease.id] = (lease.version, time.monotonic())
            return False
        return time.monotonic() - since >= LEASE_TTL_SECONDS

    async def _keep_renewing(self, key: str) -> None:
        """Renew the lease until cancelled; work that depends on it calls `still_leading` itself."""
        while True:
            await asyncio.sleep(LEASE_TTL_SECONDS / RENEWALS_PER_TTL)
            try:
                await self.still_leading(key)
            except Transient as error:
                log.info("leadership_not_renewed", key=key, reason=str(error))

    async def _release(self, key: str) -> None:
        """Give the lease of a key up, if this candidate still holds it."""
        lease = await self._leases.get(key)
        if lease is not None and lease.holder == self._identity:
            await self._leases.save(lease.model_copy(update={"holder": ""}))
