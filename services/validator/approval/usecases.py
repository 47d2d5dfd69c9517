"""Requesting a person's approval before a change lands, and applying the decision."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.validator.approval.domain import (
    EditedFile,
    behaviour_reason,
    deceptive_reason,
    edited_tests_reason,
    gain_reason,
    invalid_approval_reason,
    policy_reason,
    uncovered_reason,
    unprotected_reason,
    workflow_reason,
)
from services.validator.deps import ValidatorDeps
from services.validator.prepared import PreparedHead
from services.validator.queue.transitions import (
    publish_if_unpublished,
    publish_outcome,
    reject,
    transition_and_publish,
)
from shared.agent_types import agent_specs
from shared.behaviour import judge_behaviour
from shared.behaviour.declarations import UNDECLARED, FixBehaviour
from shared.contracts.commands import DecideEnhancement
from shared.contracts.documents.behaviour import BehaviourEvidence
from shared.contracts.documents.enhancements import Approval, Enhancement
from shared.contracts.documents.gain import Gain
from shared.contracts.documents.protection import Protection
from shared.contracts.documents.workflows import WorkflowCheck
from shared.contracts.states import EnhancementState
from shared.kernel.errors import Conflict
from shared.sandbox.ports import Sandbox
from shared.targets.config import TargetConfig
from shared.targets.shadowing import known_modules, shadowed_module
from shared.targets.tree import GitTree


async def request_approvals(
    changes: Sequence[Enhancement],
    prepared: PreparedHead,
    base: str,
    evidence: Callable[[Enhancement], Sequence[str]],
    deps: ValidatorDeps,
    *,
    proofs: Container[str] = (),
    behaviours: Mapping[str, BehaviourEvidence] | None = None,
    protections: Mapping[str, Protection] | None = None,
    edits: Mapping[str, Sequence[EditedFile]] | None = None,
    gains: Mapping[str, Gain] | None = None,
    workflows: Mapping[str, WorkflowCheck] | None = None,
    run: str | None = None,
) -> list[Enhancement]:
    """Request approval of the changes that need it and have no valid one, and return those.

    `evidence` returns the evidence for a change, `proofs` has the changes proven to leave the
    program as it is, `behaviours` what the code of the others shows, `gains` what was measured of
    those that promise speed, `workflows` what n8n showed of others, `run` is the full run that
    passed, if any. The requests are stored and published; an approval that is not valid is dropped.
    """
    needing = []
    for each in changes:
        why = _reason(
            each,
            prepared.profile.config,
            deps.sandbox,
            is_proven=each.id in proofs,
            behaviour=(behaviours or {}).get(each.id),
            protection=(protections or {}).get(each.id),
            edits=(edits or {}).get(each.id, ()),
            gain=(gains or {}).get(each.id),
            check=(workflows or {}).get(each.id),
        )
        if why and each.decision.approval is not None:
            why = invalid_approval_reason(each, base)
        if why:
            fields = {
                "decision__approval_reason": why,
                "decision__approval": None,
                "decision__evidence": tuple(evidence(each)),
                "decision__run": run,
            }
            await transition_and_publish(each, "request_approval", deps, **fields)
            needing.append(each)
    return needing


def _reason(
    change: Enhancement,
    config: TargetConfig,
    sandbox: Sandbox,
    *,
    is_proven: bool,
    behaviour: BehaviourEvidence | None,
    protection: Protection | None,
    edits: Sequence[EditedFile],
    gain: Gain | None,
    check: WorkflowCheck | None,
) -> str:
    """Return why a change needs approval; empty if it needs none.

    What the tests could or could not notice says nothing of a change that is proven to leave the
    program as it is. Its `behaviour` is judged only where its rule may change more than that.
    """
    why = policy_reason(
        change, config, tier=sandbox.tier, trusted=sandbox.trusted, proven=is_proven
    )
    why = why or deceptive_reason(edits) or gain_reason(gain)
    why = why or workflow_reason(change, check, config)
    if why or is_proven:
        return why or behaviour_reason(behaviour)
    return (
        edited_tests_reason(edits, config)
        or behaviour_reason(behaviour)
        or uncovered_reason(protection)
        or unprotected_reason(change, protection, config)
    )


def edited_files(
    changes: Sequence[Enhancement],
    steps: Sequence[tuple[str, str]],
    prepared: PreparedHead,
    present: Iterable[str],
) -> dict[str, list[EditedFile]]:
    """Return the files that each change edits, by its id; blocks.

    `steps` are those of a composition of exactly these changes, `present` the ids of the tests in
    the head's suite.
    """
    tests_by_file: dict[str, set[str]] = defaultdict(set)
    for test in present:
        path, _, name = test.partition("::")
        if name:
            tests_by_file[path].add(name)
    by_id, found = {each.id: each for each in changes}, {}
    old = prepared.mirror.tree(prepared.tree)
    known = known_modules(prepared.environment.bin.parent)
    for change, after in steps:
        new = prepared.mirror.tree(after)
        found[change] = [
            _edited_file(path, old, new, frozenset(tests_by_file[path]), known)
            for path in by_id[change].proposal.files
        ]
        old = new
    return found


@dataclass(frozen=True)
class JudgedBehaviour:
    """What a change's edits, on those before it, show about behaviour."""

    edits: Sequence[EditedFile]
    evidence: BehaviourEvidence


async def judge_behaviours(
    changes: Sequence[Enhancement],
    prepared: PreparedHead,
    edits: Mapping[str, Sequence[EditedFile]],
    known: dict[str, JudgedBehaviour],
    deps: ValidatorDeps,
) -> dict[str, BehaviourEvidence]:
    """Judge if each change keeps behaviour by what its rule declares; store and return that by id.

    The rule is what its author names, the edits are what it really does: a condition recognizes
    those, so that a change which does anything else than its rule is not shown to keep behaviour.
    Changes whose edits are as in `known`, by id, are not judged again; the others are added to it.
    """
    made = {each.id: edits.get(each.id, ()) for each in changes}
    new = [
        each for each in changes if each.id not in known or known[each.id].edits != made[each.id]
    ]
    judged = await asyncio.to_thread(
        lambda: {each.id: _judge(each, prepared, made[each.id]) for each in new}
    )
    await deps.store.enhancements.set_field_of_each("decision__behaviour", judged)
    known |= {key: JudgedBehaviour(made[key], evidence) for key, evidence in judged.items()}
    return {each.id: known[each.id].evidence for each in changes}


def may_change_more(change: Enhancement) -> bool:
    """Return whether the rule of a change may change what is not in the compiled program."""
    return _declared_behaviour(change).beyond_program


def _declared_behaviour(change: Enhancement) -> FixBehaviour:
    """Return what the rule of a change declares about behaviour."""
    spec = agent_specs().get(change.proposal.author.agent_type)
    return spec.behaviour(change.proposal.fix.rule) if spec is not None else UNDECLARED


def _judge(
    change: Enhancement, prepared: PreparedHead, edits: Sequence[EditedFile]
) -> BehaviourEvidence:
    """Return the evidence on whether a change's edits keep behaviour, by what its rule declares."""
    fix, config = change.proposal.fix, prepared.profile.config
    behaviour = _declared_behaviour(change)
    allowed = f"the target's policy allows {fix.code}" if config.policy.allows(fix.rule) else ""
    files = {each.path: (each.before, each.after) for each in edits}
    return judge_behaviour(behaviour, files, prepared.names, prepared.profile, allowed=allowed)


def _edited_file(
    path: str, old: GitTree, new: GitTree, tests: frozenset[str], known: frozenset[str]
) -> EditedFile:
    """Return a file before and after a change (empty where absent), and what it shadows."""
    is_new = old.read(path) is None
    shadows = shadowed_module(path, frozenset(old.files()), known) if is_new else ""
    return EditedFile(path, _text(old, path), _text(new, path), tests, shadows)


def _text(tree: GitTree, path: str) -> str:
    """Return a file's text, with invalid bytes replaced; empty if it does not exist."""
    return (tree.read(path) or b"").decode(errors="replace")


async def decide(command: DecideEnhancement, deps: ValidatorDeps) -> None:
    """Approve a change, so that the gate takes it again, or reject it.

    A repeated decision is only published again. Raises `Conflict` if the change does not need
    approval, or its patch is another one by now.
    """
    change = await deps.store.enhancements.require(command.enhancement_id)
    if change.state is not EnhancementState.NEEDS_APPROVAL:
        _check_repeated(change, command)
        await publish_outcome(change, deps)
        return
    if command.patch not in {None, change.proposal.required_patch.digest}:
        raise Conflict(
            f"Enhancement {change.id} has another patch by now.",
            hint="Inspect it again: groundswell enhancement diff.",
            code="patch_changed",
        )
    if command.decision == "reject":
        await reject(change, f"{command.by or 'a person'} said no: {command.reason}", deps)
        return
    await _approve(change, command, deps)


async def _approve(change: Enhancement, command: DecideEnhancement, deps: ValidatorDeps) -> None:
    """Store a person's approval of the change's patch on the present base, and publish it."""
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
    """Raise `Conflict` unless the same decision was made before."""
    approved = change.decision.approval is not None and command.decision == "approve"
    if approved or (change.state is EnhancementState.REJECTED and command.decision == "reject"):
        return
    raise Conflict(
        f"Enhancement {change.id} is {change.state}; only one that needs approval can be decided.",
        hint="See groundswell enhancement list --state needs_approval.",
        code="not_waiting",
    )
