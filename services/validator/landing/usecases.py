"""Landing: commits, compare-and-swap, push; each step may be the last one before a crash.

The order is: commits (unreachable objects) → validated → private branch → target's branch →
applied. `recover` finds by the trailers in the target's landing branch which of the validated
ones got there; the others go back into the pool, where their verdict is already known.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from services.validator.deps import Desk
from services.validator.gate.seat import still_seated
from services.validator.git.domain.commits import landing_message
from services.validator.git.ports import Refusal
from services.validator.mutation.usecases.protection_health import keep_trust
from services.validator.prepared import Workplace
from services.validator.queue import pool
from services.validator.queue.transitions import expire, leave
from services.validator.review.usecases import show_landed
from services.validator.watch.usecases.watching import begin_watch
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.runs import Verdict
from shared.contracts.documents.targets import Target
from shared.contracts.states import WAVE, EnhancementState
from shared.kernel.errors import Transient
from shared.kernel.failpoints import fault

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Batch:
    """Changes in order; `trees` maps each to the tree after it; the last one is what passed."""

    target: Target
    place: Workplace
    changes: Sequence[Enhancement]
    trees: Mapping[str, str]
    verdict: Verdict


async def land(batch: Batch, desk: Desk) -> None:
    """Put the batch on the landing branch, unless its wave ended meanwhile: then what a person let through goes alone."""
    wave = await desk.store.waves.need(batch.changes[0].wave_id)
    unasked = [each for each in batch.changes if each.approval is None]
    if WAVE.terminal(wave.state) and unasked:
        for each in unasked:
            await expire(each, f"its wave was {wave.state} before it could land", desk)
        await pool.give_back([each for each in batch.changes if each.approval], desk, suspected={})
        return
    validated = await _commit(batch, desk)
    fault("landing.committed")
    await still_seated(batch.target.id, desk)
    tip = validated[-1].commit or batch.place.head
    refusal = await asyncio.to_thread(
        desk.repository(batch.target).publish, batch.target, tip, batch.place.head
    )
    if refusal is None:
        fault("landing.pushed")
        await _say_landed(batch.target, validated, desk, run=batch.verdict.id)
    else:
        await _not_landed(validated, refusal, desk)


async def _commit(batch: Batch, desk: Desk) -> list[Enhancement]:
    """One commit per change, and each change validated with its commit written down."""
    repository = desk.repository(batch.target)
    validated, evidence = [], evidence_of(batch)
    parent = await asyncio.to_thread(repository.join, batch.target, batch.place.head, desk.clock())
    for each in batch.changes:
        message = landing_message(each, evidence)
        parent = await asyncio.to_thread(
            repository.commit, batch.trees[each.id], parent, message, desk.clock()
        )
        moved = await desk.store.enhancements.transition(
            each,
            "pass",
            commit=parent,
            branch=batch.target.landing_branch,
            evidence=evidence,
            run=batch.verdict.id,
            changed_at=desk.clock(),
        )
        if moved is None:
            raise Transient(f"Enhancement {each.id} moved while it was landing.")
        validated.append(moved)
    return validated


def evidence_of(batch: Batch) -> tuple[str, ...]:
    """What the verdict rests on, in sentences."""
    counts = batch.verdict.counts
    tests = counts.tests if counts else 0
    together = len(batch.changes)
    company = f", together with {together - 1} other changes" if together > 1 else ""
    sentence = (
        f"{tests} tests ran on the tree that landed{company}; none is worse than on "
        f"{batch.place.head[:10]} (run {batch.verdict.id}, sandbox: {batch.verdict.sandbox})."
    )
    return (sentence,)


async def _not_landed(changes: Sequence[Enhancement], refusal: Refusal, desk: Desk) -> None:
    """The target did not take it: nothing is forced, nothing is lost."""
    log.warning("landing_refused", kind=refusal.kind, reason=refusal.reason)
    if refusal.kind == "unreachable":
        raise Transient("The target could not be reached.", hint=refusal.reason, delay=5)
    for each in changes:
        back = await desk.store.enhancements.transition(
            each, "return", commit=None, changed_at=desk.clock()
        )
        if back is not None and refusal.kind != "moved":
            await expire(back, f"could not be put on the landing branch: {refusal.reason}", desk)


async def _say_landed(
    target: Target, changes: Sequence[Enhancement], desk: Desk, *, run: str | None = None
) -> None:
    """They are on the target's branch, in this order: shown to people, watched, counted, and each is applied."""
    await show_landed(target, changes, desk)
    await begin_watch(target, changes, desk, run=run)
    await keep_trust(target, changes, desk)
    for each in changes:
        await leave(each, "land", desk, commit=each.commit, branch=target.landing_branch)
    fault("landing.said")


async def find_landed(
    target: Target, changes: Sequence[Enhancement], desk: Desk
) -> list[Enhancement]:
    """Of changes in the gate, those that are not on the branch yet; the others are applied now.

    Another validator may have taken a change back that was just being landed: the branch decides.
    """
    repository = desk.repository(target)
    there = await asyncio.to_thread(repository.landed, target, [each.id for each in changes])
    left, found = [], {}
    for each in changes:
        commit = there.get(each.id)
        if commit is None:
            left.append(each)
        elif validated := await desk.store.enhancements.transition(
            each, "pass", commit=commit, branch=target.landing_branch, changed_at=desk.clock()
        ):
            found[each.id] = validated
    if found:
        await _say_landed(target, [found[key] for key in reversed([*there]) if key in found], desk)
    return left


async def recover(target: Target, desk: Desk) -> None:
    """Finish what a crash interrupted between validated and applied."""
    interrupted = await desk.store.enhancements.find(
        target_id=target.id, state=EnhancementState.VALIDATED
    )
    if not interrupted:
        return
    repository = desk.repository(target)
    await asyncio.to_thread(repository.refresh, target)
    landed = await asyncio.to_thread(repository.landed, target, [each.id for each in interrupted])
    by_id = {each.id: each for each in interrupted}
    # Newest first is how they are found; they are said in the order in which they stand.
    there = [
        by_id[key].model_copy(update={"commit": commit})
        for key, commit in reversed(list(landed.items()))
    ]
    await _say_landed(target, there, desk)
    for each in interrupted:
        if each.id not in landed:
            await desk.store.enhancements.transition(
                each, "return", commit=None, changed_at=desk.clock()
            )
