"""The intruder: a program that a probe runs in a sandbox, which attempts what none may permit.

It runs without imports of ours: `python -I intruder.py SPECIFICATION`. The specification is JSON:
the decoys on this machine to attack. It writes the names of the attempts that succeeded, as JSON,
to the file that the specification names as its answer.
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

# It succeeded if its result is true; it failed if that is false, or if it raises an error.
Attempt = Callable[[dict[str, str]], object]
CONNECT_TIMEOUT_SECONDS = 0.5
PTRACE_ATTACH = 16
CLONE_NEWUSER = 0x10000000
CLONE_NEWNS = 0x00020000
AF_VSOCK = 40


def read_a_file(spec: dict[str, str]) -> object:
    """Read a file of the host that every user may read."""
    return Path(spec["file"]).read_text() == spec["secret"]


def write_a_file(spec: dict[str, str]) -> object:
    """Write to a directory of the host that every user may write to."""
    Path(spec["open"], "intrusion").write_text("written")
    return Path(spec["open"], "canary").exists()


def read_an_environment(spec: dict[str, str]) -> object:
    """Read a secret in the environment of any process."""
    for each in Path("/proc").glob("[0-9]*/environ"):
        try:
            if spec["secret"].encode() in each.read_bytes():
                return True
        except OSError:
            continue
    return False


def connect_by_address(spec: dict[str, str]) -> object:
    """Connect to a server on the host's loopback interface."""
    with socket.create_connection(("127.0.0.1", int(spec["port"])), CONNECT_TIMEOUT_SECONDS):
        return True


def connect_by_name(spec: dict[str, str]) -> object:
    """Connect to a server on an abstract socket, which is in no file system."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(CONNECT_TIMEOUT_SECONDS)
        client.connect("\0" + spec["abstract"])
    return True


def connect_by_path(spec: dict[str, str]) -> object:
    """Connect to a server on a socket in the host's file system."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(CONNECT_TIMEOUT_SECONDS)
        client.connect(spec["socket"])
    return True


def talk_to_the_hypervisor(_: dict[str, str]) -> object:
    """Open a socket of the family AF_VSOCK, which no namespace isolates."""
    socket.socket(AF_VSOCK, socket.SOCK_STREAM).close()
    return True


def signal_the_host(spec: dict[str, str]) -> object:
    """Send a signal to a process outside."""
    os.kill(int(spec["process"]), signal.SIGUSR1)
    return True


def trace_the_host(spec: dict[str, str]) -> object:
    """Attach to a process outside by ptrace."""
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.ptrace(PTRACE_ATTACH, int(spec["process"]), 0, 0) == 0


def make_a_namespace(_: dict[str, str]) -> object:
    """Create a user namespace, which exposes much of the kernel's attack surface."""
    return ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0


def change_the_kernel(_: dict[str, str]) -> object:
    """Open for writing what the kernel runs on the host when a program crashes."""
    with Path("/proc/sys/kernel/core_pattern").open("r+") as file:
        return bool(file)


def leave_a_daemon(spec: dict[str, str]) -> object:
    """Start a daemon. It never counts as a success here: the probe checks whether it survived."""
    subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(300)", spec["mark"]],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
    )
    return False


def many_processes(spec: dict[str, str]) -> object:
    """Have more processes than allowed alive at the same time."""
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
    """Make every attempt; one that raises an error has failed, whatever the error."""
    spec = json.loads(sys.argv[1])
    succeeded = []
    for attempt in ATTEMPTS:
        try:
            if attempt(spec):
                succeeded.append(attempt.__name__)
        except (OSError, AttributeError):
            continue
    Path(spec["answer"]).write_text(json.dumps(succeeded))


if __name__ == "__main__":
    main()
