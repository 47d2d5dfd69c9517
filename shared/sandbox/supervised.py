"""Sandboxes: one adapter of the `Sandbox` port for all tiers, which differ in their supervisor."""

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
from shared.sandbox.job import Job
from shared.sandbox.output import Output
from shared.sandbox.ports import Command, Completed, Limits
from shared.sandbox.readback import read_back

ROOT = Path(__file__).parent.parent.parent
# Without site, which would load more than all of ours.
PROGRAM = (
    "import sys; sys.path[:] = {path!r}; from shared.sandbox.forkserver import main; main({tier!r})"
)
# Longer than the supervisor itself goes on trying to kill what is left.
PATIENCE = supervisor.GIVE_UP + 5
LINE = 1 << 16
PLACES = 2


class ForkServer:
    """The process that forks supervisors; started when first needed, and again should it be gone."""

    def __init__(self, tier: str) -> None:
        self._tier = tier
        self._process: asyncio.subprocess.Process | None = None
        self._channel: socket.socket | None = None
        self._starting = asyncio.Lock()

    async def fork(self, output: int) -> socket.socket:
        """Our end of the conversation with a new supervisor, whose command prints to `output`."""
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
        await asyncio.get_running_loop().sock_recv(self._channel, LINE)

    async def close(self) -> None:
        """End it; supervisors that are at work go on."""
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            await self._process.wait()


@dataclass
class Conversation:
    """With one supervisor: its process id, how its command ended, and what it left behind."""

    control: socket.socket
    pid: int = 0
    ended: Mapping[str, object] | None = None
    places: tuple[int, ...] = ()
    _read: bytes = b""

    async def say(self, job: Job) -> None:
        """Hand over what is to be run."""
        with suppress(OSError):
            await asyncio.get_running_loop().sock_sendall(self.control, job.to_line())

    async def listen(self) -> None:
        """Until the supervisor says how the command ended, or says nothing more."""
        while self.ended is None and (line := await self._line()):
            said = json.loads(line)
            self.pid = said.get("pid", self.pid)
            self.ended = said if "ended" in said else None

    async def _line(self) -> bytes:
        while b"\n" not in self._read:
            await _readable(self.control)
            try:
                said, descriptors, _, _ = socket.recv_fds(self.control, LINE, PLACES)
            except ConnectionError:
                return b""
            self.places = (*self.places, *descriptors)
            if not said:
                return b""
            self._read += said
        line, _, self._read = self._read.partition(b"\n")
        return line

    def interrupt(self) -> None:
        """Tell the supervisor to kill what it runs; it still answers."""
        with suppress(OSError):
            self.control.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Let go of it, and of what the command left."""
        self.control.close()
        for each in self.places:
            os.close(each)
        self.places = ()


async def _readable(control: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(control, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(control)


class SupervisedSandbox:
    """The `Sandbox` port over one tier of `shared.sandbox.tiers`."""

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
        """Whether somebody without any rights of ours can get there."""
        if os.geteuid() != 0 or self._module != "landlock":
            return True
        return all(each.stat().st_mode & 0o001 for each in path.resolve().parents)

    async def close(self) -> None:
        """Let go of the fork server."""
        await self._server.close()

    async def run(self, command: Command) -> Completed:
        """Run it under a supervisor that kills everything when this call ends, however it ends."""
        _furnish(command)
        output = Output(command.limits.output, command.limits.printed)
        async with output.collected() as descriptor:
            conversation = Conversation(await self._server.fork(descriptor))
            listening = asyncio.create_task(conversation.listen())
            try:
                await conversation.say(Job.of(command, self._module, self._etc))
                await _first_of(listening, output.flooded, command.limits.wall + PATIENCE)
            finally:
                await asyncio.shield(_finish(conversation, listening, command))
        try:
            completed = _completed(command, output, conversation)
        finally:
            conversation.close()
        metering.record_cpu_time(completed.cpu_seconds)
        return completed


async def _first_of(listening: asyncio.Task[None], flooded: asyncio.Event, timeout: float) -> None:
    """The supervisor's answer, or too much output, or neither in time: a command can stop its supervisor."""
    flood = asyncio.create_task(flooded.wait())
    try:
        await asyncio.wait({listening, flood}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        flood.cancel()


async def _finish(
    conversation: Conversation, listening: asyncio.Task[None], command: Command
) -> None:
    """No process of the command is left after this, whether its supervisor lives or not."""
    conversation.interrupt()
    await asyncio.wait({listening}, timeout=PATIENCE)
    listening.cancel()
    if conversation.ended is None:
        if conversation.pid:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(conversation.pid, signal.SIGKILL)
        await asyncio.to_thread(scratch.kill_marked, command.scratch)


def _completed(command: Command, output: Output, conversation: Conversation) -> Completed:
    ended = conversation.ended or {
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
        reports=_read_all(conversation.places[1:], command.reports, limit),
        results=_read_all(conversation.places[:1], command.results, limit),
        abort_reason=_abort_reason(ended, command.limits, text, flooded=output.flooded.is_set()),
        cpu_seconds=float(str(cpu)) if cpu is not None else None,
    )


def _read_all(places: tuple[int, ...], names: tuple[str, ...], limit: int) -> dict[str, bytes]:
    return {
        name: content
        for place in places
        for name in names
        if (content := read_back(place, name, limit)) is not None
    }


def _abort_reason(
    ended: Mapping[str, object], limits: Limits, output: str, *, flooded: bool
) -> str:
    """Why a command did not end by itself, in a sentence; empty where it did."""
    if ended["left"]:
        return f"{ended['left']} of its processes could not be killed."
    if ended["ended"] == "exited":
        return ""
    if flooded:
        return f"It printed more than the {limits.printed >> 20} MiB it may, and was killed."
    said = {
        "timed_out": f"It ran longer than the {limits.wall:g} seconds it may, and was killed.",
        "memory": f"It used more than the {limits.memory >> 20} MiB of memory it may, and was killed.",
        "processes": f"It had more than the {limits.processes} processes it may, and was killed.",
        "disk": f"It wrote more than the {limits.disk >> 20} MiB it may, and was killed.",
        "files": f"It made more than the {limits.files} files it may, and was killed.",
        "refused": f"The sandbox could not be made: {output.strip()[-300:]}",
    }
    return said.get(str(ended["ended"]), "The process that watched over it was killed.")


def _furnish(command: Command) -> None:
    for name in ("home", "tmp"):
        (command.scratch / name).mkdir(exist_ok=True)
