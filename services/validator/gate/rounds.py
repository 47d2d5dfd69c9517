"""One head, and the changes that are tried on it: opened, screened, composed."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.validator.decision.evidence import Evidence, Run
from services.validator.decision.rates import Rate
from services.validator.deps import ValidatorDeps
from services.validator.findings.usecases import Step, check_findings
from services.validator.git.ports import Composition
from services.validator.impact.usecases import Recorded
from services.validator.landing import usecases as landing
from services.validator.prepared import PreparedHead, prepare_head
from services.validator.queue import pool
from services.validator.queue.transitions import expire, reject
from services.validator.runs.usecases.runs import Order, read_report, run_tests
from services.validator.suite.domain.reports import TestReport
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.protection import Protection
from shared.contracts.documents.runs import TestRun
from shared.contracts.documents.targets import Target
from shared.kernel.errors import Rejected
from shared.targets.head import Head
from shared.targets.languages import invalid_reason


class HeadNotTestable(Rejected):
    """Nothing at all can be tried on this head: there is none, or no environment or no report for it."""


@dataclass
class Epoch:
    """One head, the changes tried on it in their order, and what is known so far.

    `base` is the report of the head itself, which may still be on its way. `impacted`, `needs`, `risks`
    and `protections` are by change, as far as anybody has asked; `misjudged` are the components whose choice of
    tests was often wrong, `planted` the full runs before which faults have had their turn.
    """

    target: Target
    place: PreparedHead
    base: "asyncio.Future[TestReport]"
    base_commit: str
    wave_id: str
    changes: dict[str, Enhancement]
    patches: Mapping[str, str]
    evidence: dict[Run, Evidence] = field(default_factory=dict)
    verdicts: dict[Run, TestRun] = field(default_factory=dict)
    trees: dict[tuple[str, ...], str] = field(default_factory=dict)
    parsed: set[str] = field(default_factory=set)
    impacted: dict[str, frozenset[str] | None] = field(default_factory=dict)
    needs: dict[str, frozenset[str]] = field(default_factory=dict)
    misjudged: set[str] = field(default_factory=set)
    risks: dict[str, float] = field(default_factory=dict)
    flaky: dict[str, Rate] = field(default_factory=dict)
    recorded: Recorded | None = None
    protections: dict[str, Protection] = field(default_factory=dict)
    planted: set[Run] = field(default_factory=set)

    def drop(self, change: str) -> Enhancement:
        """It was refused or sent away: the rest goes on without it."""
        return self.changes.pop(change)


async def open_epoch(target: Target, ready: Sequence[Enhancement], deps: ValidatorDeps) -> Epoch:
    """Take these changes into the gate, on the present head. Raises `HeadNotTestable`, now or where the base is awaited."""
    head, place = await _head(target, deps)
    validating = await landing.find_landed(target, await pool.validate(ready, deps), deps)
    patches = await pool.patches(validating, deps)
    wave_id = ready[0].wave_id
    return Epoch(
        target=target,
        place=place,
        # Nothing may fail between this and whoever stops it.
        base=asyncio.ensure_future(_baseline(place, wave_id, deps)),
        base_commit=head.base,
        wave_id=wave_id,
        changes={change.id: change for change in validating},
        patches=patches,
    )


async def _head(target: Target, deps: ValidatorDeps) -> tuple[Head, PreparedHead]:
    try:
        head = await asyncio.to_thread(deps.repository(target).refresh, target)
        return head, await prepare_head(deps, target, head.commit)
    except Rejected as error:
        raise HeadNotTestable(error.message, hint=error.hint, code=error.code) from error


async def _baseline(place: PreparedHead, wave_id: str, deps: ValidatorDeps) -> TestReport:
    order = Order(place.tree, "baseline", record=True, why="what passes before anything is changed")
    verdict = await run_tests(deps, place, order, wave_id=wave_id)
    if verdict.result.outcome != "reported":
        reason = verdict.result.detail.partition("\n")[0]
        raise HeadNotTestable("the tests gave no usable report on the head.", hint=reason)
    return await read_report(verdict, deps)


async def screen(epoch: Epoch, deps: ValidatorDeps) -> None:
    """Refuse what breaks a rule that takes no run: the policy on patches, and promises about findings."""
    for change in list(epoch.changes.values()):
        try:
            problem = await _broken_rule(change, epoch, deps)
        except Rejected as error:
            # What cannot be known of one change is nothing against the others.
            await expire(epoch.drop(change.id), f"could not be tried: {error.message}", deps)
        else:
            if problem:
                await reject(epoch.drop(change.id), problem, deps)
    await _screen_findings(epoch, deps)


async def _broken_rule(change: Enhancement, epoch: Epoch, deps: ValidatorDeps) -> str | None:
    paths = (await deps.store.tasks.require(change.task_id)).paths
    config, head = epoch.place.profile.config, epoch.place.head
    return deps.repository(epoch.target).broken_rule(epoch.patches[change.id], paths, config, head)


async def _screen_findings(epoch: Epoch, deps: ValidatorDeps) -> None:
    """The detectors look again: what a change claims to fix is gone, and nothing as bad is new."""
    composition = await compose(epoch, tuple(epoch.changes), deps)
    before, steps = epoch.place.tree, []
    for change, tree in composition.steps:
        steps.append(Step(epoch.changes[change], before, tree))
        before = tree
    for change, problem in (await check_findings(steps, epoch.place, deps)).items():
        if problem:
            await reject(epoch.drop(change), f"findings: {problem}", deps)


async def send_away(epoch: Epoch, deps: ValidatorDeps) -> bool:
    """Let go of what does not apply any more, and refuse what is no Python; whether all that is left stands."""
    composition = await compose(epoch, tuple(epoch.changes), deps)
    for change, why in composition.failed:
        await expire(epoch.drop(change), f"does not apply: {why}", deps)
    return not composition.failed and not await _refuse_invalid(epoch, composition, deps)


async def _refuse_invalid(epoch: Epoch, composition: Composition, deps: ValidatorDeps) -> bool:
    """Refuse the change that leaves a file that is no Python any more: no test may ever load it."""
    if composition.tree in epoch.parsed:
        return False
    repository = deps.repository(epoch.target)
    found = await asyncio.to_thread(
        repository.find_syntax_error, epoch.place.head, composition.steps
    )
    if found is None:
        epoch.parsed.add(composition.tree)
        return False
    change, path = found
    await reject(epoch.drop(change), f"syntax: {invalid_reason(path)}", deps)
    return True


async def compose(epoch: Epoch, ids: Sequence[str], deps: ValidatorDeps) -> Composition:
    """The head with these changes on it, built on the longest part of them that was built before."""
    repository = deps.repository(epoch.target)
    chosen = set(ids)
    ordered = [each for each in epoch.changes if each in chosen]
    known = next(
        n for n in range(len(ordered), -1, -1) if not n or tuple(ordered[:n]) in epoch.trees
    )
    start = epoch.trees[tuple(ordered[:known])] if known else epoch.place.head
    rest = [(each, epoch.patches[each]) for each in ordered[known:]]
    composed = await asyncio.to_thread(repository.compose, start, rest)
    applied = ordered[:known]
    for change, tree in composed.steps:
        applied.append(change)
        epoch.trees[tuple(applied)] = tree
    steps = tuple((each, epoch.trees[tuple(applied[: n + 1])]) for n, each in enumerate(applied))
    return Composition(composed.tree, steps, composed.failed)
