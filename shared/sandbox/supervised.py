"""The adapter of the `Sandbox` port: runs each command under a supervisor, in any tier."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from shared.sandbox import metering, scratch, supervisor
from shared.sandbox.job import Job, is_traversable
from shared.sandbox.output import Output
from shared.sandbox.ports import Command, Completed, Limits
from shared.sandbox.readback import read_back

ROOT = Path(__file__).parent.parent.parent
# Started without `site`, which would load more modules than all of ours.
PROGRAM = (
    "import sys; sys.path[:] = {path!r}; from shared.sandbox.forkserver import main; main({tier!r})"
)
# Longer than the supervisor itself tries to kill the remaining processes.
SUPERVISOR_TIMEOUT_SECONDS = supervisor.KILL_TIMEOUT_SECONDS + 5
CHUNK_BYTES = 1 << 16
MAX_DESCRIPTORS = 2
MAX_OUTPUT_IN_REASON_CHARS = 300


class ForkServer:
    """The process that forks supervisors; started when first needed, and again if it is gone."""

    def __init__(self, tier: str) -> None:
        self._tier = tier
        self._process: asyncio.subprocess.Process | None = None
        self._channel: socket.socket | None = None
        self._starting = asyncio.Lock()

    async def fork(self, output: int) -> socket.socket:
        """Return our end of the connection to a new supervisor; its command prints to `output`."""
        ours, theirs = socket.socketpair()
        with theirs:
            async with self._starting:
                if self._process is None or self._process.returncode is not None:
                    await self._start()
                assert self._channel is not None
                try:
                    socket.send_fds(self._channel, [b"job"], [theirs.fileno(), output])
                except OSError:
                    await self._start()
                    socket.send_fds(self._channel, [b"job"], [theirs.fileno(), output])
        ours.setblocking(False)
        return ours

    async def _start(self) -> None:
        """Start the process, in place of one that is gone, and wait until it is ready."""
        if self._channel is not None:
            self._channel.close()
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = PROGRAM.format(path=[str(ROOT), *filter(None, sys.path)], tier=self._tier)
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", "-c", program),
                stdin=theirs.fileno(),
                start_new_session=True,
                env={},
                cwd="/",
            )
        self._channel.setblocking(False)
        await asyncio.get_running_loop().sock_recv(self._channel, CHUNK_BYTES)

    async def close(self) -> None:
        """End the process; supervisors that are running go on."""
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            await self._process.wait()


@dataclass
class SupervisorConnection:
    """The connection to one supervisor.

    `pid` is its process id, `result` what it reported at the end, and `directories` are descriptors
    of what the command left behind.
    """

    control: socket.socket
    pid: int = 0
    result: Mapping[str, object] | None = None
    directories: tuple[int, ...] = ()
    _buffer: bytes = b""

    async def send(self, job: Job) -> None:
        """Send the job to run; that the supervisor is gone is ignored, and shows in the result."""
        with suppress(OSError):
            await asyncio.get_running_loop().sock_sendall(self.control, job.to_line())

    async def await_result(self) -> None:
        """Wait until the supervisor reports how the command ended, or closes the connection."""
        while self.result is None and (line := await self._read_line()):
            report = json.loads(line)
            self.pid = report.get("pid", self.pid)
            self.result = report if "ended" in report else None

    async def _read_line(self) -> bytes:
        """Return the next line; empty if the connection is closed."""
        while b"\n" not in self._buffer:
            await _until_readable(self.control)
            try:
                chunk, descriptors, _, _ = socket.recv_fds(
                    self.control, CHUNK_BYTES, MAX_DESCRIPTORS
                )
            except ConnectionError:
                return b""
            self.directories = (*self.directories, *descriptors)
            if not chunk:
                return b""
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def interrupt(self) -> None:
        """Tell the supervisor to kill its command; it still reports the result."""
        with suppress(OSError):
            self.control.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the connection and the descriptors of what the command left."""
        self.control.close()
        for each in self.directories:
            os.close(each)
        self.directories = ()


async def _until_readable(control: socket.socket) -> None:
    """Wait until a socket has something to read, or is closed."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(control, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(control)


class SupervisedSandbox:
    """Runs commands in one tier of `shared.sandbox.tiers`, under a supervisor each."""

    def __init__(
        self,
        etc: Path,
        module: str,
        tier: str,
        isolation: str,
        *,
        trusted: bool = True,
    ) -> None:
        self._server = ForkServer(module)
        self._etc = etc
        self._module = module
        self.tier = tier
        self.isolation = isolation
        self.trusted = trusted

    def can_read(self, path: Path) -> bool:
        """Return whether a command can reach `path`, which runs without root's rights.

        Where we are root, landlock has paths that it cannot reach; in any other case it is true.
        """
        if os.geteuid() != 0 or self._module != "landlock":
            return True
        return is_traversable(str(path.resolve()))

    async def close(self) -> None:
        """End the fork server."""
        await self._server.close()

    async def run(self, command: Command) -> Completed:
        """Run a command under a supervisor that kills all its processes when this call ends."""
        _make_home(command)
        output = Output(command.limits.output, command.limits.printed)
        async with output.capture() as descriptor:
            connection = SupervisorConnection(await self._server.fork(descriptor))
            awaiting = asyncio.create_task(connection.await_result())
            try:
                await connection.send(Job.from_command(command, self._module, self._etc))
                await _wait_for_end(
                    awaiting, output.overflowed, command.limits.wall + SUPERVISOR_TIMEOUT_SECONDS
                )
            finally:
                await asyncio.shield(_finish(connection, awaiting, command))
        try:
            completed = _completed(command, output, connection)
        finally:
            connection.close()
        metering.record_cpu_time(completed.cpu_seconds)
        return completed


async def _wait_for_end(
    awaiting: asyncio.Task[None], overflowed: asyncio.Event, timeout: float
) -> None:
    """Wait for the supervisor's result or too much output, and no longer than `timeout` seconds.

    The timeout is needed because a command can stop its supervisor.
    """
    overflow = asyncio.create_task(overflowed.wait())
    try:
        await asyncio.wait(
            {awaiting, overflow}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        overflow.cancel()


async def _finish(
    connection: SupervisorConnection, awaiting: asyncio.Task[None], command: Command
) -> None:
    """Kill every process of the command, also if its supervisor does not respond."""
    connection.interrupt()
    await asyncio.wait({awaiting}, timeout=SUPERVISOR_TIMEOUT_SECONDS)
    awaiting.cancel()
    if connection.result is None:
        if connection.pid:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(connection.pid, signal.SIGKILL)
        await asyncio.to_thread(scratch.kill_marked, command.scratch)


def _completed(command: Command, output: Output, connection: SupervisorConnection) -> Completed:
    """Return how a command ended, by its supervisor's report, its output and its files."""
    ended = connection.result or {
        "ended": "lost",
        "status": 0,
        "seconds": 0.0,
        "left": 0,
        "cpu": None,
    }
    limit = command.limits.report
    code = ended["status"] if ended["ended"] == "exited" else None
    cpu = ended["cpu"]
    text = output.text()
    return Completed(
        exit_code=code if isinstance(code, int) else None,
        output=text,
        seconds=float(str(ended["seconds"])),
        reports=_read_all(connection.directories[1:], command.reports, limit),
        results=_read_all(connection.directories[:1], command.results, limit),
        abort_reason=_abort_reason(
            ended, command.limits, text, overflowed=output.overflowed.is_set()
        ),
        cpu_seconds=float(str(cpu)) if cpu is not None else None,
    )


def _read_all(directories: tuple[int, ...], names: tuple[str, ...], limit: int) -> dict[str, bytes]:
    """Return the contents of files below directories by name, without missing or larger ones."""
    return {
        name: content
        for directory in directories
        for name in names
        if (content := read_back(directory, name, limit)) is not None
    }


def _abort_reason(
    ended: Mapping[str, object], limits: Limits, output: str, *, overflowed: bool
) -> str:
    """Return in a sentence why a command did not end by itself, or left processes; else empty."""
    if ended["left"]:
        return f"{ended['left']} of its processes could not be killed."
    if ended["ended"] == "exited":
        return ""
    if overflowed:
        return f"It printed more than the {limits.printed >> 20} MiB it may, and was killed."
    end_of_output = output.strip()[-MAX_OUTPUT_IN_REASON_CHARS:]
    reasons = {
        "timed_out": f"It ran longer than the {limits.wall:g} seconds it may, and was killed.",
        "memory": f"It used more than the {limits.memory >> 20} MiB of memory it may, "
        "and was killed.",
        "processes": f"It had more than the {limits.processes} processes it may, and was killed.",
        "disk": f"It wrote more than the {limits.disk >> 20} MiB it may, and was killed.",
        "files": f"It made more than the {limits.files} files it may, and was killed.",
        "refused": f"The sandbox could not be set up: {end_of_output}",
    }
    return reasons.get(str(ended["ended"]), "The process that watched over it was killed.")


def _make_home(command: Command) -> None:
    """Create the command's HOME and TMPDIR."""
    for name in ("home", "tmp"):
        (command.scratch / name).mkdir(exist_ok=True)
