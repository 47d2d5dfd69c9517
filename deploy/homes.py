"""A home directory: whether a stack may run in it, which one does, and where that one answers."""

import json
import re
import shutil
import socket
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from shared.kernel.errors import Conflict, GroundswellError, Rejected
from shared.targets.home import make_private_home, write_private

# Below these a stack is not started, and is stopped while that still works.
MIN_FREE_BYTES, CRITICAL_FREE_BYTES = 300 << 20, 50 << 20
LOCK_TIMEOUT_SECONDS = 0.5
HOST = "127.0.0.1"
STACK_FILE = "stack.json"


class StackFailed(GroundswellError):
    """The stack could not be started, or one of its parts failed for good."""

    code = "stack_failed"


@dataclass(frozen=True)
class Stack:
    """The addresses of a running stack; `pid` is the process that owns it.

    `nats_url` and `mongo_url` contain what a person's programs log in with. Only the user whose
    home it is can read the file that they are in.
    """

    api_url: str
    nats_url: str
    mongo_url: str
    home: str
    pid: int
    api_key: str = field(default="", repr=False)


def without_credentials(url: str) -> str:
    """Return a URL as it may be shown: without user, password and options."""
    return re.sub(r"//[^@/]*@", "//", url).partition("?")[0].rstrip("/")


def find_running_stack(home: Path) -> Stack | None:
    """Return the running stack of a home directory; None if there is none, or none ready yet."""
    return _read_stack(home) if lock_is_held(home) else None


def lock_is_held(home: Path) -> bool:
    """Return whether a process owns this home's stack, or is starting it."""
    if not (path := home / "stack.lock").exists():
        return False
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def _read_stack(home: Path) -> Stack | None:
    """Return the stack in the home's file; None if there is no readable one."""
    try:
        return Stack(**json.loads((home / STACK_FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def write_stack(stack: Stack, home: Path) -> None:
    """Write the stack's addresses to the home directory, where commands look for them."""
    write_private(home / STACK_FILE, json.dumps(asdict(stack)))


def remove_stack(home: Path) -> None:
    """Remove the addresses of a stack that is not up."""
    (home / STACK_FILE).unlink(missing_ok=True)


def lock_home(home: Path) -> FileLock:
    """Acquire the lock of the home's stack. Raises `Conflict` where another process has it."""
    lock = FileLock(home / "stack.lock")
    try:
        # Wait a moment, as another process may hold it only to check whether it is held.
        lock.acquire(timeout=LOCK_TIMEOUT_SECONDS)
    except Timeout as error:
        raise Conflict(
            f"A stack is running in {home} already.",
            hint="Use that one, or set GROUNDSWELL_HOME to another directory.",
            code="stack_running",
        ) from error
    return lock


def prepare_home(home: Path) -> None:
    """Create the home for this user alone. Raises `Rejected` or `StackFailed` if it won't do."""
    try:
        make_private_home(home)
        (home / "logs").mkdir(exist_ok=True)
    except OSError as error:
        raise Rejected(
            f"{home} cannot be used: {error.strerror}.",
            hint="Set GROUNDSWELL_HOME to a directory that you may write to.",
            code="home_unusable",
        ) from error
    free = shutil.disk_usage(home).free
    if free < MIN_FREE_BYTES:
        raise disk_full(home, free)


def check_port(port: int) -> None:
    """Raise `Conflict` unless the port is free; 0 is any free one."""
    if port and not _is_free(port):
        raise Conflict(
            f"Port {port} is taken.",
            hint="Choose another one with --port, or --port 0 for any free one.",
            code="port_taken",
        )


def disk_full(home: Path, free: int) -> StackFailed:
    """Return the error that says how much space is missing."""
    return StackFailed(
        f"Only {free >> 20} MB are free in {home}; {MIN_FREE_BYTES >> 20} are needed.",
        hint="Make room, or set GROUNDSWELL_HOME to a directory on another disk.",
        code="disk_full",
    )


def _is_free(port: int) -> bool:
    """Return whether a server can listen on this port of this machine."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Return free ports; all are held while they are chosen, so that they differ."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((HOST, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
