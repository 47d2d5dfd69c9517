"""Runs two versions of a workflow in n8n, as one scratch workflow, and compares their nodes."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog

from services.validator.workflows.domain.harness import (
    Harness,
    NotRunnable,
    Pins,
    as_imported,
    build_harness,
    read_pins,
)
from services.validator.workflows.domain.live import LiveWorkflow, WorkflowExecution
from services.validator.workflows.domain.pairs import WorkflowPair
from services.validator.workflows.domain.recordings import (
    Recording,
    differing_nodes,
    read_recording,
    recorded_nodes,
)
from services.validator.workflows.domain.words import listed, summarize
from services.validator.workflows.ports import REFUSED, WorkflowServer
from shared.detectors.n8n.workflow import Workflow
from shared.kernel.errors import GroundswellError, Rejected

log = structlog.get_logger(__name__)

SCRATCH_PREFIX = "groundswell scratch "
# One that is older was left behind by a process that was killed.
MAX_SCRATCH_AGE = timedelta(hours=1)
DELETE_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Comparison:
    """What two versions of a workflow did; `nodes` are those that differ, by their new names."""

    state: Literal["same", "different", "refused", "unmeasured"]
    summary: str
    nodes: tuple[str, ...] = ()


async def compare_workflow(server: WorkflowServer, pair: WorkflowPair, now: datetime) -> Comparison:
    """Compare a workflow before and after a change. Raises `Transient`, `Rejected`.

    The old version runs twice, so that nodes which never return the same are told apart.
    """
    if pair.old is None:
        return Comparison(
            "unmeasured", f"{pair.name!r} is new, so that there is nothing to compare"
        )
    await remove_abandoned(server, now)
    try:
        pins = {**await _live_pins(server, pair), **pair.pins}
        old, new = _harnesses(pair, pins)
    except NotRunnable as error:
        return Comparison("unmeasured", f"{pair.name!r}: {error}")
    triggers = [each for each in old.starts if pair.new_names.get(each, each) in new.starts]
    if not triggers:
        return Comparison("unmeasured", f"{pair.name!r}: no trigger with pinned data is in both")
    async with _scratch(server, old) as scratch:
        return await _compare(_Run(server, scratch, pair, triggers), old, new)


@dataclass(frozen=True)
class _Run:
    """A comparison that is going on in a scratch workflow."""

    server: WorkflowServer
    scratch: LiveWorkflow
    pair: WorkflowPair
    triggers: Sequence[str]

    async def take(self, content: Mapping[str, Any]) -> LiveWorkflow:
        """Put a version into the scratch workflow, as a draft."""
        return await self.server.save_draft(self.scratch.id, self.scratch.name, content)

    async def record(self, harness: Harness, names: Mapping[str, str]) -> Recording:
        """Run a harness once for each trigger; recorded under the names before the change."""
        found: dict[str, WorkflowExecution] = {}
        for each in self.triggers:
            path = harness.starts[names.get(each, each)]
            found[each] = await self.server.run(self.scratch.id, path)
        back = {new: old for old, new in names.items()}
        return {
            (trigger, back.get(node, node)): text
            for (trigger, node), text in read_recording(found).items()
            if node not in harness.starts.values()
        }


async def _compare(run: _Run, old: Harness, new: Harness) -> Comparison:
    """Compare two versions in a scratch workflow that exists."""
    pair = run.pair
    assert pair.old is not None
    was_refused, refused = await _import(run, pair.old), await _import(run, pair.new)
    if refused and not was_refused:
        return Comparison("refused", f"with it {pair.name!r} cannot be imported: {refused}")
    if refused := await _publish(run, old):
        return Comparison("unmeasured", f"{pair.name!r} does not run before it: {refused}")
    first, second = await run.record(old, {}), await run.record(old, {})
    if refused := await _publish(run, new):
        return Comparison("refused", f"with it {pair.name!r} does not run: {refused}")
    after = await run.record(new, pair.new_names)
    return _judge(run, (first, second, after), (old, new))


async def _import(run: _Run, flow: Workflow) -> str:
    """Import a version as it is, without running it; return why n8n refuses it, else nothing."""
    return await _refusal(run.take(as_imported(flow)))


async def _publish(run: _Run, harness: Harness) -> str:
    """Publish a harness in the scratch workflow; return why n8n refuses it, else nothing."""

    async def publish() -> None:
        """Save it as a draft, and publish that version."""
        saved = await run.take(harness.content)
        await run.server.publish(run.scratch.id, saved.version)

    return await _refusal(publish())


async def _refusal(request: Awaitable[object]) -> str:
    """Await a request; return why n8n does not take what it is given, else an empty text."""
    try:
        await request
    except Rejected as error:
        if error.code != REFUSED:
            raise
        return error.message
    return ""


def _judge(
    run: _Run, recordings: tuple[Recording, Recording, Recording], both: tuple[Harness, Harness]
) -> Comparison:
    """Return what the recordings show: two of the old version, and one of the new one."""
    first, second, after = recordings
    name, new_names = repr(run.pair.name), run.pair.new_names
    ran = sorted(recorded_nodes(first) | recorded_nodes(after))
    unstable = differing_nodes(first, second, ran, run.triggers)
    compared = [each for each in ran if each not in unstable]
    if found := differing_nodes(first, after, compared, run.triggers):
        shown = tuple(new_names.get(each, each) for each in found)
        what = f"with it {listed(shown)} of {name} no longer returns the same"
        return Comparison("different", what, shown)
    if idle := _not_tried(run.pair, frozenset(compared), both):
        what = f"{listed(idle)} of {name}, which it edits, did not run with pinned data"
        return Comparison("unmeasured", what, idle)
    if not set(compared) - set(run.triggers):
        return Comparison("unmeasured", f"{name}: no node ran that could be compared")
    what = f"{len(compared)} node{'s' * (len(compared) != 1)} of {name} return the same in n8n"
    not_run = sorted((both[0].not_run | both[1].not_run) & set(compared))
    return Comparison("same", summarize(what, not_run, unstable))


def _not_tried(
    pair: WorkflowPair, compared: frozenset[str], both: tuple[Harness, Harness]
) -> tuple[str, ...]:
    """Return the new names of nodes that the change concerns, and that were not tried with it.

    A node that it edits has to run as it is in both versions. One that is only fed otherwise has
    to get its input.
    """
    old, new = both
    genuine = {
        each for each in old.genuine & compared if pair.new_names.get(each, each) in new.genuine
    }
    idle = (pair.edited() - genuine) | (pair.fed_otherwise() - compared)
    return tuple(sorted(pair.new_names.get(each, each) for each in idle))


def _harnesses(pair: WorkflowPair, pins: Pins) -> tuple[Harness, Harness]:
    """Return what runs in place of both versions. Raises `NotRunnable`.

    Each has tokens of its own, so that no webhook of the old version can start the new one: n8n
    replaces them a while after it has published another version.
    """
    assert pair.old is not None
    names = pair.new_names
    renamed = {names.get(name, name): items for name, items in pins.items()}
    old = build_harness(pair.old, pins, secrets.token_hex(16))
    return old, build_harness(pair.new, renamed, secrets.token_hex(16))


async def _live_pins(server: WorkflowServer, pair: WorkflowPair) -> Pins:
    """Return what is pinned in the workflow of the same id in n8n; nothing if there is none."""
    live = await server.get(pair.id) if pair.id else None
    return read_pins(live.content.get("pinData")) if live is not None else {}


@asynccontextmanager
async def _scratch(server: WorkflowServer, harness: Harness) -> AsyncIterator[LiveWorkflow]:
    """Create a scratch workflow with a random name, and delete it in the end, whatever happens."""
    name = SCRATCH_PREFIX + secrets.token_hex(8)
    try:
        scratch = await server.create(name, harness.content)
        yield scratch
    finally:
        await asyncio.shield(_delete(server, name))


async def _delete(server: WorkflowServer, name: str) -> None:
    """Delete the workflows of a name; what cannot be deleted now is left to `remove_abandoned`."""
    try:
        async with asyncio.timeout(DELETE_TIMEOUT_SECONDS):
            for each in await server.named(name):
                await server.delete(each.id)
    except (GroundswellError, TimeoutError) as error:
        log.warning("scratch_workflow_left", name=name, reason=str(error))


async def remove_abandoned(server: WorkflowServer, now: datetime) -> None:
    """Delete scratch workflows that processes left behind which were killed."""
    for each in await server.named(SCRATCH_PREFIX):
        if each.created_at is not None and now - each.created_at > MAX_SCRATCH_AGE:
            await server.delete(each.id)
