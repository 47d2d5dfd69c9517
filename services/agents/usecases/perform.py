"""Performing a task: make proposals on a copy of the target, store them, and submit them."""

from collections.abc import Sequence

import structlog

from services.agents.deps import AgentDeps, ServedType, read_source
from services.agents.usecases.lease import is_of_task, within_lease
from services.agents.usecases.life import keep_lease, stint
from services.agents.usecases.stopping import is_task_wanted, run_while_wanted
from services.agents.usecases.submit import AgentAtWork, submit_proposals
from shared.agent_types.engines import HeldLease, Proposal, TaskContext
from shared.contracts.documents.findings import Finding
from shared.contracts.documents.waves import Task
from shared.contracts.events import TaskFinished, TaskProposed, TaskStarted
from shared.contracts.states import EnhancementState, TaskState
from shared.contracts.work import PerformTask
from shared.kernel.errors import GroundswellError, Transient
from shared.mongo.collections import latest_findings

log = structlog.get_logger(__name__)
UNFINISHED = {TaskState.ASSIGNED, TaskState.RUNNING}
DONE = {TaskState.PROPOSED, TaskState.EMPTY, TaskState.FAILED}


async def perform_task(command: PerformTask, deps: AgentDeps) -> None:
    """Run the agent of a task on it once there is a slot, unless its lease epoch has ended.

    Performed twice it proposes once. Raises `Transient` where this process does not serve its type.
    """
    served = deps.served.get(command.agent_type)
    if served is None:
        raise Transient(f"No process here runs {command.agent_type}.", delay=10)
    key = (command.task_id, command.epoch)
    if key in deps.held:
        return
    deps.held.add(key)
    try:
        task = await _read_task(command, deps)
        if task is not None and task.state in UNFINISHED:
            async with deps.slots.acquire():
                # It may have been stopped or given to another process meanwhile.
                task = await _read_task(command, deps)
                if task is not None and task.state in UNFINISHED:
                    await _run_agent(task, served, deps)
            task = await _read_task(command, deps)
        if task is not None:
            await _publish_outcome(task, deps)
    finally:
        deps.held.discard(key)


async def _read_task(command: PerformTask, deps: AgentDeps) -> Task | None:
    """Return the task of a command as it is stored; None if its epoch is another one by now."""
    task = await deps.store.tasks.require(command.task_id)
    if task.epoch == command.epoch:
        return task
    log.info("task_of_an_old_epoch", task=task.id, epoch=command.epoch)
    return None


async def _run_agent(task: Task, served: ServedType, deps: AgentDeps) -> None:
    """Run the agent of a task until it has proposed, unless another process does or did.

    It stops when the task loses its lease, and does not begin with one that has none any more.
    """
    async with stint(task, deps) as agent:
        if agent is None or not await keep_lease(agent.id, task, deps):
            return
        started: Task | None = task
        if task.state is TaskState.ASSIGNED:
            started = await deps.store.tasks.transition(task, "start", changed_at=deps.clock())
        if started is not None:
            await run_while_wanted(
                _work_on(AgentAtWork(agent, started, served), deps),
                lambda: is_task_wanted(agent.id, task, deps),
            )


async def _work_on(work: AgentAtWork, deps: AgentDeps) -> None:
    """Publish that a task is started, and have its engine propose."""
    task, agent = work.task, work.agent
    started = TaskStarted(
        task_id=task.id,
        wave_id=task.wave_id,
        target_id=task.target_id,
        agent_id=agent.id,
        agent=agent.name,
    )
    await deps.bus.publish(started, key=f"{task.id}:{task.epoch}", wave=task.wave_id)
    await _propose(work, deps)


async def _propose(work: AgentAtWork, deps: AgentDeps) -> None:
    """Submit the engine's proposals, and move the task to proposed, empty or failed.

    Raises `Transient`, on which the task stays as it is and is delivered again.
    """
    task = work.task
    try:
        context = await _context(task, deps)
        made = [each async for each in work.served.engine.propose(context)]
        proposed = [each for each in made if not _is_old_advice(each, context)]
    except Transient:
        raise
    except GroundswellError as error:
        await _end_without_proposals(task, "fail", deps, note=str(error))
        return
    covered = await within_lease(proposed, task, deps)
    changes = await submit_proposals(work, _within_limit(covered, task), deps)
    if not changes:
        note = "nothing to change was found"
        await _end_without_proposals(task, "find_nothing", deps, note=note)
        return
    await deps.store.tasks.transition(
        task, "propose", enhancements=len(changes), changed_at=deps.clock()
    )


def _within_limit(proposals: Sequence[Proposal], task: Task) -> list[Proposal]:
    """Return the proposals that a task may submit; the changes beyond its limit are left out.

    Their findings are there for a later wave.
    """
    kept, changes = [], 0
    for each in proposals:
        changes += each.changes is not None
        if each.changes is None or task.max_changes is None or changes <= task.max_changes:
            kept.append(each)
    return kept


def _is_old_advice(proposal: Proposal, context: TaskContext) -> bool:
    """Return whether a proposal is advice, and says nothing about a finding without any so far."""
    about = proposal.findings
    return proposal.changes is None and bool(about) and not any(map(context.may_advise_on, about))


async def _context(task: Task, deps: AgentDeps) -> TaskContext:
    """Return what an engine needs: the task, its findings and lease, and the target's files."""
    target = await deps.store.targets.require(task.target_id)
    return TaskContext(
        task=task,
        opportunity=task.opportunity,
        findings=await _findings(task, deps),
        lease=HeldLease(task.component, task.paths, task.epoch),
        source=await read_source(deps, target, task.commit),
        advised=await _advised(task, deps),
    )


async def _advised(task: Task, deps: AgentDeps) -> frozenset[str]:
    """Return the fingerprints of findings that other tasks on the target have given advice on."""
    found = await deps.store.enhancements.find(
        target_id=task.target_id, state=EnhancementState.ADVISORY
    )
    return frozenset(
        fingerprint
        for each in found
        if each.task_id != task.id
        for fingerprint in each.proposal.fingerprints
    )


async def _findings(task: Task, deps: AgentDeps) -> tuple[Finding, ...]:
    """Return the findings on the task's commit that it may fix; none where it was not measured."""
    found = await latest_findings(deps.store, task.target_id, task.commit)
    return tuple(
        each
        for each in (found.findings if found else ())
        if each.component == task.component
        and is_of_task(each, task)
        and each.agent_type == task.agent_type
        and each.fingerprint not in task.excluded_fingerprints
    )


async def _end_without_proposals(task: Task, trigger: str, deps: AgentDeps, *, note: str) -> None:
    """End a task that submits nothing; `trigger` is its transition and `note` says why."""
    now = deps.clock()
    await deps.store.tasks.transition(task, trigger, note=note, changed_at=now, finished_at=now)


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
