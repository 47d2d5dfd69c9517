"""Findings by the target's own repairing command: each place that it would change."""

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping

from services.agents.adapters.fixer import Fixer, repairable
from services.agents.domain.proposals import OWN, Change
from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding
from shared.detectors.findings import Fingerprints
from shared.detectors.ports import Measured, Source
from shared.detectors.texts import split_lines
from shared.targets.components import component_of
from shared.targets.languages import JAVASCRIPT

TOOL = "own"


class OwnDetector:
    """The `Detector` port over the target's own command."""

    name = "own-1"

    def __init__(self, fixer: Fixer) -> None:
        self._fixer = fixer

    async def measure(self, source: Source) -> Measured:
        """A finding for each place, and the lines of what is not Python."""
        changes = await self._fixer.repair(source)
        lines: Counter[str] = Counter()
        for path, text in repairable(source).items():
            if JAVASCRIPT.has_suffix(path):
                lines[_component(path, source)] += len(split_lines(text))
        return Measured(tuple(findings(changes, source)), lines)


def findings(changes: Mapping[str, Change], source: Source) -> Iterator[Finding]:
    """In the order of paths and lines."""
    fingerprints = Fingerprints()
    for path, (before, after) in sorted(changes.items()):
        old, new = split_lines(before), split_lines(after)
        for tag, first, last, _, _ in difflib.SequenceMatcher(None, old, new).get_opcodes():
            if tag != "equal":
                text = "".join(old[first:last])
                yield Finding(
                    rule=OWN,
                    severity=Severity.NOTE,
                    message=f"`{source.profile.fix}` changes this.",
                    path=path,
                    line=min(first + 1, max(len(old), 1)),
                    fingerprint=fingerprints.next(TOOL, OWN, path, text),
                    component=_component(path, source),
                    fixable="unsafe" if source.profile.config.policy.unsafe_fixes else "no",
                    tool=TOOL,
                )


def _component(path: str, source: Source) -> str:
    return component_of(path, source.profile.components) or ""
