"""`groundswell` commands as forks of one process that has imported the CLI and what a stack runs.

A command then starts in hundredths of a second, and a stack in a fraction of the time, where
importing them takes seconds of CPU time. Apart from that a command is what `python -m cli` is: a
process with an environment, working directory, session and output of its own.

Each process of tests has one such server (`python -m tests.support.forked SOCKET`). It is started
with the first command, and ends with its standard input.
"""

import array
import atexit
import functools
import gc
import importlib
import json
import multiprocessing.util
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, cast

from setproctitle import getproctitle

from deploy.forked import ForkedService
from deploy.processes import Child, Process

spawn_program = Process.spawn
ROOT = Path(__file__).parent.parent.parent
SERVICES = ("agents", "api", "coordinator", "resolver", "validator")
DATABASE = "deploy.secantusd"
PRELOADED = ("cli.main", "deploy.local", DATABASE, *(f"services.{name}.main" for name in SERVICES))
DESCRIPTORS = 2
READY = b"ready\n"


class ForkedCommand:
    """A running command; like `subprocess.Popen` with text pipes, as far as tests need."""

    def __init__(
        self, arguments: Sequence[str], cwd: Path, env: Mapping[str, str], *, session: bool
    ) -> None:
        self.args, self.returncode = list(arguments), cast("int | None", None)
        self._answers = socket.socket(socket.AF_UNIX)
        self._answers.connect(_server())
        out, err = os.pipe(), os.pipe()
        request = {"arguments": self.args, "cwd": str(cwd), "env": dict(env), "session": session}
        message = json.dumps(request).encode()
        socket.send_fds(self._answers, [b"%010d" % len(message)], [out[1], err[1]])
        self._answers.sendall(message)
        os.close(out[1])
        os.close(err[1])
        self._reader = self._answers.makefile()
        self.pid = int(self._reader.readline())
        self.stdout: IO[str] = os.fdopen(out[0])
        self.stderr: IO[str] = os.fdopen(err[0])

    def poll(self) -> int | None:
        """Return the exit code, or `None` while the command runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code. Raises `subprocess.TimeoutExpired` after `timeout` seconds."""
        if self.returncode is None:
            with selectors.DefaultSelector() as ready:
                ready.register(self._answers, selectors.EVENT_READ)
                if not ready.select(timeout):
                    raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = int(self._reader.readline())
            self._answers.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Return the output and the errors once the command has ended.

        Raises `subprocess.TimeoutExpired` after `timeout` seconds.
        """
        texts: dict[str, str] = {}
        readers = [
            threading.Thread(target=lambda n=n, s=s: texts.update({n: s.read()}), daemon=True)
            for n, s in (("out", self.stdout), ("err", self.stderr))
        ]
        for each in readers:
            each.start()
        self.wait(timeout)
        for each in readers:
            each.join(10)
        return texts.get("out", ""), texts.get("err", "")

    def send_signal(self, number: int) -> None:
        """Send the command a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send the command SIGTERM, unless it has ended."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send the command SIGKILL, unless it has ended."""
        self.send_signal(signal.SIGKILL)


def run_forked(
    arguments: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, like `subprocess.run` with its output captured as text."""
    command = ForkedCommand(arguments, cwd, env, session=False)
    try:
        out, err = command.communicate(timeout)
    except subprocess.TimeoutExpired:
        command.kill()
        raise
    return subprocess.CompletedProcess(command.args, command.wait(), out, err)


@functools.lru_cache(maxsize=1)
def _server() -> str:
    """Start the server of this process; return the path of its socket."""
    place = str(Path(tempfile.mkdtemp(prefix="forked-")) / "socket")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.forked", place],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    atexit.register(cast("IO[bytes]", process.stdin).close)
    assert cast("IO[bytes]", process.stdout).readline() == READY
    return place


class _Server:
    """Forks a command for each connection, and answers with its process id and its exit code."""

    def __init__(self, place: str) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(place)
        self.listener.listen(64)
        self.running: dict[int, socket.socket] = {}
        self.ended, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> dict[str, Any] | None:
        """Serve until standard input ends; in each fork, return what is requested of it."""
        ready = selectors.DefaultSelector()
        for each in (0, self.ended, self.listener):
            ready.register(each, selectors.EVENT_READ)
        while True:
            found = {key.fileobj for key, _ in ready.select()}
            if self.ended in found:
                os.read(self.ended, 4096)
                self._report_ended()
            if self.listener in found and (request := self._accept()) is not None:
                ready.close()
                return request
            if 0 in found:
                return None

    def _report_ended(self) -> None:
        """Send the exit code of each fork that has ended."""
        while self.running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            with self.running.pop(pid) as connection:
                connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))

    def _accept(self) -> dict[str, Any] | None:
        """Fork for a connection; return the request in the fork, nothing in the server."""
        connection, _ = self.listener.accept()
        size = array.array("i").itemsize * DESCRIPTORS
        head, descriptors, _, _ = socket.recv_fds(connection, 10, size)
        request: dict[str, Any] = json.loads(_received(connection, int(head)))
        pid = os.fork()
        if not pid:
            self._become(request, descriptors)
            return request
        for each in descriptors:
            os.close(each)
        self.running[pid] = connection
        connection.sendall(b"%d\n" % pid)
        return None

    def _become(self, request: Mapping[str, Any], descriptors: Sequence[int]) -> None:
        """Make this fork the process that was requested."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if request["session"]:
            os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for standard, descriptor in enumerate((nothing, *descriptors)):
            os.dup2(descriptor, standard)
        os.closerange(3, 1024)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])


def _received(connection: socket.socket, size: int) -> bytes:
    """Return the next `size` bytes."""
    found = b""
    while len(found) < size:
        found += connection.recv(size - len(found))
    return found


def _spawn_by_fork(_path: object, arguments: Sequence[str], kept: Sequence[int]) -> int:
    """Fork where `multiprocessing` would start a Python with `-c CODE`; return the process id."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        low = 3
        for each in sorted(int(each) for each in kept):
            os.closerange(low, each)
            low = each + 1
        os.closerange(low, 1024)
        exec(str(arguments[-1]), {})  # the code of `multiprocessing` itself
        code = 0
    finally:
        os._exit(code)


async def _spawn(process: Process) -> Child:
    """Start a supervised program: the embedded database as a fork, any other as always."""
    if list(process.argv[1:3]) != ["-m", DATABASE]:
        return await spawn_program(process)
    env = {**os.environ, **process.env}
    return await ForkedService.start(
        DATABASE, process.log, env, " ".join(process.argv), process.argv[3:]
    )


def main(place: str) -> None:
    """Serve; in the forks, run the commands."""
    for each in PRELOADED:
        importlib.import_module(each)
    getproctitle()  # it finds the arguments' memory by that of the environment, as yet unchanged
    gc.freeze()
    server = _Server(place)
    os.write(sys.stdout.fileno(), READY)
    request = server.serve()
    if request is not None:
        multiprocessing.util.spawnv_passfds = _spawn_by_fork
        Process.spawn = _spawn  # type: ignore[method-assign]
        sys.argv = ["groundswell", *request["arguments"]]
        runpy.run_module("cli", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1])
