"""The detector of cognitive complexity. What it finds is advice."""

import ast
import asyncio
import importlib.metadata
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from typing import ClassVar, NamedTuple

import complexipy

from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding
from shared.detectors.findings import Fingerprints, rule_id
from shared.detectors.linters import is_silenced
from shared.detectors.ports import Measured, Source
from shared.detectors.rule_choice import RuleChoice
from shared.detectors.sources import owned_texts
from shared.detectors.texts import line_at, split_lines
from shared.kernel.syntax import parse

TOOL = "complexipy"
CODE = "COG001"
# Comments with which people accept what is complex, by this and other measures.
SILENCED_BY = (CODE, "C901", "PLR0912")
MAX_REMEMBERED_FILES = 4096
# What is worth naming as the hard part of a function.
MIN_PART = 0.4


class ComplexFunction(NamedTuple):
    """A function with its complexity, and the statement in it that has most of that.

    `hardest` is (first line, last line, complexity); None where no statement stands out.
    """

    name: str
    line: int
    end_line: int
    complexity: int
    hardest: tuple[int, int, int] | None


class ComplexityDetector:
    """Functions whose cognitive complexity is above the limit that a target sets."""

    name: ClassVar[str] = TOOL
    tool: ClassVar[str] = TOOL
    files: ClassVar[tuple[str, ...]] = ("*.py",)
    single_file: ClassVar[bool] = True
    security: ClassVar[bool] = False
    runs_target_code: ClassVar[bool] = False

    def __init__(
        self, limit: Callable[[Source], int], choice: Callable[[Source], RuleChoice]
    ) -> None:
        self._limit = limit
        self._choice = choice

    @property
    def version(self) -> str:
        """The version of complexipy."""
        return f"{TOOL}-{importlib.metadata.version(TOOL)}"

    async def measure(self, source: Source, paths: Collection[str] | None = None) -> Measured:
        """Return the findings in the components' Python files, or in the files `paths` alone."""
        return await asyncio.to_thread(self._measure, source, paths)

    def _measure(self, source: Source, paths: Collection[str] | None) -> Measured:
        """Measure the files, one after the other. Another detector counts the lines."""
        if not self._choice(source).includes(CODE):
            return Measured((), {})
        wanted = [path for path in paths or () if path.endswith(".py")]
        owned = owned_texts(source, lambda path: path.endswith(".py")) if paths is None else None
        texts = source.texts(wanted) if owned is None else owned.texts
        return Measured(tuple(_findings(source, texts, self._limit(source))), {})


@lru_cache(maxsize=MAX_REMEMBERED_FILES)
def complex_functions(text: str, limit: int) -> tuple[ComplexFunction, ...]:
    """Return the functions above a limit in the order of their lines.

    There are none in a file that cannot be parsed.
    """
    try:
        measured = complexipy.code_complexity(text)
        above = [each for each in measured.functions if each.complexity > limit]
        tree = parse(text) if above else ast.Module([], [])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    costs = {each.line: each.complexity for f in above for each in f.line_complexities}
    nodes = {each.lineno: each for each in ast.walk(tree) if isinstance(each, FUNCTIONS)}
    return tuple(
        ComplexFunction(
            each.name.rpartition("::")[2],
            node.lineno,
            node.end_lineno or node.lineno,
            each.complexity,
            _hardest(node, costs, each.complexity),
        )
        for each in sorted(above, key=lambda each: each.line_start)
        if (node := _node_at(nodes, each.line_start, each.line_end)) is not None
    )


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def _node_at(nodes: Mapping[int, Function], first: int, last: int) -> Function | None:
    """Return the function that begins in these lines; decorators may come before it."""
    return next((nodes[row] for row in range(first, last + 1) if row in nodes), None)


def _hardest(node: Function, costs: Mapping[int, int], total: int) -> tuple[int, int, int] | None:
    """Return the statement of a function with most of its complexity, if it has enough of it."""
    parts = [
        (sum(costs.get(row, 0) for row in range(e.lineno, last + 1)), e.lineno, last)
        for e in node.body
        if (last := e.end_lineno or e.lineno)
    ]
    cost, first, last = max(parts, default=(0, 0, 0))
    return (first, last, cost) if cost >= MIN_PART * total and len(parts) > 1 else None


def _findings(source: Source, texts: Mapping[str, str], limit: int) -> Iterator[Finding]:
    """Yield the findings in files, in the order of paths and lines."""
    for path, text in sorted(texts.items()):
        fingerprints = Fingerprints()
        for each in complex_functions(text, limit):
            if any(is_silenced(text, each.line, code) for code in SILENCED_BY):
                continue
            line = line_at(split_lines(text), each.line)
            yield Finding(
                rule=rule_id(TOOL, CODE),
                severity=Severity.NOTE,
                message=_message(each, limit),
                path=path,
                line=each.line,
                end_line=each.end_line,
                fingerprint=fingerprints.next(TOOL, CODE, path, line),
                component=source.component(path),
                tool=TOOL,
            )


def _message(each: ComplexFunction, limit: int) -> str:
    """Return how complex a function is, and what to do about it."""
    said = f"`{each.name}` has a cognitive complexity of {each.complexity} (limit {limit})."
    if each.hardest is None:
        return f"{said} Leave early, and move inner blocks into functions of their own."
    first, last, cost = each.hardest
    where = f"line {first}" if first == last else f"lines {first} to {last}"
    return f"{said} {cost} of it is in {where}: move that into a function of its own."
