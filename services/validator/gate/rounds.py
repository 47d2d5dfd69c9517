"""A round of the gate: one head, and the changes that are opened, screened and composed on it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.validator.approval.domain import changes_tried_next, invalid_approval_reason
from services.validator.decision.evidence import RunEvidence, RunPlan
from services.validator.deps import ValidatorDeps
from services.validator.findings.usecases import changes_with_trees, check_findings
from services.validator.gate.facts import ChangeFacts
from services.validator.gate.heads import prepare_known_head, run_on_head
from services.validator.gate.selections import Selections
from services.validator.git.ports import Composition
from services.validator.landing import usecases as landing
from services.validator.prepared import PreparedHead
from services.validator.queue import pool
from services.validator.queue.transitions import expire, reject
from services.validator.suite.domain.reports import TestReport
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.protection import Protection
from shared.contracts.documents.runs import TestRun
from shared.contracts.documents.targets import Target
from shared.kernel.errors import Rejected
from shared.targets.head import Head
from shared.targets.languages import invalid_reason
from shared.targets.patches import parse_patch
from shared.targets.setup_inputs import is_compiled_source


@dataclass
class MutationState:
    """The protection of changes, and the full runs before which mutants were already considered.

    `selections` are the tests that failed without a mutant because others did not run.
    """

    protections: dict[str, Protection] = field(default_factory=dict)
    considered: set[RunPlan] = field(default_factory=set)
    selections: Selections = field(default_factory=Selections)


@dataclass
class ComposedTrees:
    """The trees composed so far by the changes in them, and those whose files all parse."""

    by_changes: dict[tuple[str, ...], str] = field(default_factory=dict)
    valid: set[str] = field(default_factory=set)


@dataclass
class GateRound:
    """One head, the changes that are tried on it in their order, and what is known so far.

    `baseline` is the report of the head itself, which may still be running. `evidence` and `runs`
    hold what was run, and `patches` has the patch of each change.
    """

    target: Target
    prepared: PreparedHead
    baseline: "asyncio.Future[TestReport]"
    base_commit: str
    wave_id: str
    changes: dict[str, Enhancement]
    patches: Mapping[str, str]
    evidence: dict[RunPlan, RunEvidence] = field(default_factory=dict)
    runs: dict[RunPlan, TestRun] = field(default_factory=dict)
    composed: ComposedTrees = field(default_factory=ComposedTrees)
    facts: ChangeFacts = field(default_factory=ChangeFacts)
    mutation: MutationState = field(default_factory=MutationState)

    def is_approved(self, change: str) -> bool:
        """Return true if a change has an approval that is valid on the round's base commit."""
        approved = self.changes[change]
        return approved.decision.approval is not None and not invalid_approval_reason(
            approved, self.base_commit
        )

    def approved_edits(self, changes: Sequence[str], tree: str) -> tuple[str, ...]:
        """Return the protected files that take effect in a run of these changes, as in its `tree`.

        They are those that one approved change edits, where it is tried alone. It blocks.
        """
        if len(changes) != 1 or not self.is_approved(changes[0]):
            return ()
        return self.prepared.changed_protected_files(tree)

    def remove(self, change: str) -> Enhancement:
        """Remove and return a change that has ended; the round goes on without it."""
        return self.changes.pop(change)


async def expire_foreign(
    target: Target, ready: Sequence[Enhancement], deps: ValidatorDeps
) -> list[Enhancement]:
    """Expire the changes made for another repository at the same location; return the others."""
    find_reason = deps.repository(target).replaced_reason
    bases = {each.id: each.proposal.required_patch.base_commit for each in ready}
    reasons = {
        commit: await asyncio.to_thread(find_reason, target, commit)
        for commit in dict.fromkeys(bases.values())
    }
    for each in ready:
        if reason := reasons[bases[each.id]]:
            await expire(each, f"could not be tried: {reason}", deps)
    return [each for each in ready if not reasons[bases[each.id]]]


async def open_round(
    target: Target, head: Head, ready: Sequence[Enhancement], deps: ValidatorDeps
) -> GateRound:
    """Return a new round on the head with those changes that are tried next; its baseline runs.

    Raises `HeadNotTestable`, at once or where the baseline is awaited.
    """
    prepared = await prepare_known_head(target, head, ready[0].wave_id, deps)
    ready = changes_tried_next(ready, head.base, prepared.profile.config)
    validating = await landing.find_landed(target, await pool.begin_validation(ready, deps), deps)
    patches = await pool.load_patches(validating, deps)
    wave_id = ready[0].wave_id
    return GateRound(
        target=target,
        prepared=prepared,
        # From here on the caller stops it, so nothing may fail in between.
        baseline=asyncio.ensure_future(run_on_head(prepared, wave_id, deps)),
        base_commit=head.base,
        wave_id=wave_id,
        changes={change.id: change for change in validating},
        patches=patches,
    )


async def screen(gate_round: GateRound, deps: ValidatorDeps) -> None:
    """Reject those that break patch policy or findings; expire those whose task cannot be read."""
    paths: dict[str, Sequence[str]] = {}
    for change in list(gate_round.changes.values()):
        try:
            if change.task_id not in paths:
                paths[change.task_id] = (await deps.store.tasks.require(change.task_id)).paths
            problem = await _policy_violation(change, paths[change.task_id], gate_round, deps)
        except Rejected as error:
            # A change whose task cannot be read must not hold up the others.
            reason = f"could not be tried: {error.message}"
            await expire(gate_round.remove(change.id), reason, deps)
        else:
            if problem:
                await reject(gate_round.remove(change.id), problem, deps)
    await _screen_findings(gate_round, deps)


async def _policy_violation(
    change: Enhancement, paths: Sequence[str], gate_round: GateRound, deps: ValidatorDeps
) -> str | None:
    """Return the rule that a change's patch breaks, in words; None if it breaks none.

    `paths` are those that its task may change.
    """
    config, head = gate_round.prepared.profile.config, gate_round.prepared.head
    patch = gate_round.patches[change.id]
    compiled = [each for each in change.proposal.files if is_compiled_source(each)]
    if compiled and gate_round.prepared.environment.has_compiled_modules:
        return (
            f"compiled: {compiled[0]} is compiled by the set-up, which is only made for the head, "
            "so no test would run the change"
        )
    repository = deps.repository(gate_round.target)
    # It parses the patch and may list all files of the head: leader leases are renewed meanwhile.
    broken = await asyncio.to_thread(repository.broken_rule, patch, paths, config, head)
    return broken or _unnamed_file(patch, change)


def _unnamed_file(patch: str, change: Enhancement) -> str | None:
    """Return that a patch edits a file that its change does not name; None if there is none."""
    paths = (each.path for each in parse_patch(patch))
    unnamed = next((path for path in paths if path not in change.proposal.files), None)
    return f"unnamed-file: its patch also edits {unnamed}" if unnamed else None


async def _screen_findings(gate_round: GateRound, deps: ValidatorDeps) -> None:
    """Reject changes that leave a finding they claim to fix, or add one that is as severe."""
    composition = await compose(gate_round, tuple(gate_round.changes), deps)
    changes, tree = [*gate_round.changes.values()], gate_round.prepared.tree
    steps = changes_with_trees(changes, composition.steps, tree)
    for change, problem in (await check_findings(steps, gate_round.prepared, deps)).items():
        if problem:
            await reject(gate_round.remove(change), f"findings: {problem}", deps)


async def remove_unusable(gate_round: GateRound, deps: ValidatorDeps) -> bool:
    """Expire changes that no longer apply and reject those that leave a file that does not parse.

    Returns true if all remaining changes apply together.
    """
    composition = await compose(gate_round, tuple(gate_round.changes), deps)
    for change, why in composition.failed:
        await expire(gate_round.remove(change), f"does not apply: {why}", deps)
    return not composition.failed and not await _reject_invalid(gate_round, composition, deps)


async def _reject_invalid(
    gate_round: GateRound, composition: Composition, deps: ValidatorDeps
) -> bool:
    """Reject the change that leaves a file which does not parse, as maybe no test imports it.

    Returns true if there was one.
    """
    if composition.tree in gate_round.composed.valid:
        return False
    repository = deps.repository(gate_round.target)
    head = gate_round.prepared.head
    found = await asyncio.to_thread(repository.find_syntax_error, head, composition.steps)
    if found is None:
        gate_round.composed.valid.add(composition.tree)
        return False
    change, path = found
    await reject(gate_round.remove(change), f"syntax: {invalid_reason(path)}", deps)
    return True


async def compose(gate_round: GateRound, ids: Sequence[str], deps: ValidatorDeps) -> Composition:
    """Apply these changes to the head in the round's order; a prefix composed before is reused."""
    repository, trees = deps.repository(gate_round.target), gate_round.composed.by_changes
    chosen = set(ids)
    ordered = [each for each in gate_round.changes if each in chosen]
    known = next(n for n in range(len(ordered), -1, -1) if not n or tuple(ordered[:n]) in trees)
    start = trees[tuple(ordered[:known])] if known else gate_round.prepared.head
    rest = [(each, gate_round.patches[each]) for each in ordered[known:]]
    composed = await asyncio.to_thread(repository.compose, start, rest)
    applied = ordered[:known]
    for change, tree in composed.steps:
        applied.append(change)
        trees[tuple(applied)] = tree
    steps = tuple((each, trees[tuple(applied[: n + 1])]) for n, each in enumerate(applied))
    return Composition(composed.tree, steps, composed.failed)
