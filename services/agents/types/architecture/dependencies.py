"""The engine that takes out dependencies that nothing imports or mentions."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

from shared.agent_types.changes import listed
from shared.agent_types.engines import Proposal, TaskContext
from shared.agent_types.fixers import Priors
from shared.contracts.base import EngineName
from shared.contracts.documents.advice import Advice
from shared.contracts.documents.findings import Finding
from shared.detectors.dependencies.declared import Dependency, without
from shared.detectors.dependencies.detector import (
    MISSING,
    TOOL,
    TRANSITIVE,
    UNUSED,
    DependenciesDetector,
    may_edit,
)
from shared.detectors.findings import rule_id
from shared.detectors.ports import Change, Source

RULE = rule_id(TOOL, UNUSED)
ADVISED = frozenset(rule_id(TOOL, code) for code in (UNUSED, MISSING, TRANSITIVE))


class DependencyEngine:
    """An `Engine` that edits the files in which a project declares what it needs.

    They are protected. So it advises where the target refuses edits of those, or its lease does not
    cover them.
    """

    def __init__(self, detector: DependenciesDetector, priors: Priors) -> None:
        self._detector = detector
        self._prior = priors.of(safe=False)

    async def propose(self, context: TaskContext) -> AsyncIterator[Proposal]:
        """Yield at most one proposal on what is not needed, and one on what is not declared."""
        for each in await asyncio.to_thread(lambda: list(self._proposals(context))):
            yield each

    def _proposals(self, context: TaskContext) -> Iterator[Proposal]:
        """Yield the proposals; it blocks."""
        source, component = context.source, context.task.component
        found = [
            each
            for each in self._detector.find(source)
            if each.component == component and each.fingerprint not in context.excluded
        ]
        unused = [each for each in found if each.rule == RULE]
        others = [e for e in found if e.rule != RULE and context.may_advise_on(e)]
        changes = self._changes(source, component, unused)
        if not changes:
            unused = [each for each in unused if context.may_advise_on(each)]
        if unused:
            yield self._proposal(component, unused, changes)
        if others:
            yield self._advice(others)

    def _changes(
        self, source: Source, component: str, found: Sequence[Finding]
    ) -> Mapping[str, Change]:
        """Return the files without what is not needed; none where that may not be edited."""
        if not may_edit(source):
            return {}
        wanted = {(each.path, each.line) for each in found}
        by_path: dict[str, list[Dependency]] = defaultdict(list)
        for declared in self._detector.declared(source):
            for each in self._detector.unused(source, declared):
                is_mine = source.component(each.path) == component and each.is_alone
                if is_mine and (each.path, each.line) in wanted:
                    by_path[each.path].append(each)
        texts = {path: source.text(path) or "" for path in by_path}
        changes = {
            path: (text, _without(text, path, by_path[path])) for path, text in texts.items()
        }
        return {path: each for path, each in changes.items() if each[0] != each[1]}

    def _proposal(
        self, component: str, found: Sequence[Finding], changes: Mapping[str, Change]
    ) -> Proposal:
        """Return a proposal to take out what is not needed; advice without changes.

        The gate measures no findings in protected files, so that a patch of them claims none.
        """
        advice = None
        why = "What is installed for nothing costs time, and has flaws of its own."
        if not changes:
            steps = ("Take the lines out, lock again, and run the tests.",)
            plan = "drop the dependencies that nothing imports"
            advice = Advice(plan=plan, evidence=_rows(found), steps=steps, caution=why)
        edited = f"{'; '.join(_rows(found))}. {why} Lines taken out of {listed(changes)}."
        return Proposal(
            key=f"{RULE}{':advice' if advice else ''}",
            rule=RULE,
            engine=EngineName.RULES,
            title=f"build({component}): drop dependencies that nothing imports ({UNUSED})",
            rationale=advice.text if advice else edited,
            advice=advice,
            changes=changes or None,
            prior=self._prior,
            findings=() if changes else tuple(found),
            causes=tuple(found) if changes else (),
            detectors=(self._detector.name,),
        )

    def _advice(self, found: Sequence[Finding]) -> Proposal:
        """Return advice on what is imported and not declared."""
        advice = Advice(
            plan="declare the dependencies that are imported",
            evidence=_rows(found),
            steps=(
                "Add each to the project's dependencies, with the oldest version that passes.",
                "Or guard the import, if it is optional.",
            ),
            caution="What is not declared is missing, or of another version, as soon as what "
            "brought it along changes.",
        )
        return Proposal(
            key=f"{rule_id(TOOL, MISSING)}:advice",
            rule=found[0].rule,
            engine=EngineName.RULES,
            title=advice.plan,
            rationale=advice.text,
            advice=advice,
            changes=None,
            prior=self._prior,
            findings=tuple(found),
            detectors=(self._detector.name,),
        )


def _rows(found: Sequence[Finding]) -> tuple[str, ...]:
    """Return findings with their places, as evidence."""
    return tuple(f"{each.path}:{each.line}: {each.message.rstrip('.')}" for each in found)


def _without(text: str, path: str, unused: Sequence[Dependency]) -> str:
    """Return a file's text without some dependencies, from its end to its beginning."""
    for each in sorted(unused, key=lambda each: -each.line):
        text = without(text, path, each)
    return text
