"""Processes that are forked from the test session, and the pipes they report through."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from contextlib import suppress
from typing import Any

# For a message that has no deadline of its own.
FOREVER = 1e6


class Channel:
    """A pipe that carries one JSON object a line from one process to another."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        self.buffer = b""

    def send(self, **message: Any) -> None:
        """Write one message with these fields."""
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self.writing, data) :]

    def receive(self, seconds: float) -> dict[str, Any] | None:
        """Return the next message; None after a time-out, and {} once the other end is closed."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.reading], [], [], left)[0]:
                return None
            data = os.read(self.reading, 65536)
            if not data:
                return {}
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def close(self) -> None:
        """Close both ends in this process."""
        self.close_reading()
        self.close_writing()

    def close_reading(self) -> None:
        """Close the reading end in this process."""
        if self.reading >= 0:
            os.close(self.reading)
        self.reading = -1

    def close_writing(self) -> None:
        """Close the writing end in this process."""
        if self.writing >= 0:
            os.close(self.writing)
        self.writing = -1


def fork(channel: Channel) -> int:
    """Fork a process that leads its own group and sends to `channel`; 0 in the child."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        channel.close_reading()
    else:
        channel.close_writing()
    return pid


def kill_group(pid: int, *, reap: bool = True) -> None:
    """Kill a process and its group, and wait for it unless another process is its parent."""
    for kill in (os.killpg, os.kill):
        with suppress(OSError):
            kill(pid, signal.SIGKILL)
    if reap:
        os.waitpid(pid, 0)
