"""Findings and health of one commit, measured once and kept."""

from collections import defaultdict

import structlog

from services.agents.deps import AgentDeps, read_source
from services.agents.domain.findings import metrics, score
from shared.contracts.commands import MeasureFindings
from shared.contracts.documents.findings import Finding, FindingSet, Health
from shared.contracts.documents.targets import Target
from shared.contracts.events import FindingsMeasured, MeasurementFailed
from shared.detectors.ports import Measured
from shared.kernel.errors import Rejected

log = structlog.get_logger(__name__)


async def measure_findings(command: MeasureFindings, deps: AgentDeps) -> None:
    """Run the detectors unless these very ones already looked at this commit, and say so."""
    target = await deps.store.targets.require(command.target_id)
    try:
        found = await _measure(target, command.commit, deps)
    except Rejected as error:
        await _fail(command, error, deps)
        return
    event = FindingsMeasured(
        wave_id=command.wave_id,
        target_id=command.target_id,
        commit=command.commit,
        moment=command.moment,
        findings=len(found.findings),
    )
    key = f"{command.wave_id}:{command.moment}"
    await deps.bus.publish(event, key=key, wave=command.wave_id)


async def _measure(target: Target, commit: str, deps: AgentDeps) -> FindingSet:
    name = f"{target.id}:{commit}:{deps.detector.name}"
    async with deps.locks[name]:
        known = await deps.store.findings.get(name)
        if known is not None:
            return known
        started = deps.clock()
        source = await read_source(deps, target, commit)
        measured = await deps.detector.measure(source)
        for note in measured.notes:
            log.warning("findings_cut", target=target.id, note=note)
        now = deps.clock()
        found = FindingSet(
            id=name,
            target_id=target.id,
            commit=commit,
            detectors=deps.detector.name,
            findings=measured.findings,
            lines=dict(measured.lines),
            seconds=(now - started).total_seconds(),
            measured_at=now,
        )
        # Health first: whoever sees the findings may rely on it.
        await deps.store.health.insert_missing(_health(found, measured))
        await deps.store.findings.insert(found)
        return found


def _health(found: FindingSet, measured: Measured) -> list[Health]:
    by_component: dict[str, list[Finding]] = defaultdict(list)
    for each in measured.findings:
        by_component[each.component].append(each)
    kept = []
    for component, lines in sorted(measured.lines.items()):
        values = metrics(by_component[component], lines)
        kept.append(
            Health(
                id=f"{found.target_id}:{found.commit}:{component}:code_quality",
                target_id=found.target_id,
                commit=found.commit,
                component=component,
                dimension="code_quality",
                metrics=values,
                score=score(values["density"]),
                measured_at=found.measured_at,
            )
        )
    return kept


async def _fail(command: MeasureFindings, error: Rejected, deps: AgentDeps) -> None:
    event = MeasurementFailed(
        wave_id=command.wave_id,
        target_id=command.target_id,
        code=error.code,
        reason=error.message,
        hint=error.hint,
    )
    key = f"{command.wave_id}:findings:{command.moment}"
    await deps.bus.publish(event, key=key, wave=command.wave_id)
