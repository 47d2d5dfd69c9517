"""Requesting, executing and reading comparisons of benchmarks with those of the head."""

from collections.abc import Sequence
from typing import Any

import structlog

from services.validator.benchmarks.domain.reports import BenchmarkReport, measured, named, summary
from services.validator.deps import ValidatorDeps
from services.validator.prepared import PreparedHead
from services.validator.runs.domain.requests import RunRequest
from services.validator.runs.usecases.reports import read_text, store_text
from services.validator.runs.usecases.request import run_tests
from services.validator.suite.domain.reports import Infrastructure
from shared.contracts.base import RunKind, RunPurpose
from shared.contracts.documents.runs import TestRun
from shared.kernel.errors import Transient
from shared.targets.config import BenchSection

log = structlog.get_logger(__name__)


async def compare(
    deps: ValidatorDeps,
    prepared: PreparedHead,
    tree: str,
    *,
    changes: Sequence[str],
    wave_id: str,
    names: Sequence[str] = (),
    repetition: int = 0,
    why: str = "",
) -> TestRun:
    """Return the finished run that compares the head's benchmarks with those of `tree`.

    With `names` only those benchmarks are compared; a name may be an id among failing tests.
    """
    bench = prepared.profile.config.bench
    order = RunRequest(
        tree=tree,
        purpose=RunPurpose.BENCHMARKS,
        changes=changes,
        tests=named(names),
        repetition=repetition,
        kind=RunKind.BENCHMARKS,
        plan=await store_text(bench.model_dump_json(), "plan", deps),
        why=why,
    )
    return await run_tests(deps, prepared, order, wave_id=wave_id)


async def read_benchmarks(run: TestRun, deps: ValidatorDeps) -> BenchmarkReport:
    """Return the report of a finished run; raises `Transient` if it has none."""
    if run.result.report is None:
        raise Transient(f"Benchmarks {run.id} have no report.", hint=run.result.detail)
    return BenchmarkReport.from_json(await read_text(run.result.report, deps))


async def execute_benchmarks(
    run: TestRun, prepared: PreparedHead, deps: ValidatorDeps
) -> dict[str, Any]:
    """Execute a run of kind `RunKind.BENCHMARKS`; return the fields of its result.

    The outcome is `reported`, or `infrastructure` if the candidate is not to blame. Raises
    `Transient` if this validator runs no benchmarks.
    """
    if deps.benchmarks is None:
        raise Transient("This validator runs no benchmarks.", delay=30)
    found = await deps.benchmarks.compare(
        (prepared.tree, run.request.tree),
        prepared.profile,
        prepared.environment,
        await _bench(run, prepared, deps),
        named(run.request.tests),
        target_id=prepared.target.id,
    )
    if isinstance(found, Infrastructure):
        log.warning("benchmarks_broken", run=run.id, reason=found.reason)
        detail = f"{found.reason}\n{found.output_tail}".strip()
        return {"outcome": "infrastructure", "detail": detail[-4000:]}
    return {
        "outcome": "reported",
        "report": await store_text(found.to_json(), "benchmarks", deps),
        "failing": found.failing,
        "worse": found.failing,
        "benchmarks": measured(found),
        "detail": "\n".join((summary(found), *found.notes))[:4000],
    }


async def _bench(run: TestRun, prepared: PreparedHead, deps: ValidatorDeps) -> BenchSection:
    """Return the benchmark settings of the run's plan; without a plan, those of the target."""
    if run.request.plan is None:
        return prepared.profile.config.bench
    return BenchSection.model_validate_json(await read_text(run.request.plan, deps))
