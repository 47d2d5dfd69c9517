"""The engine that has import-linter hold what was reached: a package without cycles."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from shared.agent_types.engines import Proposal, TaskContext
from shared.agent_types.fixers import Priors
from shared.contracts.base import EngineName
from shared.contracts.documents.advice import Advice
from shared.contracts.documents.findings import Finding
from shared.detectors.findings import rule_id
from shared.detectors.imports.contracts import CONTRACT, contract_text, read_linter_settings
from shared.detectors.imports.detector import ImportsDetector
from shared.detectors.imports.survey import TOOL
from shared.detectors.ports import Change, Source

RULE = rule_id(TOOL, CONTRACT)


class ContractEngine:
    """An `Engine` that adds a contract to the settings that a target has for import-linter.

    They are protected. So it advises where the target refuses edits of those, or its lease does not
    cover them.
    """

    def __init__(self, detector: ImportsDetector, priors: Priors) -> None:
        self._detector = detector
        self._prior = priors.of(safe=True)

    async def propose(self, context: TaskContext) -> AsyncIterator[Proposal]:
        """Yield one proposal for each package of the component that no contract keeps."""
        for each in await asyncio.to_thread(lambda: list(self._proposals(context))):
            yield each

    def _proposals(self, context: TaskContext) -> Iterator[Proposal]:
        """Yield the proposals; it blocks."""
        source, component = context.source, context.task.component
        paths = [path for path in source.tree.files() if source.component(path) == component]
        codes = frozenset({CONTRACT})
        survey = self._detector.survey(source)
        settings = read_linter_settings(survey)
        for each in self._detector.find(source, paths, codes) if settings else ():
            if settings and each.finding.fingerprint not in context.excluded:
                package = survey.graph.modules.name(each.finding.path)
                made = self._proposal(source, component, settings.path, package, each.finding)
                if made.changes or context.may_advise_on(each.finding):
                    yield made

    def _proposal(
        self, source: Source, component: str, path: str, package: str, found: Finding
    ) -> Proposal:
        """Return the proposal of a contract; advice where the file may not be edited.

        The gate measures no findings in protected files, so that a patch of them claims none.
        """
        added = contract_text(path, package)
        changes = _changes(source, component, path, added)
        why = (
            "The next cycle would be noticed only where it breaks something. Its type, "
            "acyclic_siblings, needs a recent import-linter."
        )
        advice = None
        if not changes:
            advice = Advice(
                plan=f"keep {package} free of import cycles by a contract of import-linter",
                evidence=(found.message.rstrip("."),),
                steps=(f"Add to {path}, and run lint-imports:{added}",),
                caution=why,
            )
        return Proposal(
            key=RULE if changes else f"{RULE}:advice",
            rule=RULE,
            engine=EngineName.RULES,
            title=f"build({component}): keep {package} free of import cycles ({CONTRACT})",
            rationale=advice.text if advice else f"{found.message} {why}",
            advice=advice,
            changes=changes or None,
            prior=self._prior,
            findings=() if changes else (found,),
            causes=(found,) if changes else (),
            detectors=(self._detector.name,),
        )


def _changes(source: Source, component: str, path: str, added: str) -> dict[str, Change]:
    """Return the settings with the contract; nothing where they may not be edited."""
    text = source.text(path)
    may_edit = source.profile.config.policy.protected_paths == "ask"
    if not text or not may_edit or source.component(path) != component:
        return {}
    return {path: (text, f"{text.rstrip()}\n{added}")}
