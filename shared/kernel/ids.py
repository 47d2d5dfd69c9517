"""Ids are UUIDv7 strings: unique without coordination and sorted by the time they were made."""

import os
import time
import uuid
from collections.abc import Callable

NewId = Callable[[], str]


def uuid7() -> str:
    """A UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then 74 random bits."""
    stamp = time.time_ns() // 1_000_000
    chance = int.from_bytes(os.urandom(10), "big")
    value = (stamp & 0xFFFF_FFFF_FFFF) << 80
    value |= 0x7 << 76
    value |= (chance >> 64 & 0x0FFF) << 64
    value |= 0b10 << 62
    value |= chance & 0x3FFF_FFFF_FFFF_FFFF
    return str(uuid.UUID(int=value))
