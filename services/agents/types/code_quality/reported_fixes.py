"""The engine that proposes the fixes which imported logs offer."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

from shared.agent_types.changes import listed, readable_parts
from shared.agent_types.engines import Proposal, TaskContext
from shared.agent_types.fixers import Priors
from shared.contracts.base import EngineName
from shared.contracts.documents.findings import Finding, ReportedFinding
from shared.detectors.ports import Change, DetectorResources, FixableFinding
from shared.detectors.sarif.placing import place_fixes
from shared.detectors.texts import apply_fixes

MAX_MESSAGES = 3


class ReportedFixEngine:
    """An `Engine` that proposes the fixes of imported logs, by rule.

    Of several rules with fixes in one file the first has it; the others follow in a later wave.
    """

    def __init__(self, resources: DetectorResources, priors: Priors) -> None:
        self._imports = resources.imports
        self._prior = priors.of(safe=False)

    async def propose(self, context: TaskContext) -> AsyncIterator[Proposal]:
        """Yield the fixes in the component, if unsafe fixes are allowed at all."""
        if self._imports is None:
            return
        reported = await self._imports.reported(context.source.target_id)
        offered = [each for each in reported if each.fix]
        for each in await asyncio.to_thread(lambda: list(self._proposals(context, offered))):
            yield each

    def _proposals(
        self, context: TaskContext, offered: Sequence[ReportedFinding]
    ) -> Iterator[Proposal]:
        """Yield the proposals of each rule in turn; it blocks."""
        by_rule: dict[str, list[FixableFinding]] = defaultdict(list)
        for each in place_fixes(offered, context.source, imported=True)[0]:
            found = each.finding
            is_new = found.fingerprint not in context.excluded
            if found.fixable != "no" and is_new and context.may_change(found.path):
                by_rule[found.rule].append(each)
        taken: set[str] = set()
        for rule, mine in sorted(by_rule.items()):
            fixed = _fixed(context, [each for each in mine if each.finding.path not in taken])
            changes = {path: change for path, (change, _) in fixed.items()}
            parts = [each for each in readable_parts(changes) if each]
            for number, part in enumerate(parts, 1):
                key = f"{rule}:reported" + (f"/{number}" if len(parts) > 1 else "")
                causes = tuple(found for path in part for found in fixed[path][1])
                changed = {path: changes[path] for path in part}
                yield self._proposal(key, context.task.component, causes, changed)
            taken |= changes.keys()

    def _proposal(
        self, key: str, component: str, causes: Sequence[Finding], changes: Mapping[str, Change]
    ) -> Proposal:
        """Return a proposal of one rule. The gate has not its tool, so that it claims nothing."""
        first = causes[0]
        places = "place" if len(causes) == 1 else "places"
        said = dict.fromkeys(each.message for each in causes)
        return Proposal(
            key=key,
            rule=first.rule,
            engine=EngineName.RULES,
            title=f"fix({component}): apply the fix of {first.tool} ({first.code})",
            rationale=f"{' '.join(list(said)[:MAX_MESSAGES])} {len(causes)} {places} in "
            f"{listed(changes)}, with the fix that an imported log of {first.tool} offers. The "
            "tests decide whether behaviour stays the same.",
            changes=changes,
            safe=False,
            prior=self._prior,
            causes=tuple(causes),
        )


def _fixed(
    context: TaskContext, found: Sequence[FixableFinding]
) -> dict[str, tuple[Change, list[Finding]]]:
    """Return by path what the fixes change that do not overlap, and which findings they are of."""
    made = {}
    for path in sorted({each.finding.path for each in found}):
        mine = [each for each in found if each.finding.path == path]
        text = context.source.text(path) or ""
        after, applied = apply_fixes(text, [each.edits for each in mine])
        if after != text:
            made[path] = (text, after), [mine[number].finding for number in applied]
    return made
