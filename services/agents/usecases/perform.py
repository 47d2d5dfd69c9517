"""Performing a task: make proposals on a copy of the target, store them, and submit them."""

import hashlib

import structlog

from services.agents.deps import AgentDeps, ServedType, read_source
from services.agents.domain.proposals import with_unique_titles
from services.agents.usecases.life import become_active, become_idle
from services.agents.usecases.stopping import is_task_wanted, run_while_wanted
from shared.agent_types.changes import changed_lines
from shared.agent_types.engines import HeldLease, Proposal, TaskContext
from shared.contracts.documents.enhancements import (
    Enhancement,
    FixKind,
    ProposalAuthor,
    ProposalRecord,
    ProposedPatch,
)
from shared.contracts.documents.findings import Finding
from shared.contracts.documents.storage import Patch
from shared.contracts.documents.waves import Task
from shared.contracts.events import EnhancementProposed, TaskFinished, TaskProposed, TaskStarted
from shared.contracts.states import EnhancementState, TaskState
from shared.contracts.work import PerformTask, ProposalSubmitted
from shared.kernel.errors import GroundswellError, Transient
from shared.mongo.collections import latest_findings
from shared.targets.patches import make_patch

log = structlog.get_logger(__name__)
DONE = {TaskState.PROPOSED, TaskState.EMPTY, TaskState.FAILED}
NEVER_LANDS = {
    EnhancementState.ADVISORY,
    EnhancementState.REJECTED,
    EnhancementState.EXPIRED,
    EnhancementState.SUPERSEDED,
}
# What was rolled back has its commit on the branch nevertheless.
MAY_LAND = [each for each in EnhancementState if each not in NEVER_LANDS]


async def perform_task(command: PerformTask, deps: AgentDeps) -> None:
    """Perform a task, unless its lease epoch has ended. Performed twice it proposes once.

    Raises `Transient` where this process does not serve its agent type.
    """
    served = deps.served.get(command.agent_type)
    if served is None:
        raise Transient(f"No agent here serves {command.agent_type}.", delay=10)
    async with deps.locks[command.task_id]:
        task = await deps.store.tasks.require(command.task_id)
        if task.epoch != command.epoch:
            log.info("task_of_an_old_epoch", task=task.id, epoch=command.epoch)
            return
        started = await _start(task, deps)
        if started is not None:
            await run_while_wanted(
                _work_on(started, served, deps),
                lambda: is_task_wanted(task.id, task.epoch, deps),
            )
            task = await deps.store.tasks.require(task.id)
        await _publish_outcome(task, deps)


async def _start(task: Task, deps: AgentDeps) -> Task | None:
    """Claim a task for this agent, even one that is running; return None where it is over."""
    now = deps.clock()
    if task.state is TaskState.RUNNING:
        # Delivered again: the agent that had it is gone, or it was this one before a restart.
        await deps.store.tasks.set_fields(task.id, agent_id=deps.me.id, changed_at=now)
        return task
    return await deps.store.tasks.transition(task, "start", agent_id=deps.me.id, changed_at=now)


async def _work_on(task: Task, served: ServedType, deps: AgentDeps) -> None:
    """Perform a started task; meanwhile this agent is active and renews the task's lease."""
    deps.running[task.id] = task
    await become_active(deps, task.id)
    try:
        started = TaskStarted(
            task_id=task.id,
            wave_id=task.wave_id,
            target_id=task.target_id,
            agent_id=deps.me.id,
            agent=deps.me.name,
        )
        await deps.bus.publish(started, key=f"{task.id}:{task.epoch}", wave=task.wave_id)
        await _propose(task, served, deps)
    finally:
        del deps.running[task.id]
        await become_idle(deps)


async def _propose(task: Task, served: ServedType, deps: AgentDeps) -> None:
    """Submit the engine's proposals, and move the task to proposed, empty or failed.

    Raises `Transient`, on which the task stays as it is and is delivered again.
    """
    try:
        context = await _context(task, deps)
        proposed = [each async for each in served.engine.propose(context)]
    except Transient:
        raise
    except GroundswellError as error:
        await _end_without_proposals(task, "fail", deps, note=str(error))
        return
    proposals = with_unique_titles(proposed, await _taken_titles(task, deps))
    changes = await _store(task, proposals, deps)
    for change in changes:
        await _submit(change, deps)
    if not changes:
        note = "nothing to change was found"
        await _end_without_proposals(task, "find_nothing", deps, note=note)
        return
    await deps.store.tasks.transition(
        task, "propose", enhancements=len(changes), changed_at=deps.clock()
    )


async def _context(task: Task, deps: AgentDeps) -> TaskContext:
    """Return what an engine needs: the task, its findings and lease, and the target's files."""
    target = await deps.store.targets.require(task.target_id)
    return TaskContext(
        task=task,
        opportunity=task.opportunity,
        findings=await _findings(task, deps),
        lease=HeldLease(task.component, task.paths, task.epoch),
        source=await read_source(deps, target, task.commit),
    )


async def _findings(task: Task, deps: AgentDeps) -> tuple[Finding, ...]:
    """Return the findings on the task's commit that it may fix; none where it was not measured."""
    found = await latest_findings(deps.store, task.target_id, task.commit)
    return tuple(
        each
        for each in (found.findings if found else ())
        if each.component == task.component
        and each.agent_type == task.agent_type
        and each.fingerprint not in task.excluded_fingerprints
    )


async def _taken_titles(task: Task, deps: AgentDeps) -> set[str]:
    """Return the titles of the target's changes of other tasks that landed or still may."""
    found = await deps.store.enhancements.find(target_id=task.target_id, state=MAY_LAND)
    return {each.proposal.title for each in found if each.task_id != task.id}


async def _end_without_proposals(task: Task, trigger: str, deps: AgentDeps, *, note: str) -> None:
    """End a task that submits nothing; `trigger` is its transition and `note` says why."""
    now = deps.clock()
    await deps.store.tasks.transition(task, trigger, note=note, changed_at=now, finished_at=now)


async def _store(task: Task, proposals: list[Proposal], deps: AgentDeps) -> list[Enhancement]:
    """Store the proposals and their patches, and return the task's enhancements in order.

    Patches come first, then what refers to them; what is stored already stays as it is.
    """
    texts = {each.key: text for each in proposals if (text := _patch_text(each)) is not None}
    now = deps.clock()
    patches = {_digest(text): text for text in texts.values()}
    await deps.store.patches.insert_missing(
        [Patch(id=digest, text=text, created_at=now) for digest, text in patches.items()]
    )
    await deps.store.enhancements.insert_missing(
        [
            _enhancement(task, _record(task, each, order, texts.get(each.key), deps), deps)
            for order, each in enumerate(proposals)
        ]
    )
    return await deps.store.enhancements.find(
        task_id=task.id, proposal__epoch=task.epoch, sort="proposal__order"
    )


def _patch_text(proposal: Proposal) -> str | None:
    """Return the changes of a proposal as a unified diff; None for advice."""
    if proposal.changes is None:
        return None
    return make_patch(
        {
            path: (before.encode(), after.encode())
            for path, (before, after) in proposal.changes.items()
        }
    )


def _digest(text: str) -> str:
    """Return the SHA-256 of a text in hexadecimal, the id of a stored patch."""
    return hashlib.sha256(text.encode()).hexdigest()


def _enhancement(task: Task, proposal: ProposalRecord, deps: AgentDeps) -> Enhancement:
    """Return a new enhancement, not yet stored, for a proposal of the task."""
    now = deps.clock()
    return Enhancement(
        id=deps.new_id(),
        wave_id=task.wave_id,
        task_id=task.id,
        target_id=task.target_id,
        proposal=proposal,
        created_at=now,
        changed_at=now,
    )


def _record(
    task: Task,
    proposal: Proposal,
    order: int,
    patch: str | None,
    deps: AgentDeps,
) -> ProposalRecord:
    """Return the record of a proposal, to be stored in its enhancement; without `patch`, of advice.

    `order` is its place among the proposals of the task, from 0.
    """
    served = deps.served[task.agent_type]
    return ProposalRecord(
        key=proposal.key,
        component=task.component,
        author=ProposalAuthor(
            agent_type=task.agent_type,
            agent_id=deps.me.id,
            agent=served.spec.name.replace("_", "-"),
            engine=proposal.engine,
        ),
        epoch=task.epoch,
        order=order,
        fix=FixKind(
            rule=proposal.rule,
            safe=proposal.safe,
            prior=proposal.prior,
            conditions=proposal.conditions,
        ),
        title=proposal.title,
        rationale=proposal.rationale,
        findings=proposal.findings,
        detectors=proposal.detectors or served.detector_names,
        prediction=proposal.prediction,
        patch=None if patch is None else _proposed_patch(task, proposal, patch),
    )


def _proposed_patch(task: Task, proposal: Proposal, patch: str) -> ProposedPatch:
    """Return a patch's facts: its digest, base commit, files, and lines added and removed."""
    changes = proposal.changes or {}
    counts = [changed_lines(*each) for each in changes.values()]
    return ProposedPatch(
        digest=_digest(patch),
        base_commit=task.commit,
        files=tuple(sorted(changes)),
        lines_added=sum(added for added, _ in counts),
        lines_removed=sum(removed for _, removed in counts),
    )


async def _submit(change: Enhancement, deps: AgentDeps) -> None:
    """Publish that a change is proposed, and submit it to the resolver."""
    common = {
        "enhancement_id": change.id,
        "wave_id": change.wave_id,
        "target_id": change.target_id,
    }
    proposed = EnhancementProposed(**common, title=change.proposal.title)
    await deps.bus.publish(proposed, key=change.id, wave=change.wave_id)
    submitted = ProposalSubmitted(**common, epoch=change.proposal.epoch)
    await deps.bus.publish(submitted, key=change.id, wave=change.wave_id)


async def _publish_outcome(task: Task, deps: AgentDeps) -> None:
    """Publish that a task is proposed, empty or failed, as its state tells; else nothing."""
    if task.state not in DONE:
        return
    common = {"task_id": task.id, "wave_id": task.wave_id, "target_id": task.target_id}
    proposed = TaskProposed(**common, enhancements=task.enhancements, note=task.note)
    await deps.bus.publish(proposed, key=f"{task.id}:{task.epoch}", wave=task.wave_id)
    if task.state is not TaskState.PROPOSED:
        finished = TaskFinished(**common, state=task.state, note=task.note)
        await deps.bus.publish(finished, key=task.id, wave=task.wave_id)
