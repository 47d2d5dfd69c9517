"""Child processes that are kept running, and that end with us however we end."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

BACK_OFF = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
# A process that lived this long did start well: its next death counts as the first again.
SETTLED = 30.0
PATIENCE = 6.0
LOG_LIMIT = 10_000_000
PR_SET_PDEATHSIG = 1

Say = Callable[[str], None]


@dataclass
class Process:
    """One program under supervision. `log` gets all it prints.

    `knock` is a port to connect to once it was told to end: a server that waits in accept() does
    not hear of it before somebody comes.
    """

    name: str
    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    knock: int = 0
    child: asyncio.subprocess.Process | None = None
    stopping: bool = False
    starts: int = 0

    async def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C in the terminal is ours alone."""
        self.starts += 1
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as out:
            self.child = await asyncio.create_subprocess_exec(
                *self.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, **self.env},
                start_new_session=True,
                preexec_fn=_die_with_parent(os.getpid()) if sys.platform == "linux" else None,
            )

    async def supervise(self, say: Say) -> None:
        """Start it again whenever it ends, later each time; for ever, or until `stop`."""
        loop = asyncio.get_running_loop()
        failures = 0
        while not self.stopping:
            started = loop.time()
            assert self.child is not None
            code = await self.child.wait()
            if self.stopping:
                return
            failures = 0 if loop.time() - started > SETTLED else failures
            delay = BACK_OFF[min(failures, len(BACK_OFF) - 1)]
            failures += 1
            say(f"{self.name} {_ended(code)}; it is started again. Its log: {self.log}")
            await asyncio.sleep(delay)
            if not self.stopping:
                await self.start()

    async def stop(self) -> None:
        """End it and all it started: kindly, then not."""
        self.stopping = True
        if self.child is None:
            return
        if self.child.returncode is None:
            self._signal(signal.SIGTERM)
            await self._knock()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.child.wait(), PATIENCE)
        self._signal(signal.SIGKILL)
        await self.child.wait()

    async def _knock(self) -> None:
        if not self.knock:
            return
        await asyncio.sleep(0.1)
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", self.knock)
            writer.close()

    def _signal(self, number: signal.Signals) -> None:
        assert self.child is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child.pid, number)


def tail(log: Path, lines: int = 12) -> str:
    """The end of a log."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _ended(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _die_with_parent(parent: int) -> Callable[[], None]:
    """Linux: the kernel sends SIGTERM when the thread that started us is gone."""
    libc = ctypes.CDLL(None)

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it was quicker to die than we to ask
            os._exit(1)

    return ask
