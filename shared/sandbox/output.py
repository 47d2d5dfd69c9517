"""Capture of what a command prints, bounded in memory: its beginning and its end."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CHUNK_BYTES = 1 << 16
# How long the end of the output is awaited once all its writers should be dead.
DRAIN_TIMEOUT_SECONDS = 2.0


class Output:
    """Keeps at most `limit` bytes: half of them from the beginning, half from the end.

    The event `overflowed` is set once more than `max_bytes` bytes were printed.
    """

    def __init__(self, limit: int, max_bytes: int = sys.maxsize) -> None:
        self._half = limit // 2
        self._max_bytes = max_bytes
        self._received = 0
        self.overflowed = asyncio.Event()
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0

    @asynccontextmanager
    async def capture(self) -> AsyncIterator[int]:
        """Yield a descriptor to write to; the block's end waits up to 2 s for what was written.

        It is a pipe of our own, as waiting for a process whose output asyncio reads means waiting
        for every process that holds that output open.
        """
        ours, theirs = os.pipe()
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours, "rb", buffering=0)
        )
        draining = asyncio.create_task(self._drain(reader))
        try:
            yield theirs
        finally:
            os.close(theirs)
            await asyncio.wait({draining}, timeout=DRAIN_TIMEOUT_SECONDS)
            draining.cancel()
            transport.close()

    async def _drain(self, stream: asyncio.StreamReader) -> None:
        """Feed what is read from a stream until that ends."""
        while chunk := await stream.read(CHUNK_BYTES):
            self.feed(chunk)

    def feed(self, chunk: bytes) -> None:
        """Add what was printed next."""
        self._received += len(chunk)
        if self._received > self._max_bytes:
            self.overflowed.set()
        room = max(self._half - len(self._head), 0)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        if len(self._tail) > 2 * self._half + CHUNK_BYTES:
            self._trim()

    def text(self) -> str:
        """Return the bytes kept as text, with a line in between that counts those left out."""
        self._trim()
        middle = f"\n… {self._dropped} bytes left out …\n" if self._dropped else ""
        return self._head.decode(errors="replace") + middle + self._tail.decode(errors="replace")

    def _trim(self) -> None:
        """Shorten the kept end to its limit, and count the bytes that are dropped."""
        excess = max(len(self._tail) - self._half, 0)
        self._dropped += excess
        del self._tail[:excess]
