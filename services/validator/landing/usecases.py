"""Landing changes: commits, compare-and-swap, push; a crash may come after each step.

The order is: commits (unreachable objects) → validated → private branch → target's branch →
applied. `recover` finds by the trailers on the target's landing branch which of the validated
changes got there; the others go back into the pool, where their test run is known already.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from services.validator.deps import ValidatorDeps
from services.validator.git.domain.commits import landing_message
from services.validator.git.ports import PushRefusal
from services.validator.mutation.usecases.protection_health import store_protection_health
from services.validator.prepared import PreparedHead
from services.validator.queue import pool
from services.validator.queue.transitions import expire, transition_and_publish
from services.validator.review.usecases import show_landed
from services.validator.watch.usecases.watching import start_watch
from services.validator.workflows.usecases.release import request_releases
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.gain import Gain
from shared.contracts.documents.proof import Proof
from shared.contracts.documents.runs import TestRun
from shared.contracts.documents.targets import Target
from shared.contracts.documents.workflows import WorkflowCheck
from shared.contracts.states import WAVE, EnhancementState
from shared.kernel.errors import Conflict, Transient
from shared.kernel.failpoints import failpoint

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Batch:
    """Changes that land together, in order, with the run that their last tree passed.

    `trees` has the tree after each change, by its id, `proofs` the proofs of those that have one,
    `gains` the gains of those that promise speed, and `workflows` what n8n showed of others.
    """

    target: Target
    prepared: PreparedHead
    changes: Sequence[Enhancement]
    trees: Mapping[str, str]
    run: TestRun
    proofs: Mapping[str, Proof] = field(default_factory=dict)
    gains: Mapping[str, Gain] = field(default_factory=dict)
    workflows: Mapping[str, WorkflowCheck] = field(default_factory=dict)


async def land(batch: Batch, deps: ValidatorDeps) -> None:
    """Put the batch on the landing branch, or its changes back into the pool, or expire them.

    If its wave has ended meanwhile, changes that no person approved expire, and the approved ones
    go back into the pool to land without them. None lands if their last run had other protected
    files than would land. Raises `Transient` if the target is unreachable.
    """
    wave = await deps.store.waves.require(batch.changes[0].wave_id)
    unapproved = [each for each in batch.changes if each.decision.approval is None]
    if WAVE.terminal(wave.state) and unapproved:
        for each in unapproved:
            await expire(each, f"its wave was {wave.state} before it could land", deps)
        await pool.return_to_queue(
            [each for each in batch.changes if each.decision.approval], deps, suspected={}
        )
        return
    if unmeasured := await asyncio.to_thread(_unmeasured_files, batch):
        for each in batch.changes:
            await expire(each, f"no run had {unmeasured[0]} as it would land", deps)
        return
    validated = await _commit(batch, deps)
    failpoint("landing.committed")
    await deps.leadership.still_leading(batch.target.id)
    tip = validated[-1].landing.commit or batch.prepared.head
    refusal = await asyncio.to_thread(
        deps.repository(batch.target).publish, batch.target, tip, batch.prepared.head
    )
    if refusal is None:
        failpoint("landing.pushed")
        await _finish(batch.target, validated, deps, run=batch.run.id)
    else:
        await _not_landed(validated, refusal, deps)


def _unmeasured_files(batch: Batch) -> list[str]:
    """Return the protected files that the batch edits and its run took from the head; blocks."""
    edited = batch.prepared.changed_protected_files(batch.trees[batch.changes[-1].id])
    return [each for each in edited if each not in batch.run.request.approved]


async def _commit(batch: Batch, deps: ValidatorDeps) -> list[Enhancement]:
    """Create one commit per change, and store each change as validated with its commit.

    Raises `Transient` if another process moved one.
    """
    repository = deps.repository(batch.target)
    validated = []
    parent = await asyncio.to_thread(
        repository.commit_parent, batch.target, batch.prepared.head, deps.clock()
    )
    for each in batch.changes:
        evidence = evidence_of(batch, each)
        message = landing_message(each, evidence)
        parent = await asyncio.to_thread(
            repository.commit, batch.trees[each.id], parent, message, deps.clock()
        )
        moved = await deps.store.enhancements.transition(
            each,
            "pass",
            landing__commit=parent,
            landing__branch=batch.target.landing_branch,
            decision__evidence=evidence,
            decision__run=batch.run.id,
            changed_at=deps.clock(),
        )
        if moved is None:
            raise Transient(f"Enhancement {each.id} moved while it was landing.")
        validated.append(moved)
    return validated


def evidence_of(batch: Batch, change: Enhancement) -> tuple[str, ...]:
    """Return why a change of the batch may land: what was measured of it, and the run."""
    counts = batch.run.result.counts
    tests = counts.tests if counts else 0
    together = len(batch.changes)
    others = together - 1
    company = f", together with {others} other change{'s' * (others > 1)}" if others else ""
    sentence = (
        f"{tests} tests ran on the tree that landed{company}; none is worse than on "
        f"{batch.prepared.head[:10]} (run {batch.run.id}, sandbox: {batch.run.execution.sandbox})."
    )
    proof = batch.proofs.get(change.id)
    measured = (batch.gains.get(change.id), batch.workflows.get(change.id))
    before = (
        proof.summary if proof else "",
        *(each.evidence if each else "" for each in measured),
        batch.run.changed_tests,
    )
    return (*(f"{each[0].upper()}{each[1:]}." for each in before if each), sentence)


async def _not_landed(
    changes: Sequence[Enhancement], refusal: PushRefusal, deps: ValidatorDeps
) -> None:
    """Put the changes back into the pool, or expire them if the branch cannot be moved at all.

    Raises `Transient` if the target could not be reached.
    """
    log.warning("landing_refused", kind=refusal.kind, reason=refusal.reason)
    if refusal.kind == "unreachable":
        raise Transient("The target could not be reached.", hint=refusal.reason, delay=5)
    for each in changes:
        back = await deps.store.enhancements.transition(
            each, "requeue", landing__commit=None, changed_at=deps.clock()
        )
        if back is not None and refusal.kind != "moved":
            await expire(back, f"could not be put on the landing branch: {refusal.reason}", deps)


async def _finish(
    target: Target, changes: Sequence[Enhancement], deps: ValidatorDeps, *, run: str | None = None
) -> None:
    """Mark changes on the target's branch as applied and publish it, once shown and watched."""
    await show_landed(target, changes, deps)
    await start_watch(target, changes, deps, run=run)
    await request_releases(target, changes, deps)
    await store_protection_health(target, changes, deps)
    for each in changes:
        await transition_and_publish(
            each,
            "land",
            deps,
            landing__commit=each.landing.commit,
            landing__branch=target.landing_branch,
        )
    failpoint("landing.published")


async def find_landed(
    target: Target, changes: Sequence[Enhancement], deps: ValidatorDeps
) -> list[Enhancement]:
    """Return the changes that are not on the branch yet, and mark the others as applied.

    Another validator may have put a change back that was just being landed: the branch decides.
    """
    repository = deps.repository(target)
    commits = await asyncio.to_thread(
        repository.landed_commits, target, [each.id for each in changes]
    )
    missing, found = [], {}
    for each in changes:
        commit = commits.get(each.id)
        if commit is None:
            missing.append(each)
        elif validated := await deps.store.enhancements.transition(
            each,
            "pass",
            landing__commit=commit,
            landing__branch=target.landing_branch,
            changed_at=deps.clock(),
        ):
            found[each.id] = validated
    if found:
        await _finish(target, [found[key] for key in reversed([*commits]) if key in found], deps)
    return missing


async def recover(target: Target, deps: ValidatorDeps) -> None:
    """Finish the landings that a crash interrupted after `validated`; requeue what did not land."""
    interrupted = await deps.store.enhancements.find(
        target_id=target.id, state=EnhancementState.VALIDATED
    )
    if not interrupted:
        return
    repository = deps.repository(target)
    # Without a base branch nothing can be tried, but what landed is known nevertheless.
    with contextlib.suppress(Conflict):
        await asyncio.to_thread(repository.refresh, target)
    landed = await asyncio.to_thread(
        repository.landed_commits, target, [each.id for each in interrupted]
    )
    by_id = {each.id: each for each in interrupted}
    # They are found newest first, and published in the order in which they are on the branch.
    finished = [
        by_id[key].updated(landing__commit=commit) for key, commit in reversed(list(landed.items()))
    ]
    await _finish(target, finished, deps)
    for each in interrupted:
        if each.id not in landed:
            await deps.store.enhancements.transition(
                each, "requeue", landing__commit=None, changed_at=deps.clock()
            )
