"""Measuring the gain of a change, and executing the run that does so."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import structlog

from services.validator.benchmarks.domain.reports import BenchmarkReport, measured
from services.validator.benchmarks.usecases import compare, read_benchmarks
from services.validator.deps import ValidatorDeps
from services.validator.gains.domain.functions import functions_to_measure
from services.validator.gains.domain.judging import judge_benchmarks, judge_gain
from services.validator.gains.domain.plan import GainPlan
from services.validator.prepared import PreparedHead
from services.validator.runs.domain.requests import RunRequest
from services.validator.runs.usecases.reports import read_text, store_text
from services.validator.runs.usecases.request import run_tests
from services.validator.suite.domain.reports import Infrastructure
from services.validator.suite.domain.sources import decode_source
from shared.contracts.base import RunKind, RunPurpose
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.gain import Gain
from shared.contracts.documents.runs import TestRun
from shared.kernel.errors import Transient
from shared.targets.languages import PYTHON
from shared.targets.paths import is_protected

log = structlog.get_logger(__name__)

NO_FUNCTION = "it changes no function that could be called alone"
NO_TEST = "no test reaches what it changes"


async def measure_gain(
    change: Enhancement,
    trees: tuple[str, str],
    prepared: PreparedHead,
    deps: ValidatorDeps,
    *,
    changes: Sequence[str],
    tests: Collection[str] | None,
) -> Gain:
    """Measure the gain of a change, which leads from one of two trees to the other.

    `changes` lead from the head to the second tree, and `tests` reach the change; None is all. If
    its functions cannot be compared, but the target names benchmarks, these are.
    """
    gain = await _measure_functions(change, trees, prepared, deps, changes=changes, tests=tests)
    if gain.state == "unknown" and prepared.profile.config.bench.command and len(changes) == 1:
        gain = await _measure_benchmarks(change, trees[1], prepared, deps) or gain
    return gain


async def execute_gain(run: TestRun, prepared: PreparedHead, deps: ValidatorDeps) -> dict[str, Any]:
    """Execute a run of kind `RunKind.GAIN`; return the fields of its result.

    Raises `Transient` if this validator measures no gains.
    """
    if deps.function_benchmarks is None:
        raise Transient("This validator measures no gains.", delay=30)
    found = await deps.function_benchmarks.compare(
        run.request.tree,
        GainPlan.from_json(await read_text(run.request.plan or "", deps)),
        prepared.profile,
        prepared.environment,
        run.request.tests,
        target_id=prepared.target.id,
        base_oid=prepared.tree,
    )
    if isinstance(found, Infrastructure):
        log.warning("gain_not_measured", run=run.id, reason=found.reason)
        detail = f"{found.reason}\n{found.output_tail}".strip()
        return {"outcome": "infrastructure", "detail": detail[-4000:]}
    return {
        "outcome": "reported",
        "report": await store_text(found.to_json(), "benchmarks", deps),
        "benchmarks": measured(found),
        "detail": judge_gain(found, run.id).evidence,
    }


async def _measure_functions(
    change: Enhancement,
    trees: tuple[str, str],
    prepared: PreparedHead,
    deps: ValidatorDeps,
    *,
    changes: Sequence[str],
    tests: Collection[str] | None,
) -> Gain:
    """Return the gain by the functions that a change concerns, in a run of their own."""
    texts = await asyncio.to_thread(_texts, change, trees, prepared, deps)
    functions = await asyncio.to_thread(functions_to_measure, texts)
    if not functions:
        return Gain(state="unknown", summary=NO_FUNCTION)
    if tests is not None and not tests:
        return Gain(state="unknown", summary=NO_TEST)
    plan = GainPlan(trees[0], functions)
    order = RunRequest(
        tree=trees[1],
        purpose=RunPurpose.GAIN,
        changes=changes,
        tests=tuple(sorted(tests or ())),
        kind=RunKind.GAIN,
        plan=await store_text(plan.to_json(), "plan", deps),
        why=f"whether {len(functions)} functions are faster with it",
    )
    run = await run_tests(deps, prepared, order, wave_id=change.wave_id)
    if run.result.report is None:
        reason = run.result.detail.partition("\n")[0]
        return Gain(state="unknown", summary=reason, run=run.id)
    report = BenchmarkReport.from_json(await read_text(run.result.report, deps))
    return judge_gain(report, run.id)


async def _measure_benchmarks(
    change: Enhancement, tree: str, prepared: PreparedHead, deps: ValidatorDeps
) -> Gain | None:
    """Return the gain of a change that benchmarks of the target show; None if they show none.

    `tree` is the head with this change alone.
    """
    why, wave = "whether any is faster with it", change.wave_id
    run = await compare(deps, prepared, tree, changes=[change.id], wave_id=wave, why=why)
    if run.result.outcome != "reported":
        return None
    return judge_benchmarks(await read_benchmarks(run, deps), run.id)


def _texts(
    change: Enhancement, trees: tuple[str, str], prepared: PreparedHead, deps: ValidatorDeps
) -> Mapping[str, tuple[str, str]]:
    """Return the Python files of a change before and after, by path, without protected ones."""
    config = prepared.profile.config
    paths = [
        each
        for each in change.proposal.files
        if PYTHON.has_suffix(each) and not is_protected(each, config)
    ]
    versions = deps.repository(prepared.target).versions(trees, paths)
    return {
        path: (decode_source(before), decode_source(after))
        for path, (before, after) in versions.items()
        if before is not None and after is not None
    }
