"""Findings by ruff."""

import asyncio
import hashlib
import importlib.metadata
from collections import Counter
from pathlib import Path
from typing import Literal

from shared.contracts.documents.findings import Finding
from shared.detectors.findings import Fingerprints
from shared.detectors.ports import Measured, Source
from shared.detectors.ruff import Diagnostic, sources, wanted_rules, workshop
from shared.detectors.rules import SEVERITIES, severity_of
from shared.detectors.texts import line_at, split_lines
from shared.targets.components import component_of

TOOL = "ruff"
MOST = 20_000


class RuffDetector:
    """The `Detector` port."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch

    @property
    def name(self) -> str:
        """Tool, version and selection."""
        selection = hashlib.sha256(",".join(sorted(SEVERITIES)).encode()).hexdigest()[:8]
        return f"{TOOL}-{importlib.metadata.version('ruff')}-{selection}"

    async def measure(self, source: Source) -> Measured:
        """Every finding in the source of the components."""
        return await asyncio.to_thread(self._measure, source)

    def _measure(self, source: Source) -> Measured:
        files = sources(source)
        lines: Counter[str] = Counter()
        for path, text in files.items():
            lines[_component(path, source)] += len(split_lines(text))
        if not files:
            return Measured((), lines)
        with workshop(source, files, self._scratch) as ruff:
            rules = wanted_rules(source)
            found = ruff.check(rules) if rules else []
        findings = as_findings(found, files, source)
        notes: tuple[str, ...] = ()
        if len(findings) > MOST:
            notes = (f"{len(findings)} findings; the first {MOST} are kept.",)
        return Measured(tuple(findings[:MOST]), lines, notes)


def as_findings(found: list[Diagnostic], files: dict[str, str], source: Source) -> list[Finding]:
    """Findings, with fingerprints given in the order of paths and lines."""
    fingerprints = Fingerprints()
    lines = {path: split_lines(text) for path, text in files.items()}
    return [
        Finding(
            rule=each.rule,
            severity=severity_of(each.rule),
            message=each.message,
            path=each.path,
            line=each.row,
            fingerprint=fingerprints.next(
                TOOL, each.rule, each.path, line_at(lines[each.path], each.row)
            ),
            component=_component(each.path, source),
            fixable=fixable(each, source),
            tool=TOOL,
        )
        for each in found
        if each.path in files
    ]


def fixable(found: Diagnostic, source: Source) -> Literal["no", "safe", "unsafe"]:
    """Whether there is a fix that we would propose."""
    if not found.fix or (found.rule == "F401" and found.path.endswith("__init__.py")):
        # What a package imports without using it, it exports.
        return "no"
    if found.applicability == "safe":
        return "safe"
    return "unsafe" if source.profile.config.policy.unsafe_fixes else "no"


def _component(path: str, source: Source) -> str:
    return component_of(path, source.profile.components) or ""
