"""Services as forks of one process that has imported them: five services for one import.

Python's own fork server (`multiprocessing`, start method `forkserver`) imports the services once;
each service is a fork of it. That saves most of the time that a stack takes to start, and the
memory of what they import is shared. See docs/decisions/0031.
"""

import asyncio
import ctypes
import multiprocessing
import os
import runpy
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from setproctitle import setproctitle

from shared.sandbox.processes import PR_SET_PDEATHSIG, prctl

M_ARENA_MAX, MAX_ARENAS = -8, 2


def start_fork_server(services: Sequence[str]) -> None:
    """Start the fork server, which begins to import the services.

    It ends with the thread that calls this, or earlier; the services that it forked end with it.
    """
    mains = [f"services.{name}.main" for name in services]
    modules = ["deploy.fork_server", __name__, *mains, "deploy.bundled_types"]
    forkserver.set_forkserver_preload(modules)
    forkserver.ensure_running()


class ForkedService:
    """A running service that was forked; like `asyncio.subprocess.Process`, as far as needed."""

    def __init__(self, process: ForkServerProcess) -> None:
        assert process.pid is not None
        self.pid: int = process.pid
        self._process = process

    @classmethod
    async def start(
        cls,
        module: str,
        log: Path,
        env: Mapping[str, str],
        title: str,
        arguments: Sequence[str] = (),
    ) -> "ForkedService":
        """Fork a service that runs `module` as `python -m` does, with these arguments.

        Its output is appended to `log`; `env` is its whole environment; `title` is shown by ps and
        top.
        """
        context = multiprocessing.get_context("forkserver")
        given = (module, tuple(arguments), str(log), dict(env), title)
        process = context.Process(target=_run, args=given, name=module, daemon=True)
        await asyncio.to_thread(process.start)  # the first one waits for the imports
        return cls(process)

    @property
    def returncode(self) -> int | None:
        """Return the exit code, negative for a signal, or `None` while it runs."""
        return self._process.exitcode

    async def wait(self) -> int:
        """Return the exit code when the service has ended."""
        while (code := self._process.exitcode) is None:
            await _wait_until_readable(self._process.sentinel)
        return code


async def _wait_until_readable(descriptor: int) -> None:
    """Wait until the descriptor can be read."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    # A descriptor has one reader at a time, and both `supervise` and `stop` may wait.
    own = os.dup(descriptor)
    loop.add_reader(own, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(own)
        os.close(own)


def _run(module: str, arguments: Sequence[str], log: str, env: dict[str, str], title: str) -> None:
    """Run the module in this fork: a session, an environment and output of its own."""
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, MAX_ARENAS)
        die_with_parent(os.getppid())()
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    for standard, descriptor in enumerate((nothing, output, output)):
        os.dup2(descriptor, standard)
    os.close(output)
    os.close(nothing)
    setproctitle(title)  # before the environment changes: it is found by its address
    os.environ.clear()
    os.environ.update(env)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__")


def die_with_parent(parent: int) -> Callable[[], None]:
    """Return a function for a forked child that makes the kernel send it SIGTERM when we end.

    Linux only.
    """

    def request_signal() -> None:
        """Request the signal; exit at once if the parent has ended already."""
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # the parent ended before the request
            os._exit(1)

    return request_signal
