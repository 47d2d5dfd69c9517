"""The detector over ruff, and the parts it shares with that of security rules."""

import asyncio
import hashlib
import importlib.metadata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding
from shared.detectors.comments import drops_comment
from shared.detectors.findings import Fingerprints, rule_id
from shared.detectors.ports import FixableFinding, Measured, Source
from shared.detectors.ruff.configuration import read_settings
from shared.detectors.ruff.process import (
    MAX_LINE_LENGTH,
    SYNTAX_ERROR,
    Diagnostic,
    Ruff,
    scratch_copy,
)
from shared.detectors.sources import decoded, owned_texts
from shared.detectors.texts import line_at, split_lines
from shared.kernel.errors import Rejected
from shared.targets.components import component_of
from shared.targets.languages import PYTHON

TOOL = "ruff"
MAX_FINDINGS = 20_000
# Counted up with each change of what is read, or of what is left out.
MEASURING = 2
# Any rule will do: a file that cannot be parsed is reported whichever is selected.
CHEAP_RULE = "F632"


@dataclass(frozen=True)
class RuleChoice:
    """Prefixes of rule codes: look only for `select` (empty: for all), and never for `ignore`."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def includes(self, code: str) -> bool:
        """Return whether the rule is chosen."""
        chosen = not self.select or code.startswith(self.select)
        return chosen and not code.startswith(self.ignore)


class RuffBase:
    """Measures a set of ruff's rules, given by code with their severities."""

    tool: ClassVar[str] = TOOL
    files: ClassVar[tuple[str, ...]] = tuple(f"*{suffix}" for suffix in PYTHON.suffixes)
    single_file: ClassVar[bool] = True
    runs_target_code: ClassVar[bool] = False
    name = TOOL
    security = False

    def __init__(self, scratch: Path, severities: Mapping[str, Severity]) -> None:
        self._scratch = scratch
        self._severities = severities

    @property
    def version(self) -> str:
        """The version of ruff, a digest of the rules that are measured, and how they are."""
        selection = hashlib.sha256(",".join(sorted(self._severities)).encode()).hexdigest()[:8]
        return f"{self.name}-{importlib.metadata.version('ruff')}-{selection}-{MEASURING}"

    async def measure(self, source: Source, paths: Collection[str] | None = None) -> Measured:
        """Return the findings in the components' Python files, or in the files `paths` alone."""
        if paths is not None:
            return (await self.measure_batch([(source, paths)]))[0]
        return await asyncio.to_thread(self._measure, source)

    async def measure_batch(
        self, batch: Sequence[tuple[Source, Collection[str]]]
    ) -> Sequence[Measured]:
        """Measure the files of each source in one process; the first one's settings count."""
        return await asyncio.to_thread(self._measure_batch, batch)

    def wanted_codes(self, source: Source) -> list[str]:
        """Return the rules that the target wants. Raises `Rejected` for a bad choice."""
        settings = read_settings(source.tree)
        return [code for code in self._severities if settings.wants(code)]

    def _measure(self, source: Source) -> Measured:
        """Measure all Python files of the components. It blocks until ruff has ended."""
        owned = owned_texts(source, PYTHON.has_suffix)
        files = owned.texts
        lines: Counter[str] = Counter()
        for path, text in files.items():
            lines[_component(path, source)] += len(split_lines(text))
        if not files:
            return Measured((), lines, owned.notes)
        with scratch_copy(source, files, self._scratch) as ruff:
            codes = self.wanted_codes(source)
            found = ruff.check(codes) if codes else []
        findings = [each.finding for each in self.as_findings(found, files, source)]
        notes = owned.notes
        if len(findings) > MAX_FINDINGS:
            notes += (f"Of {len(findings)} findings only the first {MAX_FINDINGS} are looked at.",)
        return Measured(tuple(findings[:MAX_FINDINGS]), lines, notes)

    def _measure_batch(self, batch: Sequence[tuple[Source, Collection[str]]]) -> Sequence[Measured]:
        """Measure the files of each source in one process of ruff, whose end it waits for."""
        source = batch[0][0]
        texts = {f"{n}/": _texts(each, paths) for n, (each, paths) in enumerate(batch)}
        files = {root + path: text for root, mine in texts.items() for path, text in mine.items()}
        codes = self.wanted_codes(source)
        found: list[Diagnostic] = []
        if files and codes:
            # Some rules depend on the line length, which must not depend on what else is measured.
            length, roots = MAX_LINE_LENGTH, tuple(texts)
            with scratch_copy(
                source, files, self._scratch, roots=roots, line_length=length
            ) as ruff:
                found = ruff.check(codes)
        measured = []
        for root, mine in texts.items():
            below = [
                replace(each, path=each.path.removeprefix(root))
                for each in found
                if each.path.startswith(root)
            ]
            findings = self.as_findings(below, mine, source)
            measured.append(Measured(tuple(each.finding for each in findings), {}))
        return measured

    def as_findings(
        self, found: Sequence[Diagnostic], files: Mapping[str, str], source: Source
    ) -> list[FixableFinding]:
        """Return findings, with fingerprints given in the order of paths and lines."""
        fingerprints = Fingerprints()
        lines = {path: split_lines(text) for path, text in files.items()}
        kept = [_without_losses(each, files[each.path]) for each in found if each.path in files]
        return [
            FixableFinding(
                Finding(
                    rule=rule_id(TOOL, each.code),
                    severity=self._severities.get(each.code, Severity.ERROR),
                    message=each.message,
                    path=each.path,
                    line=each.row,
                    end_line=each.end_row,
                    help_uri=each.url,
                    fingerprint=fingerprints.next(
                        TOOL, each.code, each.path, line_at(lines[each.path], each.row)
                    ),
                    component=_component(each.path, source),
                    fixable=self.fixable(each, source),
                    security=self.security and each.code in self._severities,
                    tool=TOOL,
                ),
                each.edits,
            )
            for each in kept
        ]

    def fixable(self, found: Diagnostic, source: Source) -> Literal["no", "safe", "unsafe"]:
        """Return whether there is a fix that would be proposed, and how ruff calls it."""
        if not found.edits or (found.code == "F401" and found.path.endswith("__init__.py")):
            # What a package imports without using it, it exports.
            return "no"
        if found.code == "PLC0414" and _is_typed(found.path, source):
            # This is how a typed package exports (import conventions of the typing documentation).
            return "no"
        if found.applicability == "safe":
            return "safe"
        return "unsafe" if source.profile.config.policy.unsafe_fixes else "no"


class RuffDetector(RuffBase):
    """Findings by the rules that a target's configuration chooses (`choice`) of `severities`.

    `setting` is the name of the section with that choice, for error messages.
    """

    def __init__(
        self,
        scratch: Path,
        severities: Mapping[str, Severity],
        choice: Callable[[Source], RuleChoice] = lambda _: RuleChoice(),
        setting: str = "",
    ) -> None:
        super().__init__(scratch, severities)
        self._choice = choice
        self._setting = setting

    def wanted_codes(self, source: Source) -> list[str]:
        """Return the rules that the target wants and its `choice` includes.

        Raises `Rejected` where the choice names a rule that is none of ours.
        """
        choice = self._choice(source)
        for each in (*choice.select, *choice.ignore):
            if not any(code.startswith(each) for code in self._severities):
                raise Rejected(
                    f"groundswell.toml: {self._setting}: {each} names no rule of ours.",
                    hint=f"Ours: {', '.join(sorted(self._severities))}.",
                    code="unknown_rule",
                )
        return [code for code in super().wanted_codes(source) if choice.includes(code)]

    @contextmanager
    def open_workspace(self, source: Source, files: Mapping[str, str]) -> Iterator["RuffWorkspace"]:
        """Open a scratch copy of these files; it is deleted on exit."""
        with scratch_copy(source, files, self._scratch) as ruff:
            yield RuffWorkspace(self, source, files, ruff)


class RuffWorkspace:
    """`Workspace` over one ruff process at a time."""

    def __init__(
        self, detector: RuffDetector, source: Source, files: Mapping[str, str], ruff: Ruff
    ) -> None:
        self._detector = detector
        self._source = source
        self._files = dict(files)
        self._ruff = ruff
        self._wanted = frozenset(rule_id(TOOL, each) for each in detector.wanted_codes(source))

    def write(self, files: Mapping[str, str]) -> None:
        """Replace the texts of these files."""
        self._files.update(files)
        self._ruff.write(files)

    def find(self, rules: Collection[str]) -> list[FixableFinding]:
        """Return the findings of these rules that the target wants, by path and line."""
        codes = [each.partition(":")[2] for each in rules if each in self._wanted]
        if not codes:
            return []
        return self._detector.as_findings(self._ruff.check(codes), self._files, self._source)

    def parses(self, path: str) -> bool:
        """Return whether ruff finds no syntax error in a file."""
        found = self._ruff.check([CHEAP_RULE], [path])
        return all(each.code != SYNTAX_ERROR for each in found)

    def format(self, files: Mapping[str, str]) -> dict[str, str]:
        """Return these texts as ruff formats them."""
        return self._ruff.format(files)


def _without_losses(found: Diagnostic, text: str) -> Diagnostic:
    """Return a finding as it is, or without its fix if that would drop a comment."""
    if drops_comment(text, found.edits):
        return replace(found, edits=(), applicability="")
    return found


def _is_typed(path: str, source: Source) -> bool:
    """Return whether a package around the file publishes its types, by a file `py.typed`."""
    parts = path.split("/")[:-1]
    folders = ("/".join([*parts[:n], "py.typed"]) for n in range(len(parts) + 1))
    return any(source.tree.read(each) is not None for each in folders)


def _texts(source: Source, paths: Collection[str]) -> dict[str, str]:
    """Return the texts of files by path, without those not in UTF-8; a missing file is empty."""
    found = {path: decoded(source.tree.read(path)) for path in paths}
    return {path: text for path, text in found.items() if text is not None}


def _component(path: str, source: Source) -> str:
    """Return the name of the component that owns a path; empty if none does."""
    return component_of(path, source.profile.components) or ""
