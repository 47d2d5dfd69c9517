"""A real stack for benchmarks of the gate: its surroundings, its store, a target, and waiting."""

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from nats.aio.client import Client

from bench.gate_documents import cleared_enhancement, new_wave, proposed_task
from deploy.credentials import load_credentials
from deploy.homes import Stack
from deploy.programs import nats_url_as, service_variables
from shared.contracts.commands import RunBaseline
from shared.contracts.documents.storage import Patch
from shared.contracts.documents.targets import Target
from shared.contracts.documents.waves import Wave
from shared.contracts.states import RunState
from shared.kernel.clock import utc_now
from shared.kernel.ids import uuid7
from shared.messaging.bus import Bus
from shared.messaging.connection import connect_once
from shared.mongo.client import connected
from shared.mongo.collections import Store, open_store
from shared.targets.git import git
from shared.targets.mirror import Mirror

WAIT_TIMEOUT_SECONDS = 900.0
POLL_INTERVAL_SECONDS = 0.1
LOG_NAME = "validator-2.log"


@dataclass(frozen=True)
class Submission:
    """A proposal as it is put before the gate. Component and path name what it changes."""

    title: str
    component: str
    path: str
    patch: str


@contextmanager
def one_core_per_process(directory: Path) -> Iterator[None]:
    """Give every validator process one core, handed out among the processes of this benchmark.

    The environment variables are inherited by processes started inside the block, and are restored
    at its end. The files that hand out the cores are in `directory`.
    """
    variables = {"GROUNDSWELL_CORES": "1", "GROUNDSWELL_SLOTS": str(directory / "slots")}
    before = {each: os.environ.get(each) for each in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


@asynccontextmanager
async def stack_store(stack: Stack) -> AsyncIterator[Store]:
    """Open the store of a running stack."""
    async with connected(stack.mongo_url) as database:
        yield open_store(database)


@contextmanager
def extra_validators(count: int, stack: Stack) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Run `count` validator processes beside the one of the stack, on its broker and database."""
    credentials = load_credentials(Path(stack.home))
    variables = service_variables("validator", stack, credentials)
    argv = [sys.executable, "-m", "services.validator"]
    log = (Path(stack.home) / "logs" / LOG_NAME).open("wb")
    started = [
        subprocess.Popen(argv, env={**os.environ, **variables}, stdout=log, stderr=log)
        for _ in range(count)
    ]
    try:
        yield started
    finally:
        for each in started:
            each.terminate()
            each.wait()
        log.close()


async def register_target(path: Path, stack: Stack, store: Store) -> Target:
    """Register the repository at `path`, build its environment, and run its baseline."""
    target = Target(
        id=uuid7(),
        location=str(path),
        root_commit=git(path, "rev-parse", "HEAD").strip(),
        name=path.name,
        base_branch="main",
        landing_branch="groundswell/main",
        created_at=utc_now(),
    )
    await store.targets.insert(target)
    Mirror.at(Path(stack.home), target.id).fetch(target.location)
    await run_baseline(target, stack, store)
    return target


async def connect_as_validator(stack: Stack) -> Client:
    """Connect to the stack's NATS with the rights of the validator, which may request runs."""
    credentials = load_credentials(Path(stack.home))
    return await connect_once(nats_url_as("validator", stack.nats_url, credentials), "validator")


async def run_baseline(target: Target, stack: Stack, store: Store) -> None:
    """Request the baseline of a target's root commit and wait until it has finished."""
    wave = new_wave(target)
    client = await connect_once(stack.nats_url)
    bus = Bus(client, source="bench", clock=utc_now, new_id=uuid7)
    command = RunBaseline(wave_id=wave.id, target_id=target.id, commit=target.root_commit)
    await bus.publish(command, key=wave.id)
    await wait_until(lambda: store.runs.count(state=RunState.FINISHED))
    await client.close()


async def submit(wave: Wave, proposals: Sequence[Submission], store: Store) -> None:
    """Store all proposals as cleared changes; the gate ignores them until the wave is stored."""
    changes = []
    for number, each in enumerate(proposals):
        scope = {"component": each.component, "paths": (f"/{each.path}",)}
        task = proposed_task(number, wave).model_copy(update=scope)
        digest = hashlib.sha256(each.patch.encode()).hexdigest()
        await store.tasks.insert(task)
        await store.patches.insert(Patch(id=digest, text=each.patch, created_at=utc_now()))
        changes.append(
            cleared_enhancement(
                f"bench-{number}", task, title=each.title, path=each.path, patch_digest=digest
            )
        )
    await store.waves.insert(wave)
    await store.enhancements.insert_missing(changes)


async def wait_until(condition: Callable[[], Awaitable[object]]) -> None:
    """Poll until the condition is truthy; raises TimeoutError after `WAIT_TIMEOUT_SECONDS`."""
    async with asyncio.timeout(WAIT_TIMEOUT_SECONDS):
        while True:
            if await condition():
                return
            await asyncio.sleep(POLL_INTERVAL_SECONDS)
