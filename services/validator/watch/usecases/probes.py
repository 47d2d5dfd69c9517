"""The probes of a check: each measures which symptoms are present at a commit.

Another source of health is another entry in `PROBES`: its symptoms, whatever they are, are
confirmed, bisected and blamed by `services.validator.watch.domain.watching` like failing tests.
"""

from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.validator.decision.comparison import PASSING, worse_tests
from services.validator.deps import ValidatorDeps
from services.validator.prepared import PreparedHead
from services.validator.runs.domain.requests import RunRequest
from services.validator.runs.usecases.reports import read_report
from services.validator.runs.usecases.request import run_tests
from services.validator.suite.domain.reports import Outcome
from services.validator.watch.domain.watching import (
    BEFORE,
    REPETITIONS_PER_CHECK,
    TIP,
    NotObserved,
    Observation,
    ObservationRequest,
    Observed,
)
from shared.agent_types import health_dimensions
from shared.contracts.base import RunPurpose
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.findings import FindingSet
from shared.contracts.documents.runs import TestRun
from shared.contracts.documents.watches import Watch
from shared.mongo.collections import latest_findings


def repetition(watch: Watch) -> int:
    """Return the number that keeps the runs of the current check apart from all others.

    Known trees are run again under it. It is derived from the second in which the check began, so
    that an interrupted check finds its runs again, and two that begin together share theirs.
    The gate's own repetitions count from 0.
    """
    begun = watch.check_started_at or watch.due_at
    return int(begun.timestamp()) * REPETITIONS_PER_CHECK


@dataclass(frozen=True)
class CheckContext:
    """What one check needs: the branch as it is now, and the watched changes still on it."""

    watch: Watch
    prepared: PreparedHead
    changes: Sequence[Enhancement]

    def commit(self, place: int) -> str:
        """Return the commit at a position: `TIP`, `BEFORE`, or the number of a watched change."""
        if place == TIP:
            return self.prepared.head
        return self.watch.before if place == BEFORE else self.watch.changes[place - 1].commit

    def touched(self) -> frozenset[str]:
        """Return the paths of the files that the watched changes touched."""
        return frozenset(path for each in self.changes for path in each.proposal.files)


@dataclass(frozen=True)
class Probe:
    """A source of health.

    `observe` makes one measurement, `components` names those that symptoms belong to.
    """

    name: str
    observe: Callable[
        [CheckContext, ObservationRequest, ValidatorDeps], Coroutine[Any, Any, Observation]
    ]
    components: Callable[[CheckContext, Collection[str], ValidatorDeps], Awaitable[tuple[str, ...]]]


async def _observe_tests(
    context: CheckContext, request: ObservationRequest, deps: ValidatorDeps
) -> Observation:
    """Observe which requested tests do not pass; without any, which are worse than at landing.

    The head's tests run on every commit, so only the code differs.
    """
    run = await _run(context, request, deps)
    if run.result.outcome != "reported":
        return NotObserved(run.result.detail.partition("\n")[0])
    outcomes = (await read_report(run, deps)).outcomes
    if request.symptoms:
        return Observed(frozenset(t for t in request.symptoms if outcomes.get(t) not in PASSING))
    known = await _outcomes_at_landing(context, deps)
    return known if isinstance(known, NotObserved) else Observed(worse_tests(known, outcomes))


async def _run(context: CheckContext, request: ObservationRequest, deps: ValidatorDeps) -> TestRun:
    """Run tests at the position that is asked about, under the head's test files."""
    prepared = context.prepared
    order = RunRequest(
        tree=prepared.mirror.tree(context.commit(request.place)).oid,
        purpose=RunPurpose.WATCH,
        tests=request.symptoms,
        repetition=repetition(context.watch) + request.round,
        repeat=request.times,
        why=f"check {context.watch.current_check} of {context.watch.checks} after landing",
    )
    return await run_tests(deps, prepared, order, wave_id=context.watch.wave_id)


async def _outcomes_at_landing(
    context: CheckContext, deps: ValidatorDeps
) -> Mapping[str, Outcome] | NotObserved:
    """Return the test outcomes at landing; if they are unknown, those before it, measured now."""
    run = await deps.store.runs.get(context.watch.run) if context.watch.run else None
    if run is None or run.result.report is None:
        run = await _run(context, ObservationRequest(BEFORE), deps)
    if run.result.outcome != "reported":
        return NotObserved(run.result.detail.partition("\n")[0])
    return (await read_report(run, deps)).outcomes


async def _changed_components(
    context: CheckContext, symptoms: Collection[str], deps: ValidatorDeps
) -> tuple[str, ...]:
    """Return the components of the landed changes, since a test belongs to none."""
    del symptoms, deps
    return tuple(sorted({each.proposal.component for each in context.changes}))


async def _observe_findings(
    context: CheckContext, request: ObservationRequest, deps: ValidatorDeps
) -> Observation:
    """Observe which requested findings are there; without any, new ones that lowered a score.

    They are known by fingerprint, at commits where agents measured them: both ends of a wave, so
    hardly ever the commits in between.
    """
    there = await _findings(context, request.place, deps)
    if there is None:
        return NotObserved(f"findings were not measured on {context.commit(request.place)[:10]}")
    if request.symptoms:
        return Observed(frozenset(request.symptoms) & {each.fingerprint for each in there.findings})
    before = await _findings(context, BEFORE, deps)
    if before is None:
        return NotObserved(f"these detectors did not measure {context.watch.before[:10]}")
    known = {each.fingerprint for each in before.findings}
    fallen, touched = await _degraded_components(context, deps), context.touched()
    new = [each for each in there.findings if each.fingerprint not in known]
    mine = [each for each in new if each.path in touched and each.component in fallen]
    return Observed(frozenset(each.fingerprint for each in mine))


async def _findings(context: CheckContext, place: int, deps: ValidatorDeps) -> FindingSet | None:
    """Return the findings at a position by the detectors that last measured the branch, or None.

    Findings of other detectors cannot be compared with them.
    """
    newest = await latest_findings(deps.store, context.watch.target_id, context.commit(TIP))
    if newest is None or place == TIP:
        return newest
    key = f"{context.watch.target_id}:{context.commit(place)}:{newest.detectors}"
    return await deps.store.findings.get(key)


async def _degraded_components(context: CheckContext, deps: ValidatorDeps) -> frozenset[str]:
    """Return the components that the changes touched and whose score is lower than before them."""
    scores: dict[int, dict[tuple[str, str], float]] = {}
    for place in (BEFORE, TIP):
        measured = await deps.store.health.find(
            target_id=context.watch.target_id,
            commit=context.commit(place),
            dimension=list(health_dimensions()),
        )
        scores[place] = {(each.component, each.dimension): each.score for each in measured}
    mine = {each.proposal.component for each in context.changes}
    now = scores[TIP]
    return frozenset(
        key[0] for key, was in scores[BEFORE].items() if key[0] in mine and now.get(key, was) < was
    )


async def _components_with_findings(
    context: CheckContext, symptoms: Collection[str], deps: ValidatorDeps
) -> tuple[str, ...]:
    """Return the components in which the findings of these fingerprints are on the branch."""
    there = await _findings(context, TIP, deps)
    found = there.findings if there else ()
    return tuple(sorted({each.component for each in found if each.fingerprint in symptoms}))


PROBES: tuple[Probe, ...] = (
    Probe("tests", _observe_tests, _changed_components),
    Probe("findings", _observe_findings, _components_with_findings),
)
