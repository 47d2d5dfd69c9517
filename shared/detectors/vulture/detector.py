"""The detector of dead code."""

import asyncio
import importlib.metadata
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding
from shared.detectors.findings import Fingerprints, rule_id
from shared.detectors.in_memory import InMemoryWorkspace
from shared.detectors.ports import FixableFinding, Measured, Source, Workspace
from shared.detectors.rule_choice import RuleChoice
from shared.detectors.sources import owned_texts
from shared.detectors.texts import line_at, split_lines
from shared.detectors.vulture.judge import Verdict, judge, may_have_dead_code
from shared.detectors.vulture.removal import removal
from shared.detectors.vulture.scan import DeadCode, VultureChoices, scan
from shared.detectors.vulture.words import RepositoryWords
from shared.targets.declared.declaration import read_toml, strings, table
from shared.targets.paths import matches
from shared.targets.projects import is_installable

TOOL = "vulture"
# Counted up with each change of how findings are judged.
JUDGING = 1
MAX_REMEMBERED_TREES = 8
ADVICE = "Remove it, or say where it is used: a name in `__all__` or in the documentation counts."


class DeadCodeDetector:
    """Dead code that vulture finds and that no word of the repository contradicts.

    What is only used outside of the repository, such as a public function of a library, is no
    finding.
    """

    name: ClassVar[str] = TOOL
    tool: ClassVar[str] = TOOL
    files: ClassVar[tuple[str, ...]] = ("*.py",)
    single_file: ClassVar[bool] = False
    security: ClassVar[bool] = False
    runs_target_code: ClassVar[bool] = False

    def __init__(self, choice: Callable[[Source], RuleChoice]) -> None:
        self._choice = choice
        self._words: OrderedDict[str, RepositoryWords] = OrderedDict()

    @property
    def version(self) -> str:
        """The version of vulture, and of how its findings are judged."""
        return f"{TOOL}-{importlib.metadata.version('vulture')}-{JUDGING}"

    async def measure(self, source: Source, paths: Collection[str] | None = None) -> Measured:
        """Return the dead code in the components' Python files, or in the files `paths` alone."""
        return await asyncio.to_thread(self._measure, source, paths)

    def _measure(self, source: Source, paths: Collection[str] | None) -> Measured:
        """Measure the files, one after the other. Another detector counts the lines."""
        wanted = [path for path in paths or () if path.endswith(".py")]
        owned = owned_texts(source, lambda path: path.endswith(".py")) if paths is None else None
        texts = source.texts(wanted) if owned is None else owned.texts
        found = find(source, texts, self._words_of(source), self._choice(source))
        return Measured(tuple(each.finding for each in found), {})

    def _words_of(self, source: Source) -> RepositoryWords:
        """Return the words of a tree, from a cache."""
        oid = source.tree.oid
        latest = next(reversed([*self._words.values()]), None)
        words = self._words.pop(oid, None) or RepositoryWords(source.tree, latest)
        self._words[oid] = words
        while len(self._words) > MAX_REMEMBERED_TREES:
            self._words.popitem(last=False)
        return words

    @contextmanager
    def open_workspace(self, source: Source, files: Mapping[str, str]) -> Iterator[Workspace]:
        """Open a workspace in memory with these files."""
        words = RepositoryWords(source.tree, self._words_of(source))
        yield DeadCodeWorkspace(source, files, self._choice(source), words)


class DeadCodeWorkspace(InMemoryWorkspace):
    """A workspace that counts the words of the repository with the texts in it."""

    def __init__(
        self,
        source: Source,
        files: Mapping[str, str],
        choice: RuleChoice,
        words: RepositoryWords,
    ) -> None:
        self._words = words
        super().__init__(files, lambda texts: find(source, texts, self._words, choice))

    def write(self, files: Mapping[str, str]) -> None:
        """Replace the texts of these files."""
        super().write(files)
        self._words.replace(files)


def find(
    source: Source, texts: Mapping[str, str], words: RepositoryWords, choice: RuleChoice
) -> list[FixableFinding]:
    """Return the dead code in files by the chosen rules, in the order of paths and lines."""
    choices, published = read_choices(source), is_installable(source.tree)
    found = []
    for path, text in sorted(texts.items()):
        if choices.exclude and matches(path, choices.exclude):
            continue
        if not may_have_dead_code(path, text, words, published=published):
            continue
        fingerprints = Fingerprints()
        for each in scan(path, text, choices):
            verdict = judge(each, path, words, published=published)
            if verdict is not Verdict.ALIVE and choice.includes(each.code):
                found.append(_finding(source, path, text, each, verdict, fingerprints))
    return found


def read_choices(source: Source) -> VultureChoices:
    """Return what `[tool.vulture]` in the pyproject.toml of a target leaves out."""
    pyproject, _ = read_toml(source.tree, "pyproject.toml")
    own = table(pyproject, "tool", TOOL)
    return VultureChoices(
        tuple(strings(own.get("ignore_names"))),
        tuple(strings(own.get("ignore_decorators"))),
        tuple(strings(own.get("exclude"))),
    )


def _finding(  # noqa: PLR0917
    source: Source,
    path: str,
    text: str,
    dead: DeadCode,
    verdict: Verdict,
    fingerprints: Fingerprints,
) -> FixableFinding:
    """Return dead code as a finding, with the edit that removes it where that can be made."""
    node = dead.nodes[0]
    edits = removal(dead, text) if verdict is Verdict.DEAD else ()
    line = line_at(split_lines(text), node.lineno)
    finding = Finding(
        rule=rule_id(TOOL, dead.code),
        severity=Severity.WARNING if verdict is Verdict.DEAD else Severity.NOTE,
        message=dead.message if edits else f"{dead.message} {ADVICE}",
        path=path,
        line=node.lineno,
        end_line=dead.nodes[-1].end_lineno,
        fingerprint=fingerprints.next(TOOL, dead.code, path, line),
        component=source.component(path),
        fixable="safe" if edits else "no",
        tool=TOOL,
    )
    return FixableFinding(finding, edits)
