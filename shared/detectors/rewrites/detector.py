"""The detector over rules of our own."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import ClassVar

from shared.contracts.documents.findings import Finding
from shared.detectors.findings import rule_id
from shared.detectors.ports import FixableFinding, Measured, Source, Workspace
from shared.detectors.rewrites.rule import Match, Rule, identified_matches
from shared.detectors.rewrites.workspace import RewritesWorkspace
from shared.detectors.sources import owned_texts
from shared.detectors.texts import split_lines
from shared.targets.languages import PYTHON

# Longer files are mostly data.
MAX_CHARACTERS = 1_000_000
MAX_REMEMBERED_FILES = 4096
MAX_FINDINGS = 20_000

# (source) -> the rules that a target wants to be looked for.
ChooseRules = Callable[[Source], Collection[Rule]]
# (source, files) -> a workspace in which files are formatted.
OpenFormatter = Callable[[Source, Mapping[str, str]], AbstractContextManager[Workspace]]


class RewritesDetector:
    """Findings by rules of one tool. `edition` counts up with each change of what they find.

    `choose` says which of the rules a target wants. A workspace formats by `open_formatter`.
    """

    files: ClassVar[tuple[str, ...]] = tuple(f"*{suffix}" for suffix in PYTHON.suffixes)
    single_file: ClassVar[bool] = True
    security: ClassVar[bool] = False
    runs_target_code: ClassVar[bool] = False

    def __init__(
        self,
        tool: str,
        edition: int,
        rules: Sequence[Rule],
        choose: ChooseRules,
        open_formatter: OpenFormatter,
    ) -> None:
        self.name = self.tool = tool
        self._edition = edition
        self._rules = rules
        self._choose = choose
        self._open_formatter = open_formatter

    @property
    def version(self) -> str:
        """The tool with its edition, and a digest of its rules."""
        codes = ",".join(sorted(each.code for each in self._rules))
        return f"{self.tool}-{self._edition}-{hashlib.sha256(codes.encode()).hexdigest()[:8]}"

    async def measure(self, source: Source, paths: Collection[str] | None = None) -> Measured:
        """Return the findings in the components' Python files, or in the files `paths` alone."""
        return await asyncio.to_thread(self._measure, source, paths)

    def _measure(self, source: Source, paths: Collection[str] | None) -> Measured:
        """Measure the files, one after the other."""
        notes: tuple[str, ...] = ()
        if paths is None:
            owned = owned_texts(source, PYTHON.has_suffix)
            texts, notes = owned.texts, owned.notes
        else:
            texts = source.texts(each for each in paths if PYTHON.has_suffix(each))
        lines: Counter[str] = Counter()
        for path, text in texts.items() if paths is None else ():
            lines[source.component(path)] += len(split_lines(text))
        rules = tuple(self._choose(source))
        found = tuple(each.finding for each in find(source, texts, rules))
        if len(found) > MAX_FINDINGS:
            notes += (f"Of {len(found)} findings only the first {MAX_FINDINGS} are looked at.",)
        return Measured(found[:MAX_FINDINGS], lines, notes)

    @contextmanager
    def open_workspace(self, source: Source, files: Mapping[str, str]) -> Iterator[Workspace]:
        """Open a workspace with these files; what formats them is closed on exit."""
        rules = tuple(self._choose(source))
        with self._open_formatter(source, files) as formatter:
            yield RewritesWorkspace(
                files,
                lambda texts, wanted: find(
                    source, texts, [r for r in rules if rule_id(r.tool, r.code) in wanted]
                ),
                formatter,
            )


def find(source: Source, texts: Mapping[str, str], rules: Collection[Rule]) -> list[FixableFinding]:
    """Return what rules find in files, in the order of paths and lines.

    A file that cannot be analysed has no findings.
    """
    found = []
    for path, text in sorted(texts.items()):
        for rule in rules:
            found += [
                FixableFinding(_finding(source, path, rule, match, fingerprint))
                for match, fingerprint in _matches(rule, path, text)
            ]
    return sorted(found, key=lambda each: (each.finding.path, each.finding.line))


@lru_cache(maxsize=MAX_REMEMBERED_FILES)
def _matches(rule: Rule, path: str, text: str) -> tuple[tuple[Match, str], ...]:
    """Return what a rule finds in a file, with fingerprints; nothing if it cannot be analysed."""
    if len(text) > MAX_CHARACTERS:
        return ()
    try:
        return tuple(identified_matches(rule, path, text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()


def _finding(source: Source, path: str, rule: Rule, match: Match, fingerprint: str) -> Finding:
    """Return one match as a finding."""
    unwanted = match.fixable == "unsafe" and not source.profile.config.policy.unsafe_fixes
    return Finding(
        rule=rule_id(rule.tool, rule.code),
        severity=rule.severity,
        message=match.message,
        path=path,
        line=match.line,
        end_line=match.end_line,
        fingerprint=fingerprint,
        component=source.component(path),
        fixable="no" if unwanted or rule.is_advice else match.fixable,
        tool=rule.tool,
    )
