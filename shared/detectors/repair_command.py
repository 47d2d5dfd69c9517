"""Findings by a target's own repairing command: each place that the command would change."""

import difflib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import ClassVar

from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding
from shared.detectors.findings import Fingerprints, rule_id
from shared.detectors.ports import Change, DetectorResources, Measured, Source
from shared.detectors.sources import owned_texts
from shared.detectors.texts import split_lines
from shared.targets.languages import JAVASCRIPT

TOOL = "own"
CODE = "OWN"
RULE = rule_id(TOOL, CODE)


class RepairCommandDetector:
    """Runs the command that `command` reads from a target; an empty one finds nothing."""

    name: ClassVar[str] = "repair_command"
    tool: ClassVar[str] = TOOL
    version: ClassVar[str] = "own-1"
    files: ClassVar[tuple[str, ...]] = ("*",)
    single_file: ClassVar[bool] = False
    security: ClassVar[bool] = False
    runs_target_code: ClassVar[bool] = True

    def __init__(self, resources: DetectorResources, command: Callable[[Source], str]) -> None:
        self._commands = resources.commands
        self._command = command

    async def changes(self, source: Source) -> Mapping[str, Change]:
        """Return what the command changes, by path. Raises `Rejected` where it fails."""
        command = self._command(source)
        if not command or self._commands is None:
            return {}
        return await self._commands.rewrite(source, command)

    async def measure(self, source: Source, paths: Collection[str] | None = None) -> Measured:
        """Return a finding for each place that the command would change.

        The lines are counted for JavaScript only. Raises `Rejected` where the command fails.
        """
        found = self.findings(await self.changes(source), source)
        if paths is not None:
            return Measured(tuple(each for each in found if each.path in paths), {})
        lines: Counter[str] = Counter()
        for path, text in repairable(source).items():
            # Python's lines are counted by the detectors of Python.
            if JAVASCRIPT.has_suffix(path):
                lines[source.component(path)] += len(split_lines(text))
        return Measured(tuple(found), lines)

    def findings(self, changes: Mapping[str, Change], source: Source) -> Iterator[Finding]:
        """Yield a finding for each place that differs, in the order of paths and lines."""
        fingerprints = Fingerprints()
        for path, (before, after) in sorted(changes.items()):
            old, new = split_lines(before), split_lines(after)
            for tag, first, last, _, _ in difflib.SequenceMatcher(None, old, new).get_opcodes():
                if tag != "equal":
                    text = "".join(old[first:last])
                    yield Finding(
                        rule=RULE,
                        severity=Severity.NOTE,
                        message=f"`{self._command(source)}` changes this.",
                        path=path,
                        line=min(first + 1, max(len(old), 1)),
                        end_line=max(last, 1),
                        fingerprint=fingerprints.next(TOOL, CODE, path, text),
                        component=source.component(path),
                        fixable="unsafe" if source.profile.config.policy.unsafe_fixes else "no",
                        tool=TOOL,
                    )


def repairable(source: Source) -> Mapping[str, str]:
    """Return the texts of the components' files that a patch may touch, by path."""
    return owned_texts(source).texts
