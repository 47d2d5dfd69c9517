"""Storing what the log of another tool reports about a target."""

import asyncio
import json
import re
import zlib
from dataclasses import replace

import structlog

from services.agents.deps import AgentDeps, read_source
from shared.contracts.base import Severity
from shared.contracts.commands import ImportFindings
from shared.contracts.documents.findings import Finding, FindingsImport, ReportedFinding
from shared.contracts.documents.targets import Target
from shared.contracts.events import FindingsImported
from shared.detectors.ports import Source
from shared.detectors.sarif import read_sarif
from shared.detectors.sarif.placing import place_findings, with_lines
from shared.kernel.errors import NotFound, Rejected
from shared.mongo.collections import get_or_insert_target
from shared.targets.head import find_head
from shared.targets.mirror import Mirror
from shared.targets.repository import inspect_repository

log = structlog.get_logger(__name__)

# So many fit into a document of the database, whatever they say.
MAX_FINDINGS = 5_000
COMMIT = re.compile(r"[0-9a-f]{40}")
WORST_FIRST = (Severity.ERROR, Severity.WARNING, Severity.NOTE)


async def import_findings(command: ImportFindings, deps: AgentDeps) -> None:
    """Store what a log reports, in place of an earlier log of its name, and publish that.

    Where it cannot be read, why is published.
    """
    import_id = command.import_id or deps.new_id()
    event = FindingsImported(import_id=import_id, name=command.name)
    try:
        stored = await _store(command, deps)
    except Rejected as error:
        log.info("import_refused", name=command.name, reason=str(error))
        said = {"code": error.code, "reason": error.message, "hint": error.hint}
        event = event.model_copy(update=said)
    else:
        known = {"target_id": stored.target_id, "findings": len(stored.findings)}
        event = event.model_copy(update={**known, "notes": stored.notes})
    await deps.bus.publish(event, key=import_id)


async def _store(command: ImportFindings, deps: AgentDeps) -> FindingsImport:
    """Store what the log of a command reports, and return that. Raises `Rejected`."""
    content = await _content(command, deps)
    target = await _target(command, deps)
    source, commit = await _source(target, deps)
    root = command.root or target.location
    mirror = Mirror.at(deps.home, target.id)
    reported, findings, notes = await asyncio.to_thread(_imported, content, root, source, mirror)
    new = FindingsImport(
        id=f"{target.id}:{command.name}",
        target_id=target.id,
        name=command.name,
        commit=commit,
        reported=tuple(reported),
        findings=tuple(findings),
        notes=tuple(notes),
        imported_at=deps.clock(),
    )
    await deps.store.imports.remove(new.id)
    await deps.store.imports.insert(new)
    return new


async def _content(command: ImportFindings, deps: AgentDeps) -> bytes:
    """Return the log of a command as JSON. Raises `NotFound` where it is not stored."""
    if command.log is not None:
        return json.dumps(command.log).encode()
    report = await deps.store.reports.get(command.report or "")
    if report is None:
        raise NotFound("There is no stored log with that sha256.", code="no_log")
    return zlib.decompress(report.data)


async def _target(command: ImportFindings, deps: AgentDeps) -> Target:
    """Return the target of a command, by its id or location; a new one is stored."""
    if known := await deps.store.targets.get(command.target):
        return known
    facts = await asyncio.to_thread(inspect_repository, command.target, base=command.base)
    return await get_or_insert_target(deps.store, facts.as_target(deps.new_id(), deps.clock()))


async def _source(target: Target, deps: AgentDeps) -> tuple[Source, str]:
    """Return the target at the head that the next wave would begin on, and that commit."""
    mirror = Mirror.at(deps.home, target.id)
    await asyncio.to_thread(mirror.fetch, target.location)
    head = await asyncio.to_thread(find_head, mirror, target)
    return await read_source(deps, target, head.commit), head.commit


def _imported(
    content: bytes, root: str, source: Source, mirror: Mirror
) -> tuple[list[ReportedFinding], list[Finding], list[str]]:
    """Return what a log reports with the text of its lines, the findings of it, and notes."""
    reported, notes = read_sarif(content, root)
    if len(reported) > MAX_FINDINGS:
        notes.append(f"Of {len(reported)} results only the worst {MAX_FINDINGS} are stored.")
        reported.sort(key=lambda each: WORST_FIRST.index(each.severity))
    kept = _with_lines(reported[:MAX_FINDINGS], source, mirror)
    findings, left_out = place_findings(kept, source, imported=True)
    return kept, findings, [*notes, *left_out]


def _with_lines(
    reported: list[ReportedFinding], source: Source, mirror: Mirror
) -> list[ReportedFinding]:
    """Return what is reported with the text of its line, on the commit that the tool ran on.

    Where that is not known here, it is the one of `source`.
    """
    found = []
    for commit in dict.fromkeys(each.commit for each in reported):
        mine = [each for each in reported if each.commit == commit]
        found += with_lines(mine, _at(commit, source, mirror))
    return found


def _at(commit: str, source: Source, mirror: Mirror) -> Source:
    """Return a target at another commit; as it is if the mirror does not have that."""
    if not COMMIT.fullmatch(commit):
        return source
    try:
        return replace(source, tree=mirror.tree(commit))
    except NotFound:
        return source
