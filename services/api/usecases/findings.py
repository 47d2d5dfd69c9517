"""Importing, listing and exporting findings."""

import asyncio
import hashlib
import zlib
from typing import Any

from services.api.ports import ApiDeps
from services.api.usecases.commands import record_and_publish
from services.api.usecases.targets import find_target, permitted_target
from shared.contracts.answers import FindingList, ImportAccepted, ImportedLog
from shared.contracts.commands import ImportFindings, LogOrigin
from shared.contracts.documents.findings import Finding, FindingSet, FindingsImport
from shared.contracts.documents.storage import StoredReport
from shared.contracts.documents.targets import Target
from shared.detectors.sarif import read_sarif, write_sarif
from shared.kernel.errors import NotFound, Rejected

# What a document of the database may have, with some room.
MAX_STORED_BYTES = 15_000_000


async def import_findings(origin: LogOrigin, content: bytes, deps: ApiDeps) -> ImportAccepted:
    """Store a SARIF log, and request that its results become findings of the target.

    Raises `Rejected` where it is none.
    """
    await asyncio.to_thread(read_sarif, content)
    data = await asyncio.to_thread(zlib.compress, content)
    if len(data) > MAX_STORED_BYTES:
        raise Rejected(
            f"The SARIF log has more than {MAX_STORED_BYTES:,} bytes when it is compressed.",
            hint="Let the tool look at fewer files or rules, and make several logs.",
            code="bad_sarif",
        )
    digest = hashlib.sha256(content).hexdigest()
    report = StoredReport(id=digest, kind="sarif", data=data, created_at=deps.clock())
    await deps.store.reports.insert_missing([report])
    import_id = deps.new_id()
    target = await permitted_target(origin.target, origin.base, deps)
    named = origin.model_copy(update={"target": target})
    command = ImportFindings(**named.model_dump(), report=digest, import_id=import_id)
    after = await record_and_publish(command, deps, key=import_id)
    return ImportAccepted(import_id=import_id, events_after=after)


async def list_findings(
    named: str, base: str | None, deps: ApiDeps, *, rule: str, component: str, limit: int
) -> FindingList:
    """Return at most `limit` findings of a target: of a rule and a component, or of any."""
    target, measured, logs = await _load(named, base, deps)
    found = [
        each
        for each in _together(measured, logs)
        if (not rule or rule in {each.rule, each.code, each.tool})
        and (not component or each.component == component)
    ]
    return FindingList(
        target_id=target.id,
        location=target.location,
        commit=measured.commit if measured else None,
        measured_at=measured.measured_at if measured else None,
        total=len(found),
        findings=tuple(found[:limit]),
        logs=tuple(
            ImportedLog(name=e.name, findings=len(e.findings), imported_at=e.imported_at)
            for e in logs
        ),
    )


async def export_findings(named: str, base: str | None, deps: ApiDeps) -> Any:
    """Return all findings of a target as a SARIF log."""
    target, measured, logs = await _load(named, base, deps)
    commit = measured.commit if measured else max(logs, key=lambda each: each.imported_at).commit
    return write_sarif(_together(measured, logs), commit=commit, location=target.location)


async def _load(
    named: str, base: str | None, deps: ApiDeps
) -> tuple[Target, FindingSet | None, list[FindingsImport]]:
    """Return a target, what was measured on it last, and what was imported. Raises `NotFound`."""
    try:
        target = await find_target(named, deps, base=base)
    except NotFound as error:
        if error.code == "no_branch":
            raise
        raise _nothing_known(named) from error
    measured = await deps.store.findings.first(target_id=target.id, sort="-measured_at")
    logs = await deps.store.imports.find(target_id=target.id)
    if measured is None and not logs:
        raise _nothing_known(named)
    return target, measured, logs


def _nothing_known(named: str) -> NotFound:
    """Return the error that there are no findings of a target."""
    return NotFound(
        f"No findings of {named} are stored.",
        hint="Measure them with groundswell run --dry-run, or import those of another tool with "
        "groundswell findings import.",
        code="no_findings",
    )


def _together(measured: FindingSet | None, logs: list[FindingsImport]) -> list[Finding]:
    """Return the measured findings and the imported ones, in the order of paths and lines.

    What was imported when they were measured may have been replaced since.
    """
    own = [each for each in (measured.findings if measured else ()) if not each.imported]
    found = [*own, *(each for log in logs for each in log.findings)]
    return sorted(found, key=lambda each: (each.path, each.line, each.rule))
