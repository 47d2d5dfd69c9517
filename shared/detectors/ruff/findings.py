"""What ruff reports, as findings of a target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding
from shared.detectors.findings import Fingerprints, rule_id, scopes
from shared.detectors.linters import LinterChoices, is_silenced
from shared.detectors.ports import FixableFinding, Source
from shared.detectors.ruff.configuration import TOOL
from shared.detectors.ruff.losses import without_losses
from shared.detectors.ruff.process import SYNTAX_ERROR, Diagnostic
from shared.detectors.texts import line_at, split_lines
from shared.targets.tree import is_typed


@dataclass(frozen=True)
class FindingReader:
    """Makes findings of what ruff reports, except for what the target's linters are told to leave.

    A syntax error is always one. Of security findings, comments silence those that ruff knows.
    """

    source: Source
    severities: Mapping[str, Severity]
    choices: LinterChoices
    security: bool = False

    def read(self, found: Sequence[Diagnostic], files: Mapping[str, str]) -> list[FixableFinding]:
        """Return the findings in these files, with fingerprints in the order of paths and lines."""
        fingerprints = Fingerprints()
        lines = {path: split_lines(text) for path, text in files.items()}
        around = {path: scopes(lines[path]) for path in {e.path for e in found} & lines.keys()}
        return [
            FixableFinding(
                self._finding(
                    each,
                    fingerprints.next(
                        TOOL,
                        each.code,
                        each.path,
                        line_at(lines[each.path], each.row),
                        line_at(around[each.path], each.row),
                    ),
                ),
                each.edits,
            )
            for each in without_losses([e for e in found if e.path in files], files)
            if self._is_wanted(each, files[each.path])
        ]

    def _is_wanted(self, found: Diagnostic, text: str) -> bool:
        """Return whether neither configuration nor comments tell linters to be silent about it."""
        if found.code == SYNTAX_ERROR:
            return True
        if self.choices.turn_off(found.path, found.code):
            return False
        return self.security or not is_silenced(text, found.row, found.code)

    def _finding(self, found: Diagnostic, fingerprint: str) -> Finding:
        """Return one diagnostic as a finding."""
        return Finding(
            rule=rule_id(TOOL, found.code),
            severity=self.severities.get(found.code, Severity.ERROR),
            message=found.message,
            path=found.path,
            line=found.row,
            end_line=found.end_row,
            help_uri=found.url,
            fingerprint=fingerprint,
            component=self.source.component(found.path),
            fixable=self._fixable(found),
            security=self.security and found.code in self.severities,
            tool=TOOL,
        )

    def _fixable(self, found: Diagnostic) -> Literal["no", "safe", "unsafe"]:
        """Return whether there is a fix that would be proposed, and how ruff calls it."""
        if not found.edits or (found.code == "F401" and found.path.endswith("__init__.py")):
            # What a package imports without using it, it exports.
            return "no"
        if found.code == "PLC0414" and is_typed(found.path, self.source.tree):
            # This is how a typed package exports (import conventions of the typing documentation).
            return "no"
        if found.applicability == "safe":
            return "safe"
        return "unsafe" if self.source.profile.config.policy.unsafe_fixes else "no"
