"""Performing a task: analyse, change a scratch copy, write the proposals down, submit them."""

import hashlib

import structlog

from services.agents.deps import AgentDeps, read_source
from services.agents.domain.proposals import Proposal
from services.agents.ports import Engine
from services.agents.usecases.life import rest, take
from shared.contracts.base import EngineName
from shared.contracts.documents.enhancements import (
    Enhancement,
    FixKind,
    ProposalAuthor,
    ProposalRecord,
    ProposedPatch,
)
from shared.contracts.documents.storage import Patch
from shared.contracts.documents.waves import Task
from shared.contracts.events import EnhancementProposed, TaskFinished, TaskProposed, TaskStarted
from shared.contracts.states import TaskState
from shared.contracts.work import PerformTask, ProposalSubmitted
from shared.kernel.errors import GroundswellError, Transient
from shared.targets.patches import make_patch

log = structlog.get_logger(__name__)
DONE = {TaskState.PROPOSED, TaskState.EMPTY, TaskState.FAILED}


async def perform_task(command: PerformTask, deps: AgentDeps) -> None:
    """Do the task, unless its epoch is over. Done twice it proposes the same, once."""
    engine = deps.engines.get(command.agent_type)
    if engine is None:
        raise Transient(f"No agent here serves {command.agent_type}.", delay=10)
    async with deps.locks[command.task_id]:
        task = await deps.store.tasks.require(command.task_id)
        if task.epoch != command.epoch:
            log.info("task_of_an_old_epoch", task=task.id, epoch=command.epoch)
            return
        started = await _start(task, deps)
        if started is not None:
            task = await _carry_out(started, engine, deps)
        await _say(task, deps)


async def _start(task: Task, deps: AgentDeps) -> Task | None:
    """Ours from now on; None where there is nothing left to do."""
    now = deps.clock()
    if task.state is TaskState.RUNNING:
        # Delivered again: whoever had it is gone, or it was us before a restart.
        await deps.store.tasks.set_fields(task.id, agent_id=deps.me.id, changed_at=now)
        return task
    return await deps.store.tasks.transition(task, "start", agent_id=deps.me.id, changed_at=now)


async def _carry_out(task: Task, engine: Engine, deps: AgentDeps) -> Task:
    deps.running[task.id] = task
    await take(deps, task.id)
    try:
        started = TaskStarted(
            task_id=task.id,
            wave_id=task.wave_id,
            target_id=task.target_id,
            agent_id=deps.me.id,
            agent=deps.me.name,
        )
        await deps.bus.publish(started, key=f"{task.id}:{task.epoch}", wave=task.wave_id)
        return await _propose(task, engine, deps)
    finally:
        del deps.running[task.id]
        await rest(deps)


async def _propose(task: Task, engine: Engine, deps: AgentDeps) -> Task:
    target = await deps.store.targets.require(task.target_id)
    try:
        source = await read_source(deps, target, task.commit)
        proposals = await engine.propose(source, task.component, task.excluded_fingerprints)
    except Transient:
        raise
    except GroundswellError as error:
        return await _end(task, "fail", deps, note=str(error))
    changes = await _write_down(task, proposals, deps)
    for change in changes:
        await _submit(change, deps)
    if not changes:
        note = "nothing to change was found"
        return await _end(task, "find_nothing", deps, note=note)
    moved = await deps.store.tasks.transition(
        task, "propose", enhancements=len(changes), changed_at=deps.clock()
    )
    return moved or await deps.store.tasks.require(task.id)


async def _end(task: Task, trigger: str, deps: AgentDeps, *, note: str) -> Task:
    now = deps.clock()
    moved = await deps.store.tasks.transition(
        task, trigger, note=note, changed_at=now, finished_at=now
    )
    return moved or await deps.store.tasks.require(task.id)


async def _write_down(task: Task, proposals: list[Proposal], deps: AgentDeps) -> list[Enhancement]:
    """Patches first, then what refers to them; what is there already stays as it is."""
    texts = {each.key: _patch(each) for each in proposals}
    now = deps.clock()
    patches = {_digest(text): text for text in texts.values()}
    await deps.store.patches.insert_missing(
        [Patch(id=digest, text=text, created_at=now) for digest, text in patches.items()]
    )
    await deps.store.enhancements.insert_missing(
        [
            _enhancement(task, each, place, _digest(texts[each.key]), deps)
            for place, each in enumerate(proposals)
        ]
    )
    return await deps.store.enhancements.find(
        task_id=task.id, proposal__epoch=task.epoch, sort="proposal__order"
    )


def _patch(proposal: Proposal) -> str:
    return make_patch(
        {
            path: (before.encode(), after.encode())
            for path, (before, after) in proposal.changes.items()
        }
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _enhancement(
    task: Task, proposal: Proposal, place: int, patch: str, deps: AgentDeps
) -> Enhancement:
    now = deps.clock()
    return Enhancement(
        id=deps.new_id(),
        wave_id=task.wave_id,
        task_id=task.id,
        target_id=task.target_id,
        proposal=ProposalRecord(
            key=proposal.key,
            component=task.component,
            author=ProposalAuthor(
                agent_type=task.agent_type,
                agent_id=deps.me.id,
                agent=deps.me.name,
                engine=EngineName.RULES,
            ),
            epoch=task.epoch,
            order=place,
            fix=FixKind(rule=proposal.rule, safe=proposal.safe, prior=proposal.prior),
            title=proposal.title,
            rationale=proposal.rationale,
            findings=proposal.findings,
            prediction=proposal.prediction,
            patch=ProposedPatch(
                digest=patch,
                base_commit=task.commit,
                files=tuple(sorted(proposal.changes)),
                lines_added=proposal.added,
                lines_removed=proposal.removed,
            ),
        ),
        created_at=now,
        changed_at=now,
    )


async def _submit(change: Enhancement, deps: AgentDeps) -> None:
    common = {
        "enhancement_id": change.id,
        "wave_id": change.wave_id,
        "target_id": change.target_id,
    }
    proposed = EnhancementProposed(**common, title=change.proposal.title)
    await deps.bus.publish(proposed, key=change.id, wave=change.wave_id)
    submitted = ProposalSubmitted(**common, epoch=change.proposal.epoch)
    await deps.bus.publish(submitted, key=change.id, wave=change.wave_id)


async def _say(task: Task, deps: AgentDeps) -> None:
    """What follows from the task's state."""
    if task.state not in DONE:
        return
    common = {"task_id": task.id, "wave_id": task.wave_id, "target_id": task.target_id}
    proposed = TaskProposed(**common, enhancements=task.enhancements, note=task.note)
    await deps.bus.publish(proposed, key=f"{task.id}:{task.epoch}", wave=task.wave_id)
    if task.state is not TaskState.PROPOSED:
        finished = TaskFinished(**common, state=task.state, note=task.note)
        await deps.bus.publish(finished, key=task.id, wave=task.wave_id)
