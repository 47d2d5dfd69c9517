"""Supervised child processes: restarted when they end, and killed when this process ends."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from deploy.forked import ForkedService, die_with_parent

RESTART_BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
# A process that ran this long had started well, so the backoff begins anew when it ends.
STABLE_AFTER_SECONDS = 30.0
STOP_TIMEOUT_SECONDS = 6.0
WAKE_DELAY_SECONDS = 0.1
MAX_LOG_BYTES = 10_000_000

Notify = Callable[[str], None]


class Child(Protocol):
    """A child process as `asyncio.subprocess.Process` and `ForkedService` have it."""

    pid: int

    @property
    def returncode(self) -> int | None:
        """Return the exit code, negative for a signal, or None while it runs."""

    async def wait(self) -> int:
        """Return the exit code once the process has ended."""


@dataclass
class Process:
    """One supervised program. Its output goes to the file `log`.

    `wake_port` is a port to connect to after SIGTERM, for a server that blocks in accept() and
    handles the signal only when a connection arrives; 0 for none.
    """

    name: str
    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    wake_port: int = 0
    child: Child | None = None
    stopping: bool = False
    starts: int = 0

    async def start(self) -> None:
        """Start the program in a session of its own, which Ctrl-C in a terminal does not reach."""
        self.starts += 1
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > MAX_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        self.child = await self.spawn()

    async def spawn(self) -> Child:
        """Create the child process, with the log as its output."""
        with self.log.open("ab") as out:
            return await asyncio.create_subprocess_exec(
                *self.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, **self.env},
                start_new_session=True,
                preexec_fn=die_with_parent(os.getpid()) if sys.platform == "linux" else None,
            )

    async def supervise(self, notify: Notify) -> None:
        """Restart the program whenever it ends, after a notice and a backoff, until `stop`."""
        loop = asyncio.get_running_loop()
        failures = 0
        last = len(RESTART_BACKOFF_SECONDS) - 1
        while not self.stopping:
            started = loop.time()
            assert self.child is not None
            code = await self.child.wait()
            if self.stopping:
                return
            failures = 0 if loop.time() - started > STABLE_AFTER_SECONDS else failures
            delay = RESTART_BACKOFF_SECONDS[min(failures, last)]
            failures += 1
            notify(f"{self.name} {_describe_exit(code)}; restarting it. Its log: {self.log}")
            await asyncio.sleep(delay)
            if not self.stopping:
                await self.start()

    async def stop(self) -> None:
        """Stop the program and all its processes: by SIGTERM, and after a timeout by SIGKILL."""
        self.stopping = True
        if self.child is None:
            return
        if self.child.returncode is None:
            self._signal(signal.SIGTERM)
            await self._wake()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.child.wait(), STOP_TIMEOUT_SECONDS)
        self._signal(signal.SIGKILL)
        await self.child.wait()

    async def _wake(self) -> None:
        """Connect to `wake_port`, if there is one, so that the server handles its signal."""
        if not self.wake_port:
            return
        await asyncio.sleep(WAKE_DELAY_SECONDS)
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", self.wake_port)
            writer.close()

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the program's process group."""
        assert self.child is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child.pid, number)


@dataclass
class ServiceProcess(Process):
    """One of the services, supervised: a fork of the process that has imported them all."""

    async def spawn(self) -> Child:
        """Fork the service from the process that has imported it, with the log as its output."""
        env = {**os.environ, **self.env}
        module = f"services.{self.name}"
        return await ForkedService.start(module, self.log, env, " ".join(self.argv))


def tail(log: Path, lines: int = 12) -> str:
    """Return the last lines of a log file; empty if it does not exist."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _describe_exit(code: int) -> str:
    """Return how a process ended, as the end of a sentence; negative codes are signals."""
    if code < 0:
        names = {each.value: each.name for each in signal.Signals}
        return f"was killed by {names.get(-code, f'signal {-code}')}"
    return f"ended with exit code {code}"
