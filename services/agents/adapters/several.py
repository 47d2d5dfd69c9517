"""Several detectors and engines as one."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from services.agents.domain.proposals import Proposal
from services.agents.ports import Engine
from shared.detectors.ports import Detector, Measured, Source


class Detectors:
    """The `Detector` port: what all of them find."""

    def __init__(self, *detectors: Detector) -> None:
        self._detectors = detectors
        self.name = "+".join(each.name for each in detectors)

    async def measure(self, source: Source) -> Measured:
        """All findings, and all lines."""
        lines: Counter[str] = Counter()
        measured = [await each.measure(source) for each in self._detectors]
        for each in measured:
            lines.update(each.lines)
        return Measured(
            tuple(finding for each in measured for finding in each.findings),
            lines,
            tuple(note for each in measured for note in each.notes),
        )


class Engines:
    """The `Engine` port: a file that an earlier one changes is left alone by the later ones."""

    def __init__(self, *engines: Engine) -> None:
        self._engines = engines

    async def propose(
        self, source: Source, component: str, exclude: Sequence[str]
    ) -> list[Proposal]:
        """What each proposes, in order."""
        proposals: list[Proposal] = []
        taken: set[str] = set()
        for engine in self._engines:
            for each in await engine.propose(source, component, exclude):
                changes = {path: made for path, made in each.changes.items() if path not in taken}
                if len(changes) == len(each.changes):
                    proposals.append(each)
                elif changes:
                    kept = tuple(found for found in each.findings if found.path in changes)
                    proposals.append(replace(each, changes=changes, findings=kept))
            taken |= {path for each in proposals for path in each.changes}
        return proposals
