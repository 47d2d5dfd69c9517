"""The detector over ruff, and the parts it shares with that of security rules."""

import asyncio
import hashlib
import importlib.metadata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from shared.contracts.base import Severity
from shared.detectors.line_length import MAX_LINE_LENGTH
from shared.detectors.linters import FolderChoices, LinterChoices, read_choices
from shared.detectors.ports import Measured, Source
from shared.detectors.ruff.black import formatter_notes
from shared.detectors.ruff.configuration import TOOL
from shared.detectors.ruff.findings import FindingReader
from shared.detectors.ruff.process import Diagnostic, Ruff, scratch_copy
from shared.detectors.ruff.workspace import RuffWorkspace
from shared.detectors.rule_choice import RuleChoice
from shared.detectors.sources import owned_texts
from shared.detectors.texts import split_lines
from shared.kernel.errors import Rejected
from shared.targets.languages import PYTHON

MAX_FINDINGS = 20_000
# Counted up with each change of what is read, or of what is left out.
MEASURING = 3


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

    def codes(self, source: Source) -> list[str]:  # noqa: ARG002
        """Return the rules to look for. Raises `Rejected` where the target chooses unknown ones."""
        return list(self._severities)

    def reader(self, source: Source, ruff: Ruff) -> FindingReader:
        """Return what makes findings of what ruff reports, once it has run."""
        choices = LinterChoices({TOOL: ruff.configuration.folders})
        return FindingReader(source, self._severities, choices, self.security)

    def _measure(self, source: Source) -> Measured:
        """Measure all Python files of the components. It blocks until ruff has ended."""
        owned = owned_texts(source, PYTHON.has_suffix)
        lines: Counter[str] = Counter()
        for path, text in owned.texts.items():
            lines[source.component(path)] += len(split_lines(text))
        codes = self.codes(source)
        if not owned.texts or not codes:
            return Measured((), lines, owned.notes)
        with scratch_copy(source, owned.texts, self._scratch) as ruff:
            found = ruff.check(codes)
            reader = self.reader(source, ruff)
        findings = tuple(each.finding for each in reader.read(found, owned.texts))
        notes = (*owned.notes, *reader.choices.notes)
        if findings:
            notes += formatter_notes(source.tree, owned.texts)
        if len(findings) > MAX_FINDINGS:
            notes += (f"Of {len(findings)} findings only the first {MAX_FINDINGS} are looked at.",)
        return Measured(findings[:MAX_FINDINGS], lines, notes)

    def _measure_batch(self, batch: Sequence[tuple[Source, Collection[str]]]) -> Sequence[Measured]:
        """Measure the files of each source in one process of ruff, whose end it waits for."""
        source = batch[0][0]
        texts = {f"{n}/": each.texts(paths) for n, (each, paths) in enumerate(batch)}
        files = {root + path: text for root, mine in texts.items() for path, text in mine.items()}
        codes = self.codes(source)
        if not files or not codes:
            return [Measured((), {}) for _ in batch]
        # Some rules depend on the line length, which must not depend on what else is measured.
        length, roots = MAX_LINE_LENGTH, tuple(texts)
        with scratch_copy(source, files, self._scratch, roots=roots, line_length=length) as ruff:
            found = ruff.check(codes)
            reader = self.reader(source, ruff)
        return [
            Measured(tuple(e.finding for e in reader.read(_below(root, found), mine)), {})
            for root, mine in texts.items()
        ]


class RuffDetector(RuffBase):
    """Findings by the rules that a target's configuration chooses (`choice`) of `severities`.

    `setting` is the name of the section with that choice, for error messages. `oldest_pythons` are
    those from which on a rule makes sense, by code; targets that support an older one have none.
    `others` are codes of other tools that a choice may name as well.
    """

    def __init__(
        self,
        scratch: Path,
        severities: Mapping[str, Severity],
        choice: Callable[[Source], RuleChoice] = lambda _: RuleChoice(),
        setting: str = "",
        *,
        oldest_pythons: Mapping[str, tuple[int, int]] = MappingProxyType({}),
        others: Collection[str] = (),
    ) -> None:
        super().__init__(scratch, severities)
        self._oldest_pythons = oldest_pythons
        self._choice = choice
        self._setting = setting
        self._others = others

    def codes(self, source: Source) -> list[str]:
        """Return the rules that the target's `choice` includes, and that fit its oldest Python.

        Raises `Rejected` where the choice names a rule that is none of ours.
        """
        choice, known = self._choice(source), [*self._severities, *self._others]
        for each in (*choice.select, *choice.ignore):
            if not any(code.startswith(each) for code in known):
                raise Rejected(
                    f"groundswell.toml: {self._setting}: {each} names no rule of ours.",
                    hint=f"Ours: {', '.join(sorted(known))}.",
                    code="unknown_rule",
                )
        oldest = source.profile.oldest_python
        return [
            code
            for code in super().codes(source)
            if choice.includes(code) and self._oldest_pythons.get(code, oldest) <= oldest
        ]

    def reader(self, source: Source, ruff: Ruff) -> FindingReader:
        """Return what makes findings of what ruff reports, as far as any linter may report them.

        Where ruff does not accept the target's configuration, there are none.
        """
        own = ruff.configuration.folders
        if ruff.problem:
            own = (FolderChoices("", problem=ruff.problem),)
        choices = LinterChoices({TOOL: own, **read_choices(source.tree).by_linter})
        return FindingReader(source, self._severities, choices)

    @contextmanager
    def open_workspace(self, source: Source, files: Mapping[str, str]) -> Iterator["RuffWorkspace"]:
        """Open a scratch copy of these files; it is deleted on exit."""
        with scratch_copy(source, files, self._scratch) as ruff:
            yield RuffWorkspace(ruff, files, self.codes(source), partial(self.reader, source))


def _below(root: str, found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return what was found below a root, with paths from there."""
    return [
        replace(each, path=each.path.removeprefix(root))
        for each in found
        if each.path.startswith(root)
    ]
