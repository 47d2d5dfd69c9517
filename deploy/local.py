"""The stack on one machine: NATS, a MongoDB wire, and the five services as processes.

A home directory has at most one running stack, which all commands for that home use.
"""

import asyncio
import json
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
from filelock import FileLock, Timeout

from deploy.forked import start_fork_server
from deploy.processes import Notify, Process, ServiceProcess, tail
from shared.kernel.errors import Conflict, GroundswellError, Rejected

SERVICES = ("coordinator", "agents", "resolver", "validator", "api")
NATS_CONFIG = Path(__file__).parent / "nats" / "embedded.conf"
# Below these a stack is not started, and is stopped while that still works.
MIN_FREE_BYTES, CRITICAL_FREE_BYTES = 300 << 20, 50 << 20
DISK_CHECK_SECONDS = 1.0
READY_TIMEOUT_SECONDS, READY_POLL_SECONDS = 60.0, 0.05
LOCK_TIMEOUT_SECONDS = 0.5
MAX_STARTS_BEFORE_READY = 3
HOST = "127.0.0.1"


class StackFailed(GroundswellError):
    """The stack could not be started, or one of its parts failed for good."""

    code = "stack_failed"


@dataclass(frozen=True)
class Stack:
    """The addresses of a running stack; `pid` is the process that owns it."""

    api_url: str
    nats_url: str
    mongo_url: str
    home: str
    pid: int


def find_running_stack(home: Path) -> Stack | None:
    """Return the running stack of a home directory, if there is one."""
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
    try:
        return Stack(**json.loads((home / "stack.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


@asynccontextmanager
async def local_stack(home: Path, notify: Notify, *, api_port: int = 0) -> AsyncIterator[Stack]:
    """Start a stack, supervise it for the `async with` block, and stop it after the block.

    `notify` is called with a sentence for people when a process is restarted. `api_port` 0 is any
    free port. Raises `Conflict` where another process has this home's stack, `Rejected` where the
    machine does not allow one, `StackFailed` where it does not become ready.
    """
    _check(home, api_port)
    lock = _lock_home(home)
    processes: list[Process] = []
    watchers: list[asyncio.Task[None]] = []
    failures: list[StackFailed] = []
    owner = asyncio.current_task()
    assert owner is not None
    try:
        (home / "stack.json").unlink(missing_ok=True)
        stack = _plan(home, api_port)
        start_fork_server(SERVICES)
        processes = _processes(stack, home)
        for each in processes:
            await each.start()
        watchers = [asyncio.create_task(each.supervise(notify)) for each in processes]
        watchers.append(asyncio.create_task(_watch_disk(home, owner, failures)))
        await _await_ready(stack, processes)
        _write_stack(stack, home)
        yield stack
    except asyncio.CancelledError:
        if not failures:
            raise
        owner.uncancel()
        raise failures[0] from None
    finally:
        (home / "stack.json").unlink(missing_ok=True)
        await asyncio.shield(_stop(processes, watchers))
        lock.release()


def _lock_home(home: Path) -> FileLock:
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


def _check(home: Path, api_port: int) -> None:
    """Raise unless the home directory, the disk and the port allow a stack."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        (home / "logs").mkdir(exist_ok=True)
    except OSError as error:
        raise Rejected(
            f"{home} cannot be used: {error.strerror}.",
            hint="Set GROUNDSWELL_HOME to a directory that you may write to.",
            code="home_unusable",
        ) from error
    free = shutil.disk_usage(home).free
    if free < MIN_FREE_BYTES:
        raise _disk_full(home, free)
    if api_port and not _is_free(api_port):
        raise Conflict(
            f"Port {api_port} is taken.",
            hint="Choose another one with --port, or --port 0 for any free one.",
            code="port_taken",
        )


def _disk_full(home: Path, free: int) -> StackFailed:
    return StackFailed(
        f"Only {free >> 20} MB are free in {home}; {MIN_FREE_BYTES >> 20} are needed.",
        hint="Make room, or set GROUNDSWELL_HOME to a directory on another disk.",
        code="disk_full",
    )


async def _watch_disk(
    home: Path, owner: "asyncio.Task[object]", failures: list[StackFailed]
) -> None:
    """Cancel the owner when the disk is nearly full, as servers on a full disk lose data."""
    while True:
        free = shutil.disk_usage(home).free
        if free < CRITICAL_FREE_BYTES:
            failures.append(_disk_full(home, free))
            owner.cancel()
            return
        await asyncio.sleep(DISK_CHECK_SECONDS)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_ports(count: int) -> list[int]:
    """Return free ports; all are held while they are chosen, so that they differ."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((HOST, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _plan(home: Path, api_port: int) -> Stack:
    nats_port, mongo_port, free_port = _free_ports(3)
    return Stack(
        api_url=f"http://{HOST}:{api_port or free_port}",
        nats_url=os.environ.get("GROUNDSWELL_NATS_URL") or f"nats://{HOST}:{nats_port}",
        mongo_url=os.environ.get("GROUNDSWELL_MONGO_URL") or f"mongodb://{HOST}:{mongo_port}",
        home=str(home),
        pid=os.getpid(),
    )


def _processes(stack: Stack, home: Path) -> list[Process]:
    """Return the processes to run; servers only where the environment names none."""
    logs = home / "logs"
    found = []
    if not os.environ.get("GROUNDSWELL_NATS_URL"):
        argv = [find_program("nats-server"), "-c", str(NATS_CONFIG), "-a", HOST]
        argv += ["-p", _port_of(stack.nats_url), "-sd", str(home / "nats")]
        found.append(Process("nats-server", argv, logs / "nats-server.log"))
    if not os.environ.get("GROUNDSWELL_MONGO_URL"):
        port = _port_of(stack.mongo_url)
        argv = [find_program("secantusd-py"), "--host", HOST, "--port", port, "--sync-on-commit"]
        argv += ["--storage-path", str(home / "mongo"), "--cache-size", "64M"]
        argv += ["--log-level", "WARNING"]
        log = logs / "secantusd-py.log"
        found.append(Process("secantusd-py", argv, log, wake_port=int(port)))
    return [*found, *(_service_process(name, stack, logs) for name in SERVICES)]


def _service_process(name: str, stack: Stack, logs: Path) -> Process:
    env = {
        "GROUNDSWELL_NATS_URL": stack.nats_url,
        "GROUNDSWELL_MONGO_URL": stack.mongo_url,
        "GROUNDSWELL_HOME": stack.home,
        "GROUNDSWELL_API_HOST": HOST,
        "GROUNDSWELL_API_PORT": _port_of(stack.api_url),
        "GROUNDSWELL_PROVISION": "true",
    }
    if name != "validator":
        # The token of the forge is passed on only to the service that opens pull requests.
        env["GROUNDSWELL_FORGE_TOKEN"] = ""
    title = ["groundswell", f"services.{name}", stack.home]
    return ServiceProcess(name, title, logs / f"{name}.log", env)


def _port_of(url: str) -> str:
    return url.rpartition(":")[2]


def find_program(name: str) -> str:
    """Return the path of a program of the `embedded` extra: next to our Python, else on PATH.

    Raises `Rejected`.
    """
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise Rejected(
            f"{name} is not installed.",
            hint="Install groundswell[embedded], or set GROUNDSWELL_NATS_URL and "
            "GROUNDSWELL_MONGO_URL.",
            code="not_installed",
        )
    return found


async def _await_ready(stack: Stack, processes: list[Process]) -> None:
    """Wait until the API reports that all services, NATS and the database answer."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + READY_TIMEOUT_SECONDS
    missing = "the API"
    async with httpx.AsyncClient(base_url=stack.api_url, timeout=2, trust_env=False) as client:
        while loop.time() < deadline:
            with suppress(httpx.HTTPError):
                answer = await client.get("/health/ready")
                if answer.status_code == httpx.codes.OK:
                    return
                missing = str(answer.json().get("detail", missing))
            failing = next(
                (each for each in processes if each.starts > MAX_STARTS_BEFORE_READY), None
            )
            if failing is not None:
                raise StackFailed(f"{failing.name} does not start.", hint=tail(failing.log))
            await asyncio.sleep(READY_POLL_SECONDS)
    raise StackFailed(
        f"The stack was not ready after {READY_TIMEOUT_SECONDS:.0f} s: {missing}",
        hint=f"Logs: {Path(stack.home) / 'logs'}",
    )


def _write_stack(stack: Stack, home: Path) -> None:
    """Write the stack's addresses to the home directory, where commands look for them."""
    unfinished = home / "stack.json.new"
    unfinished.write_text(json.dumps(asdict(stack)))
    unfinished.replace(home / "stack.json")


async def _stop(processes: list[Process], watchers: list[asyncio.Task[None]]) -> None:
    """Stop the services first, while the servers that they talk to are still up."""
    for each in watchers:
        each.cancel()
    await asyncio.gather(*watchers, return_exceptions=True)
    services = [each for each in processes if each.name in SERVICES]
    servers = [each for each in processes if each.name not in SERVICES]
    await asyncio.gather(*(each.stop() for each in services))
    await asyncio.gather(*(each.stop() for each in servers))
