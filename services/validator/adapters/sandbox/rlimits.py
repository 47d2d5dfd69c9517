"""Tier D: a process group of its own, a scrubbed environment and resource limits. It isolates little."""

import asyncio
import json
import resource
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from services.validator.adapters.sandbox import scratch, supervisor
from services.validator.adapters.sandbox.output import Output
from services.validator.adapters.sandbox.readback import read_back
from services.validator.ports import Command, Completed, Limits

SYSTEM_PATH = ("/usr/bin", "/bin")
SUPERVISOR = (sys.executable, "-I", "-S", str(Path(supervisor.__file__)))
# Longer than the supervisor itself goes on trying to kill what is left.
PATIENCE = supervisor.GIVE_UP + 5
STATUS_LIMIT = 1 << 16
LOST = {"ended": "lost", "status": 0, "seconds": 0.0, "left": 0}


class RlimitSandbox:
    """The `Sandbox` port on any POSIX machine."""

    tier = "D (rlimits)"
    isolation = (
        "This sandbox isolates little: a command has the validator's own rights, sees its files "
        "and its network. It is held only by limits on time, memory, file size and output, a "
        "scrubbed environment, and by being killed whole at the end."
    )

    async def run(self, command: Command) -> Completed:
        """Run it under a supervisor that kills everything when this call ends, however it ends."""
        _furnish(command)
        output = Output(command.limits.output)
        async with output.collected() as descriptor:
            process = await asyncio.create_subprocess_exec(
                *SUPERVISOR,
                stdin=asyncio.subprocess.PIPE,
                stdout=descriptor,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
                env={},
                cwd="/",
            )
            try:
                status = await _converse(process, command)
            finally:
                await asyncio.shield(_end(process, command))
        return _completed(command, output.text(), status)


async def _converse(process: asyncio.subprocess.Process, command: Command) -> Mapping[str, object]:
    """Hand over the specification and wait for the supervisor's one line, or for its end.

    It is not waited for longer than it may take: a command can stop it and so keep it silent.
    """
    assert process.stdin and process.stderr  # noqa: PT018
    process.stdin.write(json.dumps(_specification(command)).encode() + b"\n")
    with suppress(TimeoutError):
        said = await asyncio.wait_for(
            process.stderr.read(STATUS_LIMIT), command.limits.wall + PATIENCE
        )
        if said:
            return _status(said)
    await _destroy(process, command)
    return LOST


async def _end(process: asyncio.subprocess.Process, command: Command) -> None:
    """Closing its standard input makes the supervisor kill everything, where it has not yet."""
    assert process.stdin
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), PATIENCE)
    except TimeoutError:
        await _destroy(process, command)


async def _destroy(process: asyncio.subprocess.Process, command: Command) -> None:
    """The end without a supervisor: whatever carries the command's marker is killed."""
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()
    await asyncio.to_thread(scratch.kill_marked, command.scratch)


def _completed(command: Command, output: str, status: Mapping[str, object]) -> Completed:
    reports = {
        name: content
        for name in command.reports
        if (content := read_back(command.scratch, name, command.limits.report)) is not None
    }
    code = status["status"] if status["ended"] == "exited" else None
    return Completed(
        exit_code=code if isinstance(code, int) else None,
        output=output,
        seconds=float(str(status["seconds"])),
        reports=reports,
        trouble=_trouble(status, command.limits),
    )


def _trouble(status: Mapping[str, object], limits: Limits) -> str:
    if status["left"]:
        return f"{status['left']} of its processes could not be killed."
    if status["ended"] == "timed_out":
        return f"It ran longer than the {limits.wall:g} seconds it may, and was killed."
    if status["ended"] != "exited":
        return "The process that watched over it was killed."
    return ""


def _status(said: bytes) -> Mapping[str, object]:
    try:
        status: dict[str, object] = json.loads(said)
    except ValueError:
        return LOST
    return status


def _specification(command: Command) -> Mapping[str, object]:
    limits = command.limits
    return {
        "argv": command.argv,
        "cwd": str(command.tree),
        "env": _environment(command),
        "wall": limits.wall,
        "limits": {
            "RLIMIT_CORE": 0,
            "RLIMIT_CPU": int(limits.cpu),
            "RLIMIT_FSIZE": limits.file_size,
            "RLIMIT_NOFILE": limits.open_files,
            **({"RLIMIT_AS": limits.memory} if hasattr(resource, "RLIMIT_AS") else {}),
        },
    }


def _environment(command: Command) -> Mapping[str, str]:
    return {
        "PATH": ":".join((*map(str, command.path), *SYSTEM_PATH)),
        "HOME": str(command.scratch / "home"),
        "TMPDIR": str(command.scratch / "tmp"),
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        **command.env,
        scratch.MARKER: str(command.scratch),
    }


def _furnish(command: Command) -> None:
    for name in ("home", "tmp"):
        (command.scratch / name).mkdir(exist_ok=True)
