"""Ids are UUIDv7 strings: unique without coordination and sorted by the time they were made."""

import os
import threading
import time
import uuid
from collections.abc import Callable

NewId = Callable[[], str]

VERSION, VARIANT = 0x7 << 76, 0b10 << 62
CHANCE_A, CHANCE_B = 0x0FFF, 0x3FFF_FFFF_FFFF_FFFF


class UuidV7:
    """UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then 74 random bits.

    Within one process each is greater than the one before: in the same millisecond, or when the
    clock was set back, the random bits count on (section 6.2, method 2).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def __call__(self) -> str:
        with self._lock:
            fresh = time.time_ns() // 1_000_000 << 74 | int.from_bytes(os.urandom(10), "big") >> 6
            self._last = fresh if fresh >> 74 > self._last >> 74 else self._last + 1
            return str(_pack(self._last))


def _pack(bits: int) -> uuid.UUID:
    """122 bits of time and chance, with the version and the variant put in between."""
    stamp, chance_a, chance_b = bits >> 74, bits >> 62 & CHANCE_A, bits & CHANCE_B
    return uuid.UUID(int=stamp << 80 | VERSION | chance_a << 64 | VARIANT | chance_b)


uuid7: NewId = UuidV7()
