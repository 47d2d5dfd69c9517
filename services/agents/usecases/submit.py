"""Storing the proposals of an agent as enhancements, and submitting them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.agents.deps import AgentDeps, ServedType
from services.agents.domain.titles import naming_their_file, with_unique_titles
from shared.agent_types import describe
from shared.agent_types.changes import changed_lines
from shared.agent_types.engines import Proposal
from shared.contracts.documents.agents import Agent
from shared.contracts.documents.enhancements import (
    Enhancement,
    FixKind,
    ProposalAuthor,
    ProposalRecord,
    ProposedPatch,
)
from shared.contracts.documents.storage import Patch
from shared.contracts.documents.waves import Task
from shared.contracts.events import EnhancementProposed
from shared.contracts.states import EnhancementState
from shared.contracts.work import ProposalSubmitted
from shared.targets.patches import make_patch

NEVER_LANDS = {
    EnhancementState.ADVISORY,
    EnhancementState.REJECTED,
    EnhancementState.EXPIRED,
    EnhancementState.SUPERSEDED,
}
# What was rolled back has its commit on the branch nevertheless.
MAY_LAND = [each for each in EnhancementState if each not in NEVER_LANDS]


@dataclass(frozen=True)
class AgentAtWork:
    """An agent, the task that it performs here, and what this process has for its type."""

    agent: Agent
    task: Task
    served: ServedType


async def submit_proposals(
    work: AgentAtWork, proposed: Sequence[Proposal], deps: AgentDeps
) -> list[Enhancement]:
    """Store and submit proposals, and return the task's enhancements; the same ones if repeated."""
    named = naming_their_file(proposed) if work.task.opportunity.part else proposed
    proposals = with_unique_titles(named, await _taken_titles(work.task, deps))
    changes = await _store(work, [with_outline(each) for each in proposals], deps)
    for change in changes:
        await _submit(change, deps)
    return changes


def with_outline(proposal: Proposal) -> Proposal:
    """Return a proposal with what it does in words of what its files describe, if those are known.

    Its commit says so, too.
    """
    if proposal.outline or not (outline := describe(proposal.changes or {})):
        return proposal
    return replace(proposal, outline=outline, rationale=f"{proposal.rationale}\n\n{outline}")


async def _taken_titles(task: Task, deps: AgentDeps) -> set[str]:
    """Return the titles of the target's changes of other tasks that landed or still may."""
    found = await deps.store.enhancements.find(target_id=task.target_id, state=MAY_LAND)
    return {each.proposal.title for each in found if each.task_id != task.id}


async def _store(
    work: AgentAtWork, proposals: list[Proposal], deps: AgentDeps
) -> list[Enhancement]:
    """Store an agent's proposals and their patches, and return the task's enhancements in order.

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
            _enhancement(work.task, _record(work, each, order, texts.get(each.key)), deps)
            for order, each in enumerate(proposals)
        ]
    )
    return await deps.store.enhancements.find(
        task_id=work.task.id, proposal__epoch=work.task.epoch, sort="proposal__order"
    )


def _patch_text(proposal: Proposal) -> str | None:
    """Return the changes of a proposal as a unified diff; None for advice."""
    if proposal.changes is None:
        return None
    return make_patch(
        {
            path: (None if path in proposal.created else before.encode(), after.encode())
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


def _record(work: AgentAtWork, proposal: Proposal, order: int, patch: str | None) -> ProposalRecord:
    """Return the record of a proposal, to be stored in its enhancement; without `patch`, of advice.

    `order` is its place among the proposals of the task, from 0.
    """
    task, agent = work.task, work.agent
    return ProposalRecord(
        key=proposal.key,
        component=task.component,
        author=ProposalAuthor(
            agent_type=task.agent_type,
            agent_id=agent.id,
            agent=agent.name,
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
        causes=tuple(each.fingerprint for each in proposal.causes),
        detectors=proposal.detectors or work.served.detector_names,
        prediction=proposal.prediction,
        outline=proposal.outline,
        advice=proposal.advice,
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
