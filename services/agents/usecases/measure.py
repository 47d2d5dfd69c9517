"""Measuring findings and health of one commit, once."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from services.agents.deps import AgentDeps, ServedType, read_source
from services.agents.usecases.stopping import is_wave_wanted, run_while_wanted
from shared.agent_types import AgentSpec
from shared.agent_types.health import count_findings
from shared.contracts.commands import MeasureFindings
from shared.contracts.documents.findings import Finding, FindingSet, Health, Inspection
from shared.contracts.documents.targets import Target
from shared.contracts.events import FindingsMeasured, MeasurementFailed
from shared.detectors.failures import failure_note, is_tool_failure
from shared.detectors.ports import ChangingDetector, Source
from shared.kernel.errors import Rejected

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class TypeMeasurement:
    """The result of running the detectors of one agent type, `served`, over the code of one commit.

    `findings` are all that they found, `lines` has the number of lines that they read by component,
    and `notes` are sentences for the report on what they did not read, and why. `failed` are the
    names of the detectors that failed, whose findings are missing.
    """

    served: ServedType
    findings: tuple[Finding, ...]
    lines: Mapping[str, int]
    notes: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


async def measure_findings(command: MeasureFindings, deps: AgentDeps) -> None:
    """Run the detectors of all types, unless these very ones have measured this commit.

    The outcome, or why there is none, is published. The work stops if its wave ends.
    """
    await run_while_wanted(
        _measure_and_publish(command, deps), lambda: is_wave_wanted(command.wave_id, deps)
    )


async def _measure_and_publish(command: MeasureFindings, deps: AgentDeps) -> None:
    """Measure the commit, and publish that it is measured or why it could not be."""
    target = await deps.store.targets.require(command.target_id)
    try:
        found = await _measure(target, command.commit, deps)
    except Rejected as error:
        await _publish_failure(command, error, deps)
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
    """Return a commit's findings, those stored by the same detector versions if there are any.

    New ones are stored, after the health that follows from them. Where a detector failed, they are
    stored as those of other detectors, so that the next time all are run again.
    """
    versions = "+".join(d.version for each in deps.served.values() for d in each.measuring)
    versions += await _editions(target, deps)
    identity = f"{target.id}:{commit}:{versions}"
    async with deps.locks[identity]:
        known = await deps.store.findings.get(identity)
        if known is not None:
            return known
        started = deps.clock()
        source = await read_source(deps, target, commit)
        measured = await _measure_types(tuple(deps.served.values()), source)
        now = deps.clock()
        lines: Counter[str] = Counter()
        for each in measured:
            lines |= Counter(each.lines)
        if failed := [name for each in measured for name in each.failed]:
            versions += f"+without-{'-'.join(failed)}-{now.isoformat()}"
        found = FindingSet(
            id=f"{target.id}:{commit}:{versions}",
            target_id=target.id,
            commit=commit,
            detectors=versions,
            findings=tuple(finding for each in measured for finding in each.findings),
            lines=dict(lines),
            inspections=tuple(_inspection(each) for each in measured),
            seconds=(now - started).total_seconds(),
            measured_at=now,
        )
        # Health first: whoever reads the findings may rely on it.
        health = [reading for each in measured for reading in _health(found, each)]
        await deps.store.health.insert_missing(health)
        await deps.store.findings.insert(found)
        return found


async def _editions(target: Target, deps: AgentDeps) -> str:
    """Return what tells apart measurements of one commit at different times; empty at first."""
    made = [d for each in deps.served.values() for d in each.measuring]
    editions = [await d.edition(target.id) for d in made if isinstance(d, ChangingDetector)]
    return "".join(f"+{each}" for each in editions if each)


def _inspection(measured: TypeMeasurement) -> Inspection:
    """Return how many lines an agent type read, with how many fixable rules, and what it left."""
    spec = measured.served.spec
    lines = sum(measured.lines.values())
    return Inspection(
        agent_type=spec.name, lines=lines, rules=len(spec.fixers), notes=measured.notes
    )


async def _measure_types(
    served: Sequence[ServedType], source: Source
) -> tuple[TypeMeasurement, ...]:
    """Run the detectors of agent types, those of different types side by side.

    Raises `Rejected` where the target is wrongly configured, once all of them have ended.
    """
    outcomes = await asyncio.gather(
        *(_measure_type(each, source) for each in served), return_exceptions=True
    )
    for each in outcomes:
        if isinstance(each, BaseException):
            raise each
    return tuple(each for each in outcomes if not isinstance(each, BaseException))


async def _measure_type(served: ServedType, source: Source) -> TypeMeasurement:
    """Run all detectors of one agent type, mark their findings with its name, and add up lines.

    A detector that fails is left out, and a note says so. Raises `Rejected` where the target is
    wrongly configured.
    """
    findings: list[Finding] = []
    lines: Counter[str] = Counter()
    notes: list[str] = []
    failed: list[str] = []
    for detector in served.measuring:
        try:
            measured = await detector.measure(source)
        except Exception as error:
            if not is_tool_failure(error):
                raise
            log.exception("detector_failed", detector=detector.name)
            notes.append(failure_note(detector.name, error))
            failed.append(detector.name)
            continue
        findings += measured.findings
        lines.update(measured.lines)
        notes += measured.notes
    marked = tuple(_marked(each, served.spec) for each in findings)
    return TypeMeasurement(served, marked, lines, tuple(dict.fromkeys(notes)), tuple(failed))


def _marked(finding: Finding, spec: AgentSpec) -> Finding:
    """Return a finding with the agent type whose detector found it, and whether that advises."""
    advice = finding.advice or finding.rule in spec.advises
    return finding.model_copy(update={"agent_type": spec.name, "advice": advice})


def _health(found: FindingSet, measured: TypeMeasurement) -> list[Health]:
    """Return the health of each component in each dimension of one agent type.

    Every dimension has counts of findings and lines, which reports and predictions use. Where a
    detector failed there is none: fewer findings would look like better health.
    """
    if measured.failed:
        return []
    by_component: dict[str, list[Finding]] = defaultdict(list)
    for each in measured.findings:
        by_component[each.component].append(each)
    kept = []
    for component, lines in sorted(measured.lines.items()):
        for dimension in measured.served.spec.dimensions:
            reading = dimension.measure(by_component[component], lines)
            kept.append(
                Health(
                    id=f"{found.target_id}:{found.commit}:{component}:{dimension.name}",
                    target_id=found.target_id,
                    commit=found.commit,
                    component=component,
                    dimension=dimension.name,
                    metrics={**count_findings(by_component[component], lines), **reading.metrics},
                    score=reading.score,
                    source=", ".join(each.version for each in measured.served.measuring),
                    measured_at=found.measured_at,
                )
            )
    return kept


async def _publish_failure(command: MeasureFindings, error: Rejected, deps: AgentDeps) -> None:
    """Publish that the commit could not be measured, and why."""
    event = MeasurementFailed(
        wave_id=command.wave_id,
        target_id=command.target_id,
        code=error.code,
        reason=error.message,
        hint=error.hint,
    )
    key = f"{command.wave_id}:findings:{command.moment}"
    await deps.bus.publish(event, key=key, wave=command.wave_id)
