"""Asking a person before a change lands, and taking in the answer."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from services.validator.approval.domain import (
    Edited,
    asks,
    asks_edited,
    asks_uncovered,
    asks_unprotected,
    lapsed,
)
from services.validator.deps import ValidatorDeps
from services.validator.prepared import PreparedHead
from services.validator.queue.transitions import (
    publish_if_unpublished,
    publish_outcome,
    reject,
    transition_and_publish,
)
from shared.contracts.commands import DecideEnhancement
from shared.contracts.documents.enhancements import Approval, Enhancement
from shared.contracts.documents.protection import Protection
from shared.contracts.states import EnhancementState
from shared.kernel.errors import Conflict
from shared.targets.tree import Tree


async def ask_for(
    changes: Sequence[Enhancement],
    place: PreparedHead,
    base: str,
    evidence: Callable[[Enhancement], Sequence[str]],
    deps: ValidatorDeps,
    *,
    protections: Mapping[str, Protection] | None = None,
    edits: Mapping[str, Sequence[Edited]] | None = None,
    run: str | None = None,
) -> list[Enhancement]:
    """Those of the changes that may not land without a person: each of them asks for one now.

    `evidence` is what speaks for one of them, and `run` the full run that passed, if one was made.
    """
    asked, config = [], place.profile.config
    for each in changes:
        why = asks(each, config, tier=deps.sandbox.tier, trusted=deps.sandbox.trusted)
        why = why or asks_edited((edits or {}).get(each.id, ()), config)
        why = why or asks_uncovered((protections or {}).get(each.id))
        why = why or asks_unprotected(each, (protections or {}).get(each.id), config)
        if why and each.decision.approval is not None:
            why = lapsed(each, base)
        if why:
            said = {
                "decision__approval_reason": why,
                "decision__approval": None,
                "decision__evidence": tuple(evidence(each)),
                "decision__run": run,
            }
            await transition_and_publish(each, "request_approval", deps, **said)
            asked.append(each)
    return asked


def edits_of(
    changes: Sequence[Enhancement],
    steps: Sequence[tuple[str, str]],
    place: PreparedHead,
    present: Iterable[str],
) -> dict[str, list[Edited]]:
    """What each change does to its files, by change; blocks.

    `steps` are those of a composition of exactly these, `present` the tests of the head's suite.
    """
    inside: dict[str, set[str]] = defaultdict(set)
    for test in present:
        path, _, name = test.partition("::")
        if name:
            inside[path].add(name)
    by_id, before, found = {each.id: each for each in changes}, place.tree, {}
    for change, after in steps:
        old, new = place.mirror.tree(before), place.mirror.tree(after)
        found[change] = [
            Edited(path, _text(old, path), _text(new, path), frozenset(inside[path]))
            for path in by_id[change].proposal.files
        ]
        before = after
    return found


def _text(tree: Tree, path: str) -> str:
    return (tree.read(path) or b"").decode(errors="replace")


async def decide(command: DecideEnhancement, deps: ValidatorDeps) -> None:
    """Let a change through to the gate once more, or refuse it; decided twice is decided once."""
    change = await deps.store.enhancements.require(command.enhancement_id)
    if change.state is not EnhancementState.NEEDS_APPROVAL:
        _check_repeated(change, command)
        await publish_outcome(change, deps)
        return
    if command.patch not in {None, change.proposal.required_patch.digest}:
        raise Conflict(
            f"Enhancement {change.id} has another patch by now.",
            hint="Look at it again: groundswell enhancement diff.",
            code="patch_changed",
        )
    if command.decision == "reject":
        await reject(change, f"{command.by or 'a person'} said no: {command.reason}", deps)
        return
    await _approve(change, command, deps)


async def _approve(change: Enhancement, command: DecideEnhancement, deps: ValidatorDeps) -> None:
    target = await deps.store.targets.require(change.target_id)
    head = await asyncio.to_thread(deps.repository(target).refresh, target)
    await publish_if_unpublished(change, deps)
    now = deps.clock()
    approval = Approval(
        by=command.by,
        reason=command.reason,
        patch=change.proposal.required_patch.digest,
        base=head.base,
        at=now,
    )
    moved = await deps.store.enhancements.transition(
        change, "approve", decision__approval=approval, changed_at=now, finished_at=None
    )
    await publish_outcome(moved or await deps.store.enhancements.require(change.id), deps)


def _check_repeated(change: Enhancement, command: DecideEnhancement) -> None:
    """The same decision again is fine; any other comes too late."""
    approved = change.decision.approval is not None and command.decision == "approve"
    if approved or (change.state is EnhancementState.REJECTED and command.decision == "reject"):
        return
    raise Conflict(
        f"Enhancement {change.id} is {change.state}; only one that needs approval can be decided.",
        hint="See groundswell enhancement list --state needs_approval.",
        code="not_waiting",
    )
