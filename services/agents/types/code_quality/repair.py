"""The engine that proposes what the target's own repairing command changes."""

from collections.abc import AsyncIterator, Mapping

from services.agents.types.code_quality.section import repair_command
from shared.agent_types.changes import listed, readable_parts
from shared.agent_types.engines import Proposal, TaskContext
from shared.agent_types.fixers import Priors
from shared.contracts.base import EngineName
from shared.contracts.documents.findings import Finding, Prediction
from shared.detectors.ports import Change, DetectorResources
from shared.detectors.repair_command import CODE, RULE, RepairCommandDetector


class RepairCommandEngine:
    """An `Engine` that proposes whole files as the command leaves them.

    A file with a finding that must be left alone is not changed at all.
    """

    def __init__(self, resources: DetectorResources, priors: Priors) -> None:
        self._detector = RepairCommandDetector(resources, repair_command)
        self._prior = priors.of(safe=False)

    async def propose(self, context: TaskContext) -> AsyncIterator[Proposal]:
        """Yield what the command changes in the component, if unsafe fixes are allowed at all."""
        source, component = context.source, context.task.component
        changes = await self._detector.changes(source)
        found = list(self._detector.findings(changes, source))
        refused = {each.path for each in found if each.fingerprint in context.excluded}
        mine = {
            path: change
            for path, change in changes.items()
            if path not in refused
            and context.may_change(path)
            and source.profile.config.policy.unsafe_fixes
        }
        parts = [part for part in readable_parts(mine) if part]
        for number, part in enumerate(parts, 1):
            key = CODE if len(parts) == 1 else f"{CODE}/{number}"
            findings = tuple(each for each in found if each.path in part)
            changed = {path: mine[path] for path in part}
            yield self._proposal(key, component, repair_command(source), findings, changed)

    def _proposal(
        self,
        key: str,
        component: str,
        command: str,
        findings: tuple[Finding, ...],
        changes: Mapping[str, Change],
    ) -> Proposal:
        """Return one part of the command's changes as a proposal that predicts fewer findings."""
        return Proposal(
            key=key,
            rule=RULE,
            engine=EngineName.RULES,
            title=f"style({component}): apply the project's own lint fixes",
            rationale=f"`{command}` changes {listed(changes)}. "
            "The tests decide whether behaviour stays the same.",
            changes=changes,
            safe=False,
            prior=self._prior,
            findings=findings,
            prediction=Prediction(
                metric=f"findings.{RULE}",
                direction="down",
                size=float(len(findings)),
                confidence=self._prior,
            ),
        )
