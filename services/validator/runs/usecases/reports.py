"""The stored texts behind test runs: reports, plans and impact maps, each under its sha256."""

import hashlib
import zlib
from typing import Literal

from services.validator.deps import ValidatorDeps
from services.validator.suite.domain.reports import TestReport
from shared.contracts.documents.runs import TestRun
from shared.contracts.documents.storage import StoredReport
from shared.kernel.errors import Transient

TextKind = Literal["tests", "log", "mutation", "benchmarks", "plan", "impact"]
FASTEST_COMPRESSION = 1


async def store_text(text: str, kind: TextKind, deps: ValidatorDeps) -> str:
    """Store a text once, compressed, and return its sha256."""
    data = text.encode()
    digest = hashlib.sha256(data).hexdigest()
    compressed = zlib.compress(data, FASTEST_COMPRESSION)
    stored = StoredReport(id=digest, kind=kind, data=compressed, created_at=deps.clock())
    await deps.store.reports.insert(stored)
    return digest


async def read_text(digest: str, deps: ValidatorDeps) -> str:
    """Return the text with this sha256. Raises `NotFound`."""
    stored = await deps.store.reports.require(digest)
    return zlib.decompress(stored.data).decode()


async def read_report(run: TestRun, deps: ValidatorDeps) -> TestReport:
    """Return the report of a finished run; raises `Transient` if it has none."""
    if run.result.report is None:
        raise Transient(f"Run {run.id} has no report.", hint=run.result.detail)
    return TestReport.from_json(await read_text(run.result.report, deps))
