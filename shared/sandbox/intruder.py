"""What a probe runs inside a sandbox: it tries what nothing in there may do, and says what it could.

A program of its own, without imports of ours: `python -I intruder.py SPECIFICATION`. The
specification is JSON: the things on this machine that are there to be attacked. The answer is a line
of JSON in the file it names: the names of the attempts that succeeded.
"""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Attempt = Callable[[dict[str, str]], object]
TIMEOUT = 0.5
PTRACE_ATTACH = 16
CLONE_NEWUSER = 0x10000000
CLONE_NEWNS = 0x00020000
AF_VSOCK = 40


def read_a_file(spec: dict[str, str]) -> object:
    """A file of the host that anybody on it may read."""
    return Path(spec["file"]).read_text() == spec["secret"]


def write_a_file(spec: dict[str, str]) -> object:
    """A directory of the host that anybody on it may write to."""
    Path(spec["open"], "planted").write_text("planted")
    return Path(spec["open"], "canary").exists()


def read_an_environment(spec: dict[str, str]) -> object:
    """The environment of any process there is."""
    for each in Path("/proc").glob("[0-9]*/environ"):
        try:
            if spec["secret"].encode() in each.read_bytes():
                return True
        except OSError:
            continue
    return False


def connect_by_address(spec: dict[str, str]) -> object:
    """A server that listens on the host's loopback interface."""
    with socket.create_connection(("127.0.0.1", int(spec["port"])), TIMEOUT):
        return True


def connect_by_name(spec: dict[str, str]) -> object:
    """A server that listens on an abstract socket, which no file system holds."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(TIMEOUT)
        client.connect("\0" + spec["abstract"])
    return True


def connect_by_path(spec: dict[str, str]) -> object:
    """A server that listens on a socket in the host's file system."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(TIMEOUT)
        client.connect(spec["socket"])
    return True


def talk_to_the_hypervisor(_: dict[str, str]) -> object:
    """AF_VSOCK, which no namespace holds."""
    socket.socket(AF_VSOCK, socket.SOCK_STREAM).close()
    return True


def signal_the_host(spec: dict[str, str]) -> object:
    """A process that waits outside."""
    os.kill(int(spec["process"]), signal.SIGUSR1)
    return True


def trace_the_host(spec: dict[str, str]) -> object:
    """The same process, by ptrace."""
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.ptrace(PTRACE_ATTACH, int(spec["process"]), 0, 0) == 0


def make_a_namespace(_: dict[str, str]) -> object:
    """With a user namespace of one's own comes much of the kernel's attack surface."""
    return ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0


def change_the_kernel(_: dict[str, str]) -> object:
    """What the kernel runs on the host when a program crashes."""
    with Path("/proc/sys/kernel/core_pattern").open("r+") as file:
        return bool(file)


def leave_a_daemon(spec: dict[str, str]) -> object:
    """Never a success by itself: the prober looks whether it lived on."""
    subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(300)", spec["mark"]],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
    )
    return False


def many_processes(spec: dict[str, str]) -> object:
    """More processes than allowed, all alive at once."""
    children = []
    try:
        for _ in range(int(spec["processes"]) * 2):
            child = os.fork()
            if child == 0:
                signal.pause()
                os._exit(0)
            children.append(child)
    finally:
        for each in children:
            os.kill(each, signal.SIGKILL)
    return True


ATTEMPTS: tuple[Attempt, ...] = (
    read_a_file,
    write_a_file,
    read_an_environment,
    connect_by_address,
    connect_by_name,
    connect_by_path,
    talk_to_the_hypervisor,
    signal_the_host,
    trace_the_host,
    make_a_namespace,
    change_the_kernel,
    leave_a_daemon,
    many_processes,
)


def main() -> None:
    """Try each; an attempt that is refused has failed, however it was refused."""
    spec = json.loads(sys.argv[1])
    done = []
    for attempt in ATTEMPTS:
        try:
            if attempt(spec):
                done.append(attempt.__name__)
        except (OSError, AttributeError):
            continue
    Path(spec["answer"]).write_text(json.dumps(done))


if __name__ == "__main__":
    main()
