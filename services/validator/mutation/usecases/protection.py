"""ProtectionSummary in green: whether the tests would notice a fault in what the changes of a batch touch."""

import ast
import asyncio
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import structlog

from services.validator.decision.comparison import PASSING
from services.validator.deps import ValidatorDeps
from services.validator.impact.domain.impact import (
    Change,
    reaching_tests,
    reaching_tests_of_function,
)
from services.validator.impact.usecases.recordings import Recorded
from services.validator.mutation.domain.entries import Before, Entry, uncovered, with_entries
from services.validator.mutation.domain.plan import (
    ChangedFile,
    MutationPlan,
    MutationReport,
    judge,
    needed,
    plant,
    without_dear,
)
from services.validator.prepared import PreparedHead
from services.validator.runs.usecases.runs import (
    ATTEMPTS,
    RUN_HANDLERS,
    Order,
    keep_text,
    read_text,
    run_tests,
)
from services.validator.suite.domain.recording import ImpactMap
from services.validator.suite.domain.reports import Infrastructure, Outcome
from services.validator.suite.domain.sources import Function, decoded, read_source
from shared.contracts.base import RunKind
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.protection import Protection
from shared.contracts.documents.runs import TestRun
from shared.targets.config import TargetConfig
from shared.targets.languages import PYTHON
from shared.targets.mirror import Mirror
from shared.targets.paths import is_protected

log = structlog.get_logger(__name__)

PURPOSE = "planted faults"
# How long trying the faults of a batch may take beyond one pass without any, in seconds or in full runs, whichever is
# more: all of them, and where that is over still the first of each change, of which nothing would be known else.
ALL, FIRST = (4.0, 0.5), (32.0, 2.0)


async def measure_protection(
    deps: ValidatorDeps,
    place: PreparedHead,
    changes: Sequence[Enhancement],
    trees: Mapping[str, str],
    *,
    wave_id: str,
    recorded: Recorded | None = None,
    present: Mapping[str, Outcome] | None = None,
    full_run_seconds: float = 0.0,
    wanted: Collection[str] | None = None,
) -> dict[str, Protection]:
    """What is known about each change, or each of the `wanted`; kept with it as well. `full_run_seconds` are those of a full run.

    The changes stand on the head and on each other in this order; `trees` has the tree after each. Without a
    recording of which tests reach what, all tests are run once; `present` are those that the head has, and
    only by what passes there it is known whether coverage became lower.
    """
    present = present or {}
    asked = [each for each in changes if wanted is None or each.id in wanted]
    before = _before(place, recorded, _passing(present)) if recorded is not None else None
    planting, entries = await asyncio.to_thread(
        _plant, changes, trees, place, {each.id for each in asked}, before
    )
    tests: frozenset[str] | None = None
    if recorded is not None and planting.faults:
        tree = trees[changes[-1].id]
        planting, tests = await asyncio.to_thread(
            chosen, planting, place.mirror, recorded, (place.tree, tree), present
        )
    framework, tried, broken, run = place.profile.test.framework, None, "", None
    if framework == "pytest" and planting.faults:
        order = await _order(changes, trees, planting, full_run_seconds, deps)
        order = replace(order, tests=tuple(sorted(tests or ())))
        verdict = await run_tests(deps, place, order, wave_id=wave_id)
        run = verdict.id
        if verdict.result.report is not None:
            tried = MutationReport.from_json(await read_text(verdict.result.report, deps))
        else:
            broken = verdict.result.detail.partition("\n")[0]
    told = tried.trials if tried is not None and _all_passed(tried, present, tests) else {}
    found = {}
    for each in asked:
        known = judge(planting, each.id, tried, broken)
        if framework != "pytest" and known.state != "nothing":
            known = _not_measured(framework)
        lower = uncovered(entries, planting, each.id, told)
        more = {"run": run if known.mutants else None, "uncovered": lower}
        found[each.id] = known.model_copy(update=more)
        await deps.store.enhancements.set_fields(each.id, decision__protection=found[each.id])
    return found


async def passed_without_mutants(
    protections: Collection[Protection], present: Mapping[str, Outcome], deps: ValidatorDeps
) -> bool:
    """Whether without any fault every test passed that passes on the head, of those that were run.

    Where there was nothing to run nothing has failed; where a run said nothing, nobody knows.
    """
    runs = {each.run for each in protections if each.run is not None}
    if not runs and any(each.state == "unknown" for each in protections):
        return False
    for run in runs:
        verdict = await deps.store.runs.require(run)
        tried = MutationReport.from_json(await read_text(verdict.result.report or "", deps))
        if not _all_passed(tried, present, verdict.request.tests):
            return False
    return True


def _all_passed(
    tried: MutationReport, present: Mapping[str, Outcome], asked: Collection[str] | None
) -> bool:
    """Whether of those asked, or of all, as many passed without any fault as pass on the head."""
    passing = _passing(present)
    return tried.usable >= len(passing & set(asked) if asked else passing)


def _passing(present: Mapping[str, Outcome]) -> frozenset[str]:
    return frozenset(test for test, outcome in present.items() if outcome in PASSING)


def _not_measured(framework: str) -> Protection:
    named = "its own command" if framework == "custom" else framework
    why = f"not measured: faults can be tried with pytest, and the target's tests run with {named}"
    return Protection(state="not_measured", not_measured=1, summary=why)


def _plant(
    changes: Sequence[Enhancement],
    trees: Mapping[str, str],
    place: PreparedHead,
    wanted: Collection[str],
    before: Before | None,
) -> tuple[MutationPlan, tuple[Entry, ...]]:
    """The faults for the wanted ones of these changes in the tree after the last of them.

    With them the functions that they are in, as far as tests reached those `before`.
    """
    order = [place.tree, *(trees[each.id] for each in changes)]
    files = {
        each.id: _files(place.mirror, each, order[number:], place.profile.config)
        for number, each in enumerate(changes)
        if each.id in wanted
    }
    planting = plant(files)
    if before is None:
        return planting, ()
    texts = {one.path: one.texts[-1] or b"" for mine in files.values() for one in mine}
    return with_entries(planting, texts, before)


def _before(place: PreparedHead, recorded: Recorded, passing: frozenset[str]) -> Before:
    """How many of the tests that pass reached a function when it was recorded. Blocks."""

    def before(path: str, function: str) -> int:
        text = decoded(place.mirror.tree(recorded.tree).read(path) or b"")
        return len(reaching_tests_of_function(recorded.map, path, text, function) & passing)

    return before


def _files(
    mirror: Mirror, change: Enhancement, order: Sequence[str], config: TargetConfig
) -> list[ChangedFile]:
    """Its Python files from before it up to the last tree; not the tests, which are what judges."""
    trees = [mirror.tree(each) for each in order]
    return [
        ChangedFile(path, tuple(tree.read(path) for tree in trees))
        for path in change.proposal.patch.files
        if PYTHON.has_suffix(path) and not is_protected(path, config)
    ]


async def _order(
    changes: Sequence[Enhancement],
    trees: Mapping[str, str],
    planting: MutationPlan,
    suite: float,
    deps: ValidatorDeps,
) -> Order:
    """A run of all tests with these faults."""
    plan = planting.to_json(_limit(*ALL, suite), _limit(*FIRST, suite))
    ids = [each.id for each in changes]
    count = sum(bool(each.changes) for each in planting.faults)
    return Order(
        trees[ids[-1]],
        PURPOSE,
        ids,
        kind=RunKind.MUTATION,
        plan=await keep_text(plan, "plan", deps),
        why=f"{count} faults are planted in what {len(ids)} changes touch: would a test notice?",
    )


def _limit(least: float, share: float, suite: float) -> float:
    """Rounded, or the same faults would be tried again for a little more time."""
    return 2.0 ** math.ceil(math.log2(max(least, share * suite)))


def chosen(
    planting: MutationPlan,
    mirror: Mirror,
    recorded: Recorded,
    oids: tuple[str, str],
    present: Collection[str],
) -> tuple[MutationPlan, frozenset[str] | None]:
    """The faults that can be afforded, and the tests for them; None is all."""
    trees = [mirror.tree(each) for each in (recorded.tree, *oids)]

    def lines(path: str, line: int) -> frozenset[str] | None:
        texts = [None if text is None else decoded(text) for text in (t.read(path) for t in trees)]
        return reaching_line(recorded.map, path, Change(*texts), line)

    kept = cache(lines)
    affordable = without_dear(planting, kept)
    tests = needed(affordable, kept)
    if tests is None:
        return affordable, None
    new = frozenset(present) - frozenset(recorded.map.tests)
    return affordable, tests | recorded.map.unknown | new


def reaching_line(
    recorded: ImpactMap, path: str, change: Change, line: int
) -> frozenset[str] | None:
    """The tests that may run a line of a file after a change.

    What a function keeps, its first caller alone was seen to ask for: then it is all that depend on the file. So
    it is for a file that no test ran, such as a set-up script: mostly none.
    """
    source = read_source(change.after) if change.after is not None else None
    function = source.at(line) if source is not None else None
    never = change.recorded is not None and not recorded.has(path)
    if never or (function is not None and _is_kept(function)):
        return recorded.named(recorded.depending(path))
    then = read_source(change.recorded) if change.recorded is not None else None
    known = then.functions.get(function.name) if then is not None and function is not None else None
    if known is not None and (direct := recorded.reaching(path, known)):
        # That it runs at import as well makes no other test a better judge of it than these.
        return recorded.named(direct)
    return reaching_tests(recorded, path, change, [line])


def _is_kept(function: Function) -> bool:
    """Whether others than its callers see what it does; what each object keeps for itself, they hardly do."""
    names = [ast.unparse(each) for each in function.node.decorator_list]
    return function.heard_elsewhere and not any("cached_property" in each for each in names)


async def _carry_out_faults(
    verdict: TestRun, place: PreparedHead, deps: ValidatorDeps
) -> dict[str, Any]:
    """Make a run of planted faults, and keep what came of each."""
    plan = await read_text(verdict.request.plan or "", deps)
    reason = ""
    for _ in range(ATTEMPTS):
        outcome = await deps.faults.try_out(
            verdict.request.tree,
            plan,
            place.profile,
            place.environment,
            verdict.request.tests,
            target_id=place.target.id,
            base_oid=place.tree,
        )
        if not isinstance(outcome, Infrastructure):
            report = await keep_text(outcome.to_json(), "mutation", deps)
            return {"outcome": "reported", "report": report}
        log.warning("run_broken", run=verdict.id, reason=outcome.reason)
        reason = f"{outcome.reason}\n{outcome.output_tail}".strip()
    return {"outcome": "infrastructure", "detail": reason[:4000]}


RUN_HANDLERS[RunKind.MUTATION] = _carry_out_faults
