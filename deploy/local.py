"""The stack on one machine: NATS, a MongoDB wire, and the five services as processes.

A home directory has at most one running stack, which all commands for that home use.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx

from deploy.credentials import load_credentials
from deploy.forked import start_fork_server
from deploy.homes import (
    CRITICAL_FREE_BYTES,
    Stack,
    StackFailed,
    check_port,
    disk_full,
    lock_home,
    prepare_home,
    remove_stack,
    write_stack,
)
from deploy.processes import Notify, Process, tail
from deploy.programs import SERVICES, plan_stack, stack_programs

DISK_CHECK_SECONDS = 1.0
READY_TIMEOUT_SECONDS = 60.0
READY_POLL_SECONDS = 0.05
MAX_STARTS_BEFORE_READY = 3


@asynccontextmanager
async def local_stack(home: Path, notify: Notify, *, api_port: int = 0) -> AsyncIterator[Stack]:
    """Start a stack, supervise it for the `async with` block, and stop it after the block.

    `notify` is called with a sentence for people when a process is restarted. `api_port` 0 is any
    free port. Raises `Conflict` where the home's stack or the port is taken, `Rejected` where the
    machine allows none, `StackFailed` where it is not ready in time, or later the disk is nearly
    full.
    """
    prepare_home(home)
    check_port(api_port)
    lock = lock_home(home)
    processes: list[Process] = []
    watchers: list[asyncio.Task[None]] = []
    failures: list[StackFailed] = []
    owner = asyncio.current_task()
    assert owner is not None
    try:
        remove_stack(home)
        credentials = load_credentials(home)
        stack = plan_stack(home, api_port, credentials)
        start_fork_server(SERVICES)
        processes = stack_programs(stack, home, credentials)
        for each in processes:
            await each.start()
        watchers = [asyncio.create_task(each.supervise(notify)) for each in processes]
        watchers.append(asyncio.create_task(_watch_disk(home, owner, failures)))
        await _await_ready(stack, processes)
        write_stack(stack, home)
        yield stack
    except asyncio.CancelledError:
        if not failures:
            raise
        owner.uncancel()
        raise failures[0] from None
    finally:
        remove_stack(home)
        await asyncio.shield(_stop(processes, watchers))
        lock.release()


async def _watch_disk(
    home: Path, owner: "asyncio.Task[object]", failures: list[StackFailed]
) -> None:
    """Cancel the owner, with the reason in `failures`, once the disk is nearly full.

    Servers on a full disk lose data.
    """
    while True:
        free = shutil.disk_usage(home).free
        if free < CRITICAL_FREE_BYTES:
            failures.append(disk_full(home, free))
            owner.cancel()
            return
        await asyncio.sleep(DISK_CHECK_SECONDS)


async def _await_ready(stack: Stack, processes: list[Process]) -> None:
    """Wait until the API reports that all services, NATS and the database answer.

    Raises `StackFailed` if that takes too long, or a process ends again and again.
    """
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


async def _stop(processes: list[Process], watchers: list[asyncio.Task[None]]) -> None:
    """Stop the services first, while the servers that they talk to are still up."""
    for each in watchers:
        each.cancel()
    await asyncio.gather(*watchers, return_exceptions=True)
    services = [each for each in processes if each.name in SERVICES]
    servers = [each for each in processes if each.name not in SERVICES]
    await asyncio.gather(*(each.stop() for each in services))
    await asyncio.gather(*(each.stop() for each in servers))
