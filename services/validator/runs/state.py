"""What a process remembers about the test runs that it executes or waits for."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterator

# A run that was superseded and requested anew is another claim: (run id, version of its document).
Claim = tuple[str, int]


class ClaimedRuns:
    """The runs that this process has taken from the queue and not finished."""

    def __init__(self) -> None:
        self._executing: dict[Claim, bool] = {}

    def __contains__(self, claim: Claim) -> bool:
        return claim in self._executing

    def __len__(self) -> int:
        return len(self._executing)

    def add(self, claim: Claim) -> None:
        """Claim a run, which then waits for its cores."""
        self._executing[claim] = False

    def start(self, claim: Claim) -> None:
        """Note that a claimed run has got its cores."""
        self._executing[claim] = True

    def discard(self, claim: Claim) -> None:
        """Give up a claim, if there is one."""
        self._executing.pop(claim, None)

    @property
    def run_ids(self) -> tuple[str, ...]:
        """The ids of all claimed runs."""
        return tuple({run_id for run_id, _ in self._executing})

    @property
    def executing(self) -> int:
        """The number of claimed runs that have got their cores."""
        return sum(self._executing.values())


class RunWaiters:
    """How many callers in this process wait for each run, and the events that wake them."""

    def __init__(self) -> None:
        self._waiting: Counter[str] = Counter()
        self._finished: dict[str, asyncio.Event] = {}

    def __len__(self) -> int:
        return self._waiting.total()

    @contextlib.contextmanager
    def waiting(self, run_id: str) -> Iterator[asyncio.Event]:
        """Count as a waiter inside the block; the event is set when the run may have finished."""
        self._waiting[run_id] += 1
        try:
            yield self._finished.setdefault(run_id, asyncio.Event())
        finally:
            self._waiting[run_id] -= 1
            if not self._waiting[run_id]:
                del self._waiting[run_id], self._finished[run_id]

    def is_last(self, run_id: str) -> bool:
        """Return whether exactly one waiter is left for the run."""
        return self._waiting[run_id] == 1

    def run_finished(self, run_id: str) -> None:
        """Wake everything in this process that waits for the run."""
        if run_id in self._finished:
            self._finished[run_id].set()


class RunnerHeartbeats:
    """The newest heartbeat of each runner, and when this process first saw it.

    Times are of this process's monotonic clock, so the clocks of runners need not agree.
    """

    def __init__(self) -> None:
        self._last_seen: dict[str, tuple[int, float]] = {}

    def beat(self, runner: str) -> int:
        """Count one heartbeat of this process's own `runner`, and return its number."""
        beats = self._last_seen.get(runner, (0, 0.0))[0] + 1
        self._last_seen[runner] = (beats, time.monotonic())
        return beats

    def seconds_since(self, runner: str, beats: int) -> float:
        """Return for how long `beats` has been the newest heartbeat seen of `runner`."""
        now = time.monotonic()
        known, since = self._last_seen.get(runner, (-1, 0.0))
        if known != beats:
            self._last_seen[runner] = (beats, now)
            return 0.0
        return now - since

    def forget(self, runner: str) -> None:
        """Drop what is known of a runner that is gone."""
        self._last_seen.pop(runner, None)
