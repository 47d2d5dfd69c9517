"""The detector of what is wrong with the imports of a target, and its workspace."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar

from shared.contracts.documents.findings import Finding
from shared.detectors.findings import Fingerprints, rule_id
from shared.detectors.imports.contracts import CONTRACT, find_missing_contracts
from shared.detectors.imports.cycles import (
    CYCLE,
    DEFERRABLE,
    INDIRECT,
    TYPE_ONLY,
    find_cuts,
    find_cycles,
)
from shared.detectors.imports.god_modules import GOD_MODULE, find_god_modules
from shared.detectors.imports.graph import read_graph
from shared.detectors.imports.layers import (
    INFERRED_LAYER,
    LAYER,
    find_inferred_layers,
    find_violated_layers,
)
from shared.detectors.imports.shape import (
    ORPHAN,
    PRIVATE,
    UNSTABLE,
    find_orphans,
    find_private_names,
    find_unstable_dependencies,
)
from shared.detectors.imports.survey import TOOL, Found, ImportOptions, Survey
from shared.detectors.overlay import OverlayTree
from shared.detectors.ports import FixableFinding, Measured, Source
from shared.detectors.sources import owned_texts
from shared.detectors.texts import line_at, split_lines
from shared.targets.languages import PYTHON

# Counted up with each change of what is found.
MEASURING = 3
Rule = Callable[[Survey], Iterator[Found]]
# What finds findings, with the codes of these.
RULES: tuple[tuple[Rule, frozenset[str]], ...] = (
    (find_cycles, frozenset({CYCLE})),
    (find_cuts, frozenset({TYPE_ONLY, INDIRECT, DEFERRABLE})),
    (find_violated_layers, frozenset({LAYER})),
    (find_inferred_layers, frozenset({INFERRED_LAYER})),
    (find_missing_contracts, frozenset({CONTRACT})),
    (find_god_modules, frozenset({GOD_MODULE})),
    (find_unstable_dependencies, frozenset({UNSTABLE})),
    (find_orphans, frozenset({ORPHAN})),
    (find_private_names, frozenset({PRIVATE})),
)
EVERY_CODE = frozenset[str]().union(*(codes for _, codes in RULES))


class ImportsDetector:
    """Findings in the import graph, of what a target wants to know by `options`."""

    name: ClassVar[str] = TOOL
    tool: ClassVar[str] = TOOL
    version: ClassVar[str] = f"{TOOL}-{MEASURING}"
    files: ClassVar[tuple[str, ...]] = ("*.py",)
    single_file: ClassVar[bool] = False
    security: ClassVar[bool] = False
    runs_target_code: ClassVar[bool] = False

    def __init__(self, options: Callable[[Source], ImportOptions]) -> None:
        self._options = options

    async def measure(self, source: Source, paths: Collection[str] | None = None) -> Measured:
        """Return the findings in the components' Python files, or in the files `paths` alone."""
        return await asyncio.to_thread(self._measure, source, paths)

    @contextmanager
    def open_workspace(
        self, source: Source, files: Mapping[str, str]
    ) -> Iterator["ImportsWorkspace"]:
        """Yield a workspace with these files."""
        yield ImportsWorkspace(self, source, files)

    def find(
        self, source: Source, paths: Collection[str], codes: frozenset[str] = EVERY_CODE
    ) -> list[FixableFinding]:
        """Return the findings of rules with these codes in some files, by path and line."""
        survey = self.survey(source)
        rules = [rule for rule, made in RULES if not codes.isdisjoint(made)]
        found = _without_echoes([each for rule in rules for each in rule(survey)])
        wanted = frozenset(paths)
        mine = [e for e in found if e.path in wanted and survey.options.includes(e.code)]
        mine.sort(key=lambda each: (each.path, each.line, each.code))
        return list(_findings(survey, mine))

    def survey(self, source: Source) -> Survey:
        """Return a target with its import graph."""
        graph = read_graph(source.tree, source.profile.test.pythonpath)
        return Survey(source, graph, self._options(source))

    def _measure(self, source: Source, paths: Collection[str] | None) -> Measured:
        """Measure a source; it blocks."""
        if paths is not None:
            return Measured(tuple(each.finding for each in self.find(source, paths)), {})
        owned = owned_texts(source, PYTHON.has_suffix)
        lines: Counter[str] = Counter()
        for path, text in owned.texts.items():
            lines[source.component(path)] += len(split_lines(text))
        found = self.find(source, owned.texts)
        return Measured(tuple(each.finding for each in found), lines, owned.notes)


class ImportsWorkspace:
    """`Workspace` over a tree with some files replaced; it formats nothing."""

    def __init__(self, detector: ImportsDetector, source: Source, files: Mapping[str, str]) -> None:
        self._detector = detector
        self._source = source
        self._files = dict(files)

    def write(self, files: Mapping[str, str]) -> None:
        """Replace the texts of these files."""
        self._files.update(files)

    def find(self, rules: Collection[str]) -> list[FixableFinding]:
        """Return the findings of these rules in the files."""
        changes = {path: text.encode() for path, text in self._files.items()}
        source = replace(self._source, tree=OverlayTree(self._source.tree, changes))
        codes = frozenset(each.partition(":")[2] for each in rules)
        found = self._detector.find(source, self._files, codes)
        return [each for each in found if each.finding.rule in rules]

    def parses(self, path: str) -> bool:
        """Return whether a file can be parsed."""
        return PYTHON.is_valid(self._files[path].encode())

    def format(self, files: Mapping[str, str]) -> dict[str, str]:
        """Return the texts unchanged."""
        return dict(files)


def _without_echoes(found: Sequence[Found]) -> list[Found]:
    """Return what was found, without what says of an import again that it goes the wrong way."""
    layers = {(e.path, e.line) for e in found if e.code in {LAYER, INFERRED_LAYER}}
    return [e for e in found if e.code != UNSTABLE or (e.path, e.line) not in layers]


def _findings(survey: Survey, found: Sequence[Found]) -> Iterator[FixableFinding]:
    """Yield what was found, in order, with fingerprints."""
    fingerprints, source = Fingerprints(), survey.source
    lines: dict[str, list[str]] = {}
    is_wanted = source.profile.config.policy.unsafe_fixes
    for each in found:
        rows = lines.setdefault(each.path, survey.lines(each.path))
        identity = each.identity or line_at(rows, each.line)
        finding = Finding(
            rule=rule_id(TOOL, each.code),
            severity=each.severity,
            message=each.message,
            path=each.path,
            line=each.line,
            end_line=each.end_line,
            fingerprint=fingerprints.next(TOOL, each.code, each.path, identity),
            component=source.component(each.path),
            fixable="unsafe" if each.is_fixable and is_wanted else "no",
            advice=each.advice,
            tool=TOOL,
        )
        yield FixableFinding(finding, each.edits)
