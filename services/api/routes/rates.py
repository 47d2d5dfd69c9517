"""How often a key may be used, and a wrong one be tried."""

import math

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from shared.kernel.clock import Clock

WRONG_KEYS = parse("30/minute")


class RateLimits:
    """Moving windows in the memory of this process: one per key, one per address for wrong keys."""

    def __init__(self, rate: str, *, clock: Clock) -> None:
        self._rate = parse(rate)
        self._clock = clock
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def wait_of_key(self, key_id: str) -> int:
        """Count a request; return after how many seconds the key may be used, 0 for now."""
        return self._wait(self._rate, "key", key_id)

    def wait_of_stranger(self, address: str) -> int:
        """Count a wrong key; return after how many seconds the next may come, 0 for now."""
        return self._wait(WRONG_KEYS, "address", address)

    def _wait(self, rate: RateLimitItem, kind: str, who: str) -> int:
        """Count one of a kind by somebody; return the seconds to wait, 0 if it is within `rate`."""
        if self._limiter.hit(rate, kind, who):
            return 0
        reset = self._limiter.get_window_stats(rate, kind, who).reset_time
        return max(1, math.ceil(reset - self._clock().timestamp()))
