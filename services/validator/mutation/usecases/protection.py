"""Measures the protection of changes: whether tests kill the mutants in the lines they touch."""

import asyncio
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from services.validator.decision.comparison import PASSING
from services.validator.deps import ValidatorDeps
from services.validator.impact.domain.impact import reaching_tests_of_function
from services.validator.impact.usecases.recordings import Recorded
from services.validator.mutation.domain.lost_coverage import (
    FunctionEntry,
    TestsBefore,
    find_lost_coverage,
    with_entry_probes,
)
from services.validator.mutation.domain.placement import place_mutants
from services.validator.mutation.domain.plan import ChangedFile, MutationPlan, MutationReport
from services.validator.mutation.domain.protection import judge_protection
from services.validator.mutation.usecases.affordable import select_affordable
from services.validator.prepared import PreparedHead
from services.validator.runs.domain.requests import RunRequest
from services.validator.runs.usecases.reports import read_text, store_text
from services.validator.runs.usecases.request import run_tests
from services.validator.suite.domain.reports import Outcome
from services.validator.suite.domain.sources import decode_source
from shared.contracts.base import RunKind, RunPurpose
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.protection import Protection
from shared.targets.config import TargetConfig
from shared.targets.languages import PYTHON
from shared.targets.paths import is_protected

# How long the mutants of a batch may take beyond one pass without any: so many seconds or full
# runs, whichever is more. The first limit is for all mutants, the second for the first mutant of
# each change, without which nothing is known.
LIMIT_SECONDS, LIMIT_FULL_RUNS = 4.0, 0.5
FIRST_LIMIT_SECONDS, FIRST_LIMIT_FULL_RUNS = 32.0, 2.0
# A mutation run that may take less is not begun.
MIN_SECONDS = 1.0
BUDGET_SPENT = "the wave's budget for extra runs is spent ([test] extra)"

# The texts of files in the tree of the head and after each change.
Versions = Mapping[str, tuple[bytes | None, ...]]


@dataclass(frozen=True)
class _MutationOutcome:
    """The run of a plan, if there was one: its id and its report, or why there is none."""

    run: str | None = None
    report: MutationReport | None = None
    no_report: str = ""


@dataclass(frozen=True)
class MutationPass:
    """The pass without any mutant that a mutation run begins with, with `tests` or with all."""

    tests: tuple[str, ...]
    report: MutationReport

    def failing(self, present: Mapping[str, Outcome]) -> frozenset[str]:
        """Return the tests that failed in it and pass on the head."""
        return frozenset(self.report.failing) & _passing(present)


async def measure_protection(
    deps: ValidatorDeps,
    prepared: PreparedHead,
    changes: Sequence[Enhancement],
    trees: Mapping[str, str],
    *,
    wave_id: str,
    recorded: Recorded | None = None,
    present: Mapping[str, Outcome] | None = None,
    full_run_seconds: float = 0.0,
    seconds_left: float = math.inf,
    wanted: Collection[str] | None = None,
) -> dict[str, Protection]:
    """Measure and store the protection of each change or of those in `wanted`; return it by id.

    The changes stand on the head and on each other in this order; `trees` has the tree after each.
    Without a recording, all tests run once; `present` are the outcomes on the head, and lost
    coverage is only known from tests that pass there. `seconds_left` is what is left of the wave's
    budget; without enough for a test session nothing is run.
    """
    present = present or {}
    asked = [each for each in changes if wanted is None or each.id in wanted]
    before = _tests_before(prepared, recorded, _passing(present)) if recorded is not None else None
    paths = {path for each in asked for path in _mutable_paths(each, prepared.profile.config)}
    stack = [prepared.tree, *(trees[each.id] for each in changes)]
    repository = deps.repository(prepared.target)
    versions = await asyncio.to_thread(repository.versions, stack, sorted(paths))
    plan, entries = await asyncio.to_thread(
        _place_mutants, changes, versions, prepared, {each.id for each in asked}, before
    )
    tests: frozenset[str] | None = None
    if recorded is not None and plan.mutants:
        oids = (prepared.tree, trees[changes[-1].id])
        plan, tests = await asyncio.to_thread(
            select_affordable, plan, prepared.mirror, recorded, oids, present
        )
    framework, outcome = prepared.profile.test.framework, _MutationOutcome()
    if framework == "pytest" and plan.mutants and seconds_left < MIN_SECONDS:
        outcome = _MutationOutcome(no_report=BUDGET_SPENT)
    elif framework == "pytest" and plan.mutants:
        limits = _limits(full_run_seconds, seconds_left)
        order = await _request(changes, trees, plan, limits, deps)
        order = replace(order, tests=tuple(sorted(tests or ())))
        outcome = await _run(prepared, order, wave_id, deps)
    report = outcome.report
    usable = report.results if report is not None and _all_passed(report, present, tests) else {}
    found = {}
    for each in asked:
        known = judge_protection(plan, each.id, report, outcome.no_report)
        if framework != "pytest" and known.state != "nothing":
            known = _not_measured(framework)
        uncovered = find_lost_coverage(entries, plan, each.id, usable)
        is_tried = report is not None and any(each.id in one.changes for one in plan.mutants)
        more = {"run": outcome.run if is_tried else None, "uncovered": uncovered}
        found[each.id] = known.model_copy(update=more)
    await deps.store.enhancements.set_field_of_each("decision__protection", found)
    return found


async def _run(
    prepared: PreparedHead, order: RunRequest, wave_id: str, deps: ValidatorDeps
) -> _MutationOutcome:
    """Make the run of a plan, and return its report or why there is none."""
    run = await run_tests(deps, prepared, order, wave_id=wave_id)
    if run.result.report is None:
        return _MutationOutcome(run.id, None, run.result.detail.partition("\n")[0])
    text = await read_text(run.result.report, deps)
    return _MutationOutcome(run.id, MutationReport.from_json(text))


async def read_mutation_passes(
    protections: Collection[Protection], deps: ValidatorDeps
) -> list[MutationPass]:
    """Return the passes without any mutant of those runs behind these that gave a report."""
    passes = []
    for run_id in sorted({each.run for each in protections if each.run is not None}):
        run = await deps.store.runs.require(run_id)
        if run.result.report is not None:
            report = MutationReport.from_json(await read_text(run.result.report, deps))
            passes.append(MutationPass(run.request.tests, report))
    return passes


def passed_without_mutants(
    protections: Collection[Protection],
    passes: Collection[MutationPass],
    present: Mapping[str, Outcome],
) -> bool:
    """Return true if every test that passes on the head also passed without any mutant.

    It is true if there was nothing to run, and false if a run gave no report.
    """
    runs = {each.run for each in protections if each.run is not None}
    if not runs and any(each.state == "unknown" for each in protections):
        return False
    if len(passes) < len(runs):
        return False
    return all(_all_passed(each.report, present, each.tests) for each in passes)


def _all_passed(
    report: MutationReport, present: Mapping[str, Outcome], requested: Collection[str] | None
) -> bool:
    """Return true if as many of the requested tests passed without a mutant as pass on the head."""
    passing = _passing(present)
    return report.passing >= len(passing & set(requested) if requested else passing)


def _passing(present: Mapping[str, Outcome]) -> frozenset[str]:
    """Return the tests that pass on the head; `present` has the outcomes there."""
    return frozenset(test for test, outcome in present.items() if outcome in PASSING)


def _not_measured(framework: str) -> Protection:
    """Return that protection cannot be measured in a target whose tests run without pytest."""
    named = "its own command" if framework == "custom" else framework
    why = f"not measured: mutants can be tried with pytest, and the target's tests run with {named}"
    return Protection(state="not_measured", not_measured=1, summary=why)


def _place_mutants(
    changes: Sequence[Enhancement],
    versions: Versions,
    prepared: PreparedHead,
    wanted: Collection[str],
    before: TestsBefore | None,
) -> tuple[MutationPlan, tuple[FunctionEntry, ...]]:
    """Place the mutants of the wanted changes in the last tree, and with `before` entry probes."""
    files = {
        each.id: [
            ChangedFile(path, versions[path][number:])
            for path in _mutable_paths(each, prepared.profile.config)
        ]
        for number, each in enumerate(changes)
        if each.id in wanted
    }
    plan = place_mutants(files)
    if before is None:
        return plan, ()
    texts = {one.path: one.texts[-1] or b"" for mine in files.values() for one in mine}
    return with_entry_probes(plan, texts, before)


def _tests_before(
    prepared: PreparedHead, recorded: Recorded, passing: frozenset[str]
) -> TestsBefore:
    """Return a function that counts the passing tests which reached a function. It blocks."""

    def tests_before(path: str, function: str) -> int:
        """Return how many passing tests reached a function when it was recorded."""
        text = decode_source(prepared.mirror.tree(recorded.tree).read(path) or b"")
        return len(reaching_tests_of_function(recorded.map, path, text, function) & passing)

    return tests_before


def _mutable_paths(change: Enhancement, config: TargetConfig) -> list[str]:
    """Return the paths of its Python files, without protected ones such as tests."""
    return [
        path
        for path in change.proposal.files
        if PYTHON.has_suffix(path) and not is_protected(path, config)
    ]


async def _request(
    changes: Sequence[Enhancement],
    trees: Mapping[str, str],
    plan: MutationPlan,
    limits: tuple[float, float],
    deps: ValidatorDeps,
) -> RunRequest:
    """Store this plan, and return the request for a run of it on the tree with all changes."""
    ids = [each.id for each in changes]
    count = sum(bool(each.changes) for each in plan.mutants)
    return RunRequest(
        trees[ids[-1]],
        RunPurpose.MUTATION,
        ids,
        kind=RunKind.MUTATION,
        plan=await store_text(plan.to_json(*limits), "plan", deps),
        why=f"whether a test kills each of {count} mutants in what {len(ids)} changes touch",
    )


def _limits(full_run_seconds: float, seconds_left: float) -> tuple[float, float]:
    """Return how many seconds all mutants, and the first ones of each change, may be tried.

    What is left is rounded down so that a little less time does not repeat the run either.
    """
    left = math.inf if seconds_left == math.inf else 2.0 ** math.floor(math.log2(seconds_left))
    seconds = _limit(LIMIT_SECONDS, LIMIT_FULL_RUNS * full_run_seconds)
    longest = _limit(FIRST_LIMIT_SECONDS, FIRST_LIMIT_FULL_RUNS * full_run_seconds)
    return min(seconds, left), min(longest, left)


def _limit(least: float, share: float) -> float:
    """Return the larger limit in seconds, rounded up to a power of two.

    So a little more time does not repeat the run.
    """
    return 2.0 ** math.ceil(math.log2(max(least, share)))
