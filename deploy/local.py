"""The stack on one machine: NATS, a MongoDB wire, and the five services as processes.

One stack per home. Whoever finds the home's stack running talks to that one.
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

from deploy.processes import Process, Say, tail
from shared.kernel.errors import Conflict, GroundswellError, Rejected

SERVICES = ("coordinator", "agents", "resolver", "validator", "api")
CONF = Path(__file__).parent / "nats" / "embedded.conf"
# Below the first nothing is begun, below the second what was begun is ended while that still works.
LEAST_FREE, TOO_LITTLE = 300 << 20, 50 << 20
LOOK = 1.0
PATIENCE = 60.0
HOST = "127.0.0.1"


class StackFailed(GroundswellError):
    """The stack could not be brought up, or fell down for good."""

    code = "stack_failed"


@dataclass(frozen=True)
class Stack:
    """Where a running stack is. `pid` is the process that owns it."""

    api_url: str
    nats_url: str
    mongo_url: str
    home: str
    pid: int


def running_stack(home: Path) -> Stack | None:
    """The stack of this home, if one is up."""
    return _read(home) if lock_is_held(home) else None


def lock_is_held(home: Path) -> bool:
    """Whether a process owns this home's stack, or is just bringing it up."""
    path = home / "stack.lock"
    if not path.exists():
        return False
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def _read(home: Path) -> Stack | None:
    try:
        return Stack(**json.loads((home / "stack.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


@asynccontextmanager
async def local_stack(home: Path, say: Say, *, api_port: int = 0) -> AsyncIterator[Stack]:
    """Bring the stack up, keep it up, and take it down at the end, whatever the end is.

    Raises `Conflict` where another process has this home's stack, `Rejected` where the machine
    does not allow one, `StackFailed` where it does not come up.
    """
    _check(home, api_port)
    lock = FileLock(home / "stack.lock")
    try:
        # Not at once: somebody may be just looking whether it is held.
        lock.acquire(timeout=0.5)
    except Timeout as error:
        raise Conflict(
            f"A stack is running in {home} already.",
            hint="Use that one, or set GROUNDSWELL_HOME to another directory.",
            code="stack_running",
        ) from error
    processes: list[Process] = []
    watchers: list[asyncio.Task[None]] = []
    trouble: list[StackFailed] = []
    owner = asyncio.current_task()
    assert owner is not None
    try:
        (home / "stack.json").unlink(missing_ok=True)
        stack = _plan(home, api_port)
        processes = _processes(stack, home)
        for each in processes:
            await each.start()
        watchers = [asyncio.create_task(each.supervise(say)) for each in processes]
        watchers.append(asyncio.create_task(_watch_disk(home, owner, trouble)))
        await _await_ready(stack, processes)
        _announce(stack, home)
        yield stack
    except asyncio.CancelledError:
        if not trouble:
            raise
        owner.uncancel()
        raise trouble[0] from None
    finally:
        (home / "stack.json").unlink(missing_ok=True)
        await asyncio.shield(_take_down(processes, watchers))
        lock.release()


def _check(home: Path, api_port: int) -> None:
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
    if free < LEAST_FREE:
        raise _disk_full(home, free)
    if api_port and not _is_free(api_port):
        raise Conflict(
            f"Port {api_port} is taken.",
            hint="Choose another one with --port, or --port 0 for any that is free.",
            code="port_taken",
        )


def _disk_full(home: Path, free: int) -> StackFailed:
    return StackFailed(
        f"Only {free >> 20} MB are free in {home}; {LEAST_FREE >> 20} are needed.",
        hint="Make room, or set GROUNDSWELL_HOME to a directory on another disk.",
        code="disk_full",
    )


async def _watch_disk(
    home: Path, owner: "asyncio.Task[object]", trouble: list[StackFailed]
) -> None:
    """End the owner while there is room to end it well: servers on a full disk only break."""
    while True:
        free = shutil.disk_usage(home).free
        if free < TOO_LITTLE:
            trouble.append(_disk_full(home, free))
            owner.cancel()
            return
        await asyncio.sleep(LOOK)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on; held together, so that they differ."""
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
    """What has to run; the servers only where no address of a real one was given."""
    logs = home / "logs"
    found = []
    if not os.environ.get("GROUNDSWELL_NATS_URL"):
        port = stack.nats_url.rpartition(":")[2]
        argv = [program("nats-server"), "-c", str(CONF), "-a", HOST, "-p", port]
        argv += ["-sd", str(home / "nats")]
        found.append(Process("nats-server", argv, logs / "nats-server.log"))
    if not os.environ.get("GROUNDSWELL_MONGO_URL"):
        port = stack.mongo_url.rpartition(":")[2]
        argv = [program("secantusd-py"), "--host", HOST, "--port", port, "--sync-on-commit"]
        argv += ["--storage-path", str(home / "mongo"), "--cache-size", "64M"]
        argv += ["--log-level", "WARNING"]
        found.append(Process("secantusd-py", argv, logs / "secantusd-py.log", knock=int(port)))
    env = {
        "GROUNDSWELL_NATS_URL": stack.nats_url,
        "GROUNDSWELL_MONGO_URL": stack.mongo_url,
        "GROUNDSWELL_HOME": stack.home,
        "GROUNDSWELL_API_HOST": HOST,
        "GROUNDSWELL_API_PORT": stack.api_url.rpartition(":")[2],
        "GROUNDSWELL_PROVISION": "true",
        "MALLOC_ARENA_MAX": "2",
    }
    for name in SERVICES:
        argv = [sys.executable, "-m", f"services.{name}"]
        # Only who opens pull requests is told the secret of it.
        told = env if name == "validator" else {**env, "GROUNDSWELL_FORGE_TOKEN": ""}
        found.append(Process(name, argv, logs / f"{name}.log", told))
    return found


def program(name: str) -> str:
    """A program of the `embedded` extra: beside our Python, else on PATH. Raises `Rejected`."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise Rejected(
            f"{name} is not installed.",
            hint="Install groundswell[embedded], or set GROUNDSWELL_NATS_URL and GROUNDSWELL_MONGO_URL.",
            code="not_installed",
        )
    return found


async def _await_ready(stack: Stack, processes: list[Process]) -> None:
    """Until the API says that all five services, NATS and the database answer."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    missing = "the API"
    async with httpx.AsyncClient(base_url=stack.api_url, timeout=2, trust_env=False) as client:
        while loop.time() < deadline:
            with suppress(httpx.HTTPError):
                answer = await client.get("/health/ready")
                if answer.status_code == httpx.codes.OK:
                    return
                missing = str(answer.json().get("detail", missing))
            dying = next((each for each in processes if each.starts > 3), None)  # noqa: PLR2004
            if dying is not None:
                raise StackFailed(f"{dying.name} does not start.", hint=tail(dying.log))
            await asyncio.sleep(0.05)
    raise StackFailed(
        f"The stack was not ready after {PATIENCE:.0f} s: {missing}",
        hint=f"Logs: {Path(stack.home) / 'logs'}",
    )


def _announce(stack: Stack, home: Path) -> None:
    unfinished = home / "stack.json.new"
    unfinished.write_text(json.dumps(asdict(stack)))
    unfinished.replace(home / "stack.json")


async def _take_down(processes: list[Process], watchers: list[asyncio.Task[None]]) -> None:
    """The services first, while the servers they say goodbye to are there."""
    for each in watchers:
        each.cancel()
    await asyncio.gather(*watchers, return_exceptions=True)
    services = [each for each in processes if each.name in SERVICES]
    servers = [each for each in processes if each.name not in SERVICES]
    await asyncio.gather(*(each.stop() for each in services))
    await asyncio.gather(*(each.stop() for each in servers))
