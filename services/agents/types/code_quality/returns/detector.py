"""The detector of missing return annotations."""

import ast
import asyncio
import io
import tokenize
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import ClassVar, NamedTuple

from shared.behaviour.code import ParsedFile
from shared.behaviour.returned import DEFINITIONS, evident_return
from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding
from shared.detectors.findings import Fingerprints, rule_id
from shared.detectors.in_memory import InMemoryWorkspace
from shared.detectors.linters import is_silenced
from shared.detectors.ports import FixableFinding, Measured, Source, Workspace
from shared.detectors.rule_choice import RuleChoice
from shared.detectors.sources import owned_texts
from shared.detectors.texts import Edit, line_at, split_lines
from shared.kernel.sections import (
    MAX_REMEMBERED_SECTIONS,
    TextSection,
    split_sections,
    statements_of,
)

TOOL = "annotations"
# The code by which linters know the same, so that comments for them count.
CODE = "ANN201"
RULE = rule_id(TOOL, CODE)
# Counted up with each change of what is found.
EDITION = 1
MAX_REMEMBERED_FILES = 4096
# A file is annotated if so many functions are, and at least this part of those of the file.
MIN_ANNOTATED, MIN_PART = 2, 0.5
Definition = ast.FunctionDef | ast.AsyncFunctionDef


class Missing(NamedTuple):
    """A function without a return annotation, and the one that it evidently deserves."""

    name: str
    line: int
    colon: tuple[int, int]
    annotation: str


class ReturnsDetector:
    """Functions that lack only the return annotation, in files that are annotated otherwise."""

    name: ClassVar[str] = "returns"
    tool: ClassVar[str] = TOOL
    version: ClassVar[str] = f"{TOOL}-{EDITION}"
    files: ClassVar[tuple[str, ...]] = ("*.py",)
    single_file: ClassVar[bool] = True
    security: ClassVar[bool] = False
    runs_target_code: ClassVar[bool] = False

    def __init__(self, choice: Callable[[Source], RuleChoice]) -> None:
        self._choice = choice

    async def measure(self, source: Source, paths: Collection[str] | None = None) -> Measured:
        """Return the findings in the components' Python files, or in the files `paths` alone."""
        return await asyncio.to_thread(self._measure, source, paths)

    def _measure(self, source: Source, paths: Collection[str] | None) -> Measured:
        """Measure the files, one after the other. Another detector counts the lines."""
        wanted = [path for path in paths or () if path.endswith(".py")]
        owned = owned_texts(source, lambda path: path.endswith(".py")) if paths is None else None
        texts = source.texts(wanted) if owned is None else owned.texts
        return Measured(tuple(each.finding for each in self._find(source, texts)), {})

    @contextmanager
    def open_workspace(self, source: Source, files: Mapping[str, str]) -> Iterator[Workspace]:
        """Open a workspace in memory with these files."""
        yield InMemoryWorkspace(files, partial(self._find, source))

    def _find(self, source: Source, texts: Mapping[str, str]) -> list[FixableFinding]:
        """Return the findings in files, in the order of paths and lines."""
        if not self._choice(source).includes(CODE):
            return []
        found = []
        for path, text in sorted(texts.items()):
            fingerprints = Fingerprints()
            places = missing(path, text)
            found += [_finding(source, path, text, each, fingerprints) for each in places]
        return found


@lru_cache(maxsize=MAX_REMEMBERED_FILES)
def missing(path: str, text: str) -> tuple[Missing, ...]:
    """Return the functions of a file that lack an evident return annotation, by their lines.

    There are none in a file that is not annotated, or that cannot be parsed.
    """
    if "->" not in text:
        return ()
    code = ParsedFile(path, text)
    try:
        if not _is_annotated(text):
            return ()
        functions = list(_functions(code.tree))
        unannotated = [(each, owner) for each, owner in functions if _lacks_only_that(each)]
        found = [(each, evident_return(each, owner, code)) for each, owner in unannotated]
        colons = _colons(text) if any(annotation for _, annotation in found) else {}
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return ()
    return tuple(
        Missing(each.name, each.lineno, colons[each.lineno], annotation)
        for each, annotation in found
        if annotation and each.lineno in colons and not is_silenced(text, each.lineno, CODE)
    )


def _is_annotated(text: str) -> bool:
    """Return whether enough functions of a file have a return annotation. Raises RecursionError."""
    counts = [_count_functions(each) for each in split_sections(text)]
    functions, annotated = (sum(each) for each in zip(*counts, strict=True))
    return bool(annotated >= max(MIN_ANNOTATED, MIN_PART * functions))


@lru_cache(maxsize=MAX_REMEMBERED_SECTIONS)
def _count_functions(section: TextSection) -> tuple[int, int]:
    """Return how many functions a section has, and how many of them have a return annotation."""
    nodes = statements_of(section)
    found = [each for each, _ in _functions(ast.Module([*nodes], type_ignores=[]))]
    return len(found), sum(each.returns is not None for each in found)


def _functions(tree: ast.AST) -> Iterator[tuple[Definition, ast.AST]]:
    """Yield every function below a node with the node that has it, in the order of their lines."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, DEFINITIONS):
            yield node, tree
        yield from _functions(node)


def _lacks_only_that(node: Definition) -> bool:
    """Return whether a function lacks a return annotation, and none of its parameters lacks one."""
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    every += [each for each in (node.args.vararg, node.args.kwarg) if each is not None]
    without = {each.arg for each in every if each.annotation is None}
    return node.returns is None and without <= {"self", "cls"}


def _colons(text: str) -> dict[int, tuple[int, int]]:
    """Return where the colon of each definition is, (row, column) from 1, by the line of `def`."""
    found: dict[int, tuple[int, int]] = {}
    depth, row = 0, 0
    for each in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
        if each.type == tokenize.NAME and each.string == "def":
            row, depth = each.start[0], 0
        elif each.type == tokenize.OP and row:
            depth += (each.string in "([{") - (each.string in ")]}")
            if each.string == ":" and not depth:
                found[row], row = (each.start[0], each.start[1] + 1), 0
    return found


def _finding(
    source: Source, path: str, text: str, each: Missing, fingerprints: Fingerprints
) -> FixableFinding:
    """Return a missing annotation as a finding with the edit that adds it."""
    line = line_at(split_lines(text), each.line)
    finding = Finding(
        rule=RULE,
        severity=Severity.NOTE,
        message=f"`{each.name}` evidently returns `{each.annotation}`, and does not say so.",
        path=path,
        line=each.line,
        fingerprint=fingerprints.next(TOOL, CODE, path, line),
        component=source.component(path),
        fixable="safe",
        tool=TOOL,
    )
    return FixableFinding(finding, (Edit(each.colon, each.colon, f" -> {each.annotation}"),))
