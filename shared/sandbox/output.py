"""Keeping the beginning and the end of what a command prints, however much it prints."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CHUNK = 1 << 16
# How long output is waited for when whoever wrote it should be dead.
GRACE = 2.0


class Output:
    """At most `limit` bytes: half of them from the beginning, half from the end.

    `flooded` is set once more than `most` bytes have come.
    """

    def __init__(self, limit: int, most: int = sys.maxsize) -> None:
        self._half = limit // 2
        self._most = most
        self._taken = 0
        self.flooded = asyncio.Event()
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0

    @asynccontextmanager
    async def collected(self) -> AsyncIterator[int]:
        """A descriptor to write to; at the end all that was written has been taken in.

        A pipe of our own, because waiting for a process whose output asyncio reads would mean
        waiting for everybody who holds that output open.
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
            await asyncio.wait({draining}, timeout=GRACE)
            draining.cancel()
            transport.close()

    async def _drain(self, stream: asyncio.StreamReader) -> None:
        while chunk := await stream.read(CHUNK):
            self.feed(chunk)

    def feed(self, chunk: bytes) -> None:
        """Take in what was printed next."""
        self._taken += len(chunk)
        if self._taken > self._most:
            self.flooded.set()
        room = max(self._half - len(self._head), 0)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        if len(self._tail) > 2 * self._half + CHUNK:
            self._trim()

    def text(self) -> str:
        """What was kept, with a line that says how much was not."""
        self._trim()
        middle = f"\n… {self._dropped} bytes left out …\n" if self._dropped else ""
        return self._head.decode(errors="replace") + middle + self._tail.decode(errors="replace")

    def _trim(self) -> None:
        excess = max(len(self._tail) - self._half, 0)
        self._dropped += excess
        del self._tail[:excess]
