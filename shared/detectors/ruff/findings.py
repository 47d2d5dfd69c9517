"""What ruff reports, as findings of a target."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding
from shared.detectors.comments import drops_comment
from shared.detectors.findings import Fingerprints, rule_id
from shared.detectors.linters import LinterChoices, is_silenced
from shared.detectors.ports import FixableFinding, Source
from shared.detectors.ruff.configuration import TOOL
from shared.detectors.ruff.process import SYNTAX_ERROR, Diagnostic
from shared.detectors.texts import line_at, split_lines
from shared.targets.tree import is_typed

ELSE_AFTER_A_JUMP = {"RET505", "RET506", "RET507", "RET508"}
REMARK_ON_ELSE = re.compile(r"\s*else\s*:\s*#")
RETURN_OF_NONE = "RET501"
END_OF_DOCSTRING = re.compile(r"""(?:\"{3}|'{3}|:)$""")


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
        return [
            FixableFinding(
                self._finding(
                    each,
                    fingerprints.next(
                        TOOL, each.code, each.path, line_at(lines[each.path], each.row)
                    ),
                ),
                each.edits,
            )
            for each in (_without_losses(e, files[e.path]) for e in found if e.path in files)
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


def _without_losses(found: Diagnostic, text: str) -> Diagnostic:
    """Return a finding as it is, or without its fix if that would be a loss to readers.

    That is a fix that drops a comment, takes from a comment the `else` that it is about, or leaves
    a bare `return` as all that a function does.
    """
    if drops_comment(text, found.edits) or _is_loss(found, text):
        return replace(found, edits=(), applicability="")
    return found


def _is_loss(found: Diagnostic, text: str) -> bool:
    """Return whether the fix of a finding makes its line say less than before."""
    lines = split_lines(text)
    if found.code in ELSE_AFTER_A_JUMP:
        return bool(REMARK_ON_ELSE.match(line_at(lines, found.row)))
    return found.code == RETURN_OF_NONE and bool(
        END_OF_DOCSTRING.search(line_at(lines, found.row - 1).rstrip())
    )
