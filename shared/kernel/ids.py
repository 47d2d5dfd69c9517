"""Ids: UUIDv7 strings, which are unique without coordination and sort by their time of creation."""

import hashlib
import os
import threading
import time
import uuid
from collections.abc import Callable

NewId = Callable[[], str]

VERSION, VARIANT = 0x7 << 76, 0b10 << 62
RANDOM_A_MASK, RANDOM_B_MASK = 0x0FFF, 0x3FFF_FFFF_FFFF_FFFF


class UuidV7:
    """Generates UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then 74 random bits.

    Within one process each is greater than the one before: in the same millisecond, or after the
    clock was set back, the random bits are incremented (section 6.2, method 2).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def __call__(self) -> str:
        """Return a new id. Safe to call from several threads."""
        with self._lock:
            fresh = time.time_ns() // 1_000_000 << 74 | int.from_bytes(os.urandom(10), "big") >> 6
            self._last = fresh if fresh >> 74 > self._last >> 74 else self._last + 1
            return str(_pack(self._last))


def _pack(bits: int) -> uuid.UUID:
    """Insert the version and the variant into 122 bits of time and randomness."""
    random_a, random_b = bits >> 62 & RANDOM_A_MASK, bits & RANDOM_B_MASK
    return uuid.UUID(int=bits >> 74 << 80 | VERSION | random_a << 64 | VARIANT | random_b)


uuid7: NewId = UuidV7()


def derive_uuid7(seed: str, milliseconds: int) -> str:
    """Return the UUIDv7 that a seed has at a Unix time: the same one each time."""
    digest = hashlib.sha256(seed.encode()).digest()
    return str(_pack(milliseconds << 74 | int.from_bytes(digest[:10], "big") >> 6))


SHORT_ID_CHARACTERS = 8


def short_id(full: str) -> str:
    """Return the end of an id, as people see it and may type it.

    UUIDv7 ids made together have the same first characters, and often differ in the last ones only.
    """
    return full[-SHORT_ID_CHARACTERS:]
