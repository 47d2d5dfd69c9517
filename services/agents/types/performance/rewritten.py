"""A file that is rewritten by LibCST, so that all that is not replaced stays as it is."""

import ast
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import count
from typing import TypeVar, cast

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from services.agents.types.performance.imports import (
    BLANK_LINE,
    end_of_preamble,
    extended_import,
    new_import,
)
from shared.behaviour.code import ParsedFile
from shared.behaviour.tree import tree_around
from shared.detectors.texts import split_lines

N = TypeVar("N", bound=cst.CSTNode)
Replacement = cst.CSTNode | cst.RemovalSentinel | cst.FlattenSentinel[cst.BaseStatement]
# (the node with what was replaced inside it) -> what takes its place.
Replace = Callable[[cst.CSTNode], Replacement]
Span = tuple[int, int, int, int]
# A file is rewritten several times, until it is known which of its fixes go together.
MAX_REMEMBERED_FILES = 8
DELIMITED = (ast.Tuple, ast.GeneratorExp)


class RewrittenFile:
    """One file, with the replacements that are wanted so far.

    Raises `libcst.ParserSyntaxError` for code that LibCST cannot parse.
    """

    def __init__(self, code: ParsedFile) -> None:
        self.code = code
        self.module, self._nodes = _read(code.text)
        self._lines = split_lines(code.text)
        self._replacements: dict[cst.CSTNode, Replace] = {}
        self._added: list[tuple[int, cst.SimpleStatementLine]] = []
        self._imported: set[tuple[str, str]] = set()
        # Names by the code of their values.
        self._constants: dict[str, str] = {}

    def find(self, node: ast.expr | ast.stmt, kind: type[N]) -> N | None:
        """Return LibCST's node of one type at the place of a node of `ast`; None without one."""
        row, end_row = node.lineno, node.end_lineno or node.lineno
        start = self._column(row, node.col_offset)
        end = self._column(end_row, node.end_col_offset or 0)
        exact = [e for e in self._nodes.get((row, start, end_row, end), ()) if isinstance(e, kind)]
        if exact or not isinstance(node, DELIMITED):
            return exact[0] if exact else None
        # LibCST counts the parentheses of a tuple as something around it.
        inside = [
            (span, each)
            for span, nodes in self._nodes.items()
            if (row, start) < span[:2] and span[2:] < (end_row, end)
            for each in nodes
            if isinstance(each, kind)
        ]
        if not inside:
            return None
        widest = min(inside, key=lambda each: (each[0][:2], -each[0][2], -each[0][3]))
        return widest[1]

    def expression(self, node: ast.expr) -> cst.BaseExpression | None:
        """Return LibCST's expression at the place of one of `ast`; None without one."""
        return self.find(node, cst.BaseExpression)  # type: ignore[type-abstract]

    def line(self, statement: ast.stmt) -> cst.SimpleStatementLine | None:
        """Return the line that a simple statement is alone on; None if there is none."""
        found = self.find(statement, cst.SimpleStatementLine)
        return found if found is not None and len(found.body) == 1 else None

    def replace(self, node: N, make: Callable[[N], Replacement]) -> None:
        """Have `make` replace a node of this file; it is given it as replaced inside."""
        self._replacements[node] = cast("Replace", make)

    def is_replaced(self, node: cst.CSTNode) -> bool:
        """Return whether a node is replaced already."""
        return node in self._replacements

    def insert(self, index: int, statement: cst.SimpleStatementLine) -> None:
        """Insert a statement at the top level, before the one at `index`."""
        self._added.append((index, statement))

    def add_import(self, source: str, name: str) -> None:
        """Import a name from a module of the standard library, unless that is wanted already."""
        if (source, name) in self._imported:
            return
        self._imported.add((source, name))
        if (extended := extended_import(self.module, source, name)) is not None:
            old, new = extended
            self.replace(old, lambda _: new)
            return
        place = new_import(self.module, source, name)
        self.insert(place.index, place.statement)
        if place.leading_lines is not None:
            self.replace(
                self.module.body[place.index],
                lambda node: node.with_changes(leading_lines=place.leading_lines),
            )

    def add_constant(self, name: str, value: cst.BaseExpression) -> str:
        """Assign a value to a private name after the imports, and return that name.

        It is the name of the same value if that is added already, and else has a number where it is
        taken.
        """
        key = cst.Module([]).code_for_node(value)
        if key not in self._constants:
            taken = {*self.code.bindings, *self._constants.values(), *tree_around(self.code).names}
            numbered = (f"{name}_{number}" for number in count(2))
            free = name if name not in taken else next(n for n in numbered if n not in taken)
            target = cst.AssignTarget(cst.Name(free))
            index = end_of_preamble(self.module)
            blank = [BLANK_LINE] if index and not self._constants else []
            statement = cst.SimpleStatementLine([cst.Assign([target], value)], leading_lines=blank)
            self.insert(index, statement)
            self._constants[key] = free
        return self._constants[key]

    def text(self) -> str:
        """Return the file with everything replaced and inserted."""
        changed = self.module.visit(_Replacer(self._replacements))
        body = list(changed.body)
        in_order = sorted(self._added, key=lambda each: each[0])
        for index, statement in reversed(in_order):
            body.insert(index, statement)
        return changed.with_changes(body=body).code

    def _column(self, row: int, offset: int) -> int:
        """Return a column in characters, given that of `ast`, which counts the bytes of UTF-8."""
        line = self._lines[row - 1] if row <= len(self._lines) else ""
        return offset if line.isascii() else len(line.encode()[:offset].decode(errors="ignore"))


@lru_cache(maxsize=MAX_REMEMBERED_FILES)
def _read(text: str) -> tuple[cst.Module, Mapping[Span, Sequence[cst.CSTNode]]]:
    """Return the module that a text is, and its nodes by first and last line and column.

    Nodes are never changed, so that they are the same for all who ask.
    """
    wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
    nodes: dict[Span, list[cst.CSTNode]] = defaultdict(list)
    for node, place in wrapper.resolve(PositionProvider).items():
        start, end = place.start, place.end
        nodes[start.line, start.column, end.line, end.column].append(node)
    return wrapper.module, nodes


def on_one_line(node: N) -> N:
    """Return an expression with spaces in place of the line ends inside of its brackets."""
    return cast("N", node.visit(_LineJoiner()))


class _LineJoiner(cst.CSTTransformer):
    """Puts a space where a line ends."""

    def leave_ParenthesizedWhitespace(  # noqa: N802
        self,
        original_node: cst.ParenthesizedWhitespace,  # noqa: ARG002
        updated_node: cst.ParenthesizedWhitespace,  # noqa: ARG002
    ) -> cst.SimpleWhitespace:
        """Return a space."""
        return cst.SimpleWhitespace(" ")


class _Replacer(cst.CSTTransformer):
    """Replaces nodes from the inside out."""

    def __init__(self, replacements: dict[cst.CSTNode, Replace]) -> None:
        super().__init__()
        self._replacements = replacements

    def on_leave(self, original_node: cst.CSTNode, updated_node: cst.CSTNode) -> Replacement:  # type: ignore[override]
        """Return what takes the place of a node."""
        make = self._replacements.get(original_node)
        return make(updated_node) if make is not None else updated_node
