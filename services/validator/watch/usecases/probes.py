"""What is looked at in a check of what landed. A probe turns a place into the symptoms that are there.

Another source of health is another entry in `PROBES`: whatever it calls its symptoms, they are confirmed,
bisected and blamed by `services.validator.watch.domain.watching` like the failing tests here.
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
    ROUNDS,
    TIP,
    Look,
    Seen,
    Sight,
    Unseen,
)
from shared.agent_types import health_dimensions
from shared.contracts.base import RunPurpose
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.findings import FindingSet
from shared.contracts.documents.runs import TestRun
from shared.contracts.documents.watches import Watch


def repetition(watch: Watch) -> int:
    """Tells the runs of the check at work from all others: known trees are run anew.

    It is the second in which the check began, so that one that was cut off finds its runs again, and
    two that begin together share theirs. The gate counts from nought.
    """
    begun = watch.check_started_at or watch.due_at
    return int(begun.timestamp()) * ROUNDS


@dataclass(frozen=True)
class Scene:
    """One check: the branch as it is now, and those of the watched changes that are still on it."""

    watch: Watch
    place: PreparedHead
    changes: Sequence[Enhancement]

    def commit(self, place: int) -> str:
        """Which commit a place is."""
        if place == TIP:
            return self.place.head
        return self.watch.before if place == BEFORE else self.watch.changes[place - 1].commit

    def touched(self) -> frozenset[str]:
        """The files that the changes touched."""
        return frozenset(path for each in self.changes for path in each.proposal.files)


@dataclass(frozen=True)
class Probe:
    """`look` takes one measurement; `where` names the components that symptoms belong to."""

    name: str
    look: Callable[[Scene, Look, ValidatorDeps], Coroutine[Any, Any, Sight]]
    where: Callable[[Scene, Collection[str], ValidatorDeps], Awaitable[tuple[str, ...]]]


async def _look_at_tests(scene: Scene, look: Look, deps: ValidatorDeps) -> Sight:
    """The tests that do not pass there: those of the head judge every place, so only code differs."""
    verdict = await _run(scene, look, deps)
    if verdict.result.outcome != "reported":
        return Unseen(verdict.result.detail.partition("\n")[0])
    outcomes = (await read_report(verdict, deps)).outcomes
    if look.symptoms:
        return Seen(frozenset(t for t in look.symptoms if outcomes.get(t) not in PASSING))
    known = await _when_it_landed(scene, deps)
    return known if isinstance(known, Unseen) else Seen(worse_tests(known, outcomes))


async def _run(scene: Scene, look: Look, deps: ValidatorDeps) -> TestRun:
    place = scene.place
    order = RunRequest(
        tree=place.mirror.tree(scene.commit(look.place)).oid,
        purpose=RunPurpose.WATCH,
        tests=look.symptoms,
        repetition=repetition(scene.watch) + look.round,
        repeat=look.times,
        why=f"check {scene.watch.current_check} of {scene.watch.checks} after landing",
    )
    return await run_tests(deps, place, order, wave_id=scene.watch.wave_id)


async def _when_it_landed(scene: Scene, deps: ValidatorDeps) -> Mapping[str, Outcome] | Unseen:
    """How the tests ended on the tree that landed; where nobody knows, how they do now before it."""
    run = await deps.store.runs.get(scene.watch.run) if scene.watch.run else None
    if run is None or run.result.report is None:
        run = await _run(scene, Look(BEFORE), deps)
    if run.result.outcome != "reported":
        return Unseen(run.result.detail.partition("\n")[0])
    return (await read_report(run, deps)).outcomes


async def _where_changed(
    scene: Scene, symptoms: Collection[str], deps: ValidatorDeps
) -> tuple[str, ...]:
    """A test belongs to no component; what landed does."""
    del symptoms, deps
    return tuple(sorted({each.proposal.component for each in scene.changes}))


async def _look_at_findings(scene: Scene, look: Look, deps: ValidatorDeps) -> Sight:
    """By fingerprint, where the agents measured: at both ends of a wave, so hardly ever in between."""
    there = await _findings(scene, look.place, deps)
    if there is None:
        return Unseen(f"nobody looked for findings on {scene.commit(look.place)[:10]}")
    if look.symptoms:
        return Seen(frozenset(look.symptoms) & {each.fingerprint for each in there.findings})
    before = await _findings(scene, BEFORE, deps)
    if before is None:
        return Unseen(f"these detectors did not look on {scene.watch.before[:10]}")
    known = {each.fingerprint for each in before.findings}
    fallen, touched = await _fallen(scene, deps), scene.touched()
    new = [each for each in there.findings if each.fingerprint not in known]
    mine = [each for each in new if each.path in touched and each.component in fallen]
    return Seen(frozenset(each.fingerprint for each in mine))


async def _findings(scene: Scene, place: int, deps: ValidatorDeps) -> FindingSet | None:
    """Those of a place, by the detectors that last looked at the branch: others see other things."""
    newest = await deps.store.findings.first(
        target_id=scene.watch.target_id, commit=scene.commit(TIP), sort="-measured_at"
    )
    if newest is None or place == TIP:
        return newest
    key = f"{scene.watch.target_id}:{scene.commit(place)}:{newest.detectors}"
    return await deps.store.findings.get(key)


async def _fallen(scene: Scene, deps: ValidatorDeps) -> frozenset[str]:
    """The components that the changes touched and whose score, by findings, is lower than before them."""
    scores: dict[int, dict[tuple[str, str], float]] = {}
    for place in (BEFORE, TIP):
        measured = await deps.store.health.find(
            target_id=scene.watch.target_id,
            commit=scene.commit(place),
            dimension=list(health_dimensions()),
        )
        scores[place] = {(each.component, each.dimension): each.score for each in measured}
    mine = {each.proposal.component for each in scene.changes}
    now = scores[TIP]
    return frozenset(
        key[0] for key, was in scores[BEFORE].items() if key[0] in mine and now.get(key, was) < was
    )


async def _where_found(
    scene: Scene, symptoms: Collection[str], deps: ValidatorDeps
) -> tuple[str, ...]:
    there = await _findings(scene, TIP, deps)
    found = there.findings if there else ()
    return tuple(sorted({each.component for each in found if each.fingerprint in symptoms}))


PROBES: tuple[Probe, ...] = (
    Probe("tests", _look_at_tests, _where_changed),
    Probe("findings", _look_at_findings, _where_found),
)
