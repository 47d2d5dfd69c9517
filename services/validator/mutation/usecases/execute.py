"""Executes mutation runs on a runner."""

from typing import Any

import structlog

from services.validator.deps import ValidatorDeps
from services.validator.prepared import PreparedHead
from services.validator.runs.usecases.execute import MAX_ATTEMPTS
from services.validator.runs.usecases.reports import read_text, store_text
from services.validator.suite.domain.reports import Infrastructure
from shared.contracts.documents.runs import TestRun

log = structlog.get_logger(__name__)


async def execute_mutation(
    run: TestRun, prepared: PreparedHead, deps: ValidatorDeps
) -> dict[str, Any]:
    """Try a run's mutants, up to `MAX_ATTEMPTS` times, and return the fields of its result."""
    plan = await read_text(run.request.plan or "", deps)
    reason = ""
    for _ in range(MAX_ATTEMPTS):
        outcome = await deps.mutation_runner.run(
            run.request.tree,
            plan,
            prepared.profile,
            prepared.environment,
            run.request.tests,
            target_id=prepared.target.id,
            base_oid=prepared.tree,
        )
        if not isinstance(outcome, Infrastructure):
            report = await store_text(outcome.to_json(), "mutation", deps)
            return {"outcome": "reported", "report": report}
        log.warning("run_without_report", run=run.id, reason=outcome.reason)
        reason = f"{outcome.reason}\n{outcome.output_tail}".strip()
    return {"outcome": "infrastructure", "detail": reason[:4000]}
