"""What can be planted where a change touched a Python file: small faults, each switched at run time.

Mutant schemata (Untch, Offutt, Harrold: Mutation analysis using mutant schemata, ISSTA 1993): all
faults stand in one program, which is loaded once, and a switch says which of them is on. An expression `E` becomes
`(M if __gs_mutant__(7) else (E))`, and no line moves.
"""

import ast
import copy
import io
import tokenize
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from services.validator.mutation.domain.touched import Touched
from shared.kernel import syntax

SWITCH, PLACE = "__gs_mutant__", "__gs_raise__"
# What stands for the number of the switch until that is known.
NUMBER = "\0"
WIDTH = 50

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
TRIES = (ast.Try, ast.TryStar)
SIMPLE = (
    ast.Expr,
    ast.Assign,
    ast.AugAssign,
    ast.AnnAssign,
    ast.Return,
    ast.Raise,
    ast.Assert,
    ast.Delete,
    ast.Import,
    ast.ImportFrom,
    ast.Continue,
    ast.Break,
)
SPOKEN = frozenset(
    ("print", "debug", "info", "warning", "warn", "error", "exception", "critical", "log")
)
SWAPPED: Mapping[type[ast.AST], type[ast.AST]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
BOUNDARIES = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


class When(StrEnum):
    """When the code of a fault runs: when it is called, or when its module is imported.

    The latter can be tried in a process of its own (`import`); or it is only looked whether it runs at
    all, by a probe (`reach`) or by its module being there (`imported`).
    """

    CALL = "call"
    IMPORT = "import"
    REACH = "reach"
    IMPORTED = "imported"


# Those that a test notices by the coarsest look come first: what stays green under them says most.
RANK = (
    "condition",
    "comparison",
    "boundary",
    "boolean",
    "return",
    "arithmetic",
    "constant",
    "drop",
    "loop",
    "handler",
    "value",
    "place",
    "import",
)


@dataclass(frozen=True)
class Mutant:
    """One fault: what stands before and behind the bytes `start` to `end`, and what it does, for people.

    `hunk` is the first line of the touched lines in a row, or the gap, for which it stands. `planted` is the line in
    which it is, where that is another one than the `line` which it is about.
    """

    line: int
    hunk: int
    operator: str
    what: str
    start: int
    end: int
    before: str
    after: str
    when: When = When.CALL
    planted: int = 0

    @property
    def rank(self) -> int:
        return RANK.index(self.operator)


class NotMutable(Exception):
    """Why nothing can be planted in a file, in a few words."""


@dataclass(frozen=True)
class Code:
    """A file that Python can read: its bytes without a byte order mark, and its tree."""

    text: bytes
    tree: ast.Module
    starts: tuple[int, ...]
    # The lines with anything on them but comments.
    busy: frozenset[int]

    @classmethod
    def read(cls, content: bytes) -> "Code":
        """Raises `NotMutable`."""
        text = content.removeprefix(b"\xef\xbb\xbf")
        try:
            tree = parse(text)
            decoded = text.decode()
            busy = _busy(decoded)
        except (SyntaxError, ValueError, RecursionError, tokenize.TokenError) as error:
            raise NotMutable("our Python cannot read it as UTF-8 source") from error
        if tokenize.detect_encoding(io.BytesIO(text).readline)[0] != "utf-8":
            raise NotMutable("it is not UTF-8")
        starts, at = [0], 0
        for line in text.splitlines(keepends=True):
            at += len(line)
            starts.append(at)
        return cls(text, tree, tuple(starts), busy)

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Where a node stands, in bytes."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self.starts[node.lineno - 1] + node.col_offset,
            self.starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def source(self, node: ast.expr | ast.stmt) -> str:
        """What stands there, for people."""
        start, end = self.span(node)
        return short(self.text[start:end].decode())

    def alone(self, node: ast.stmt) -> bool:
        """Whether nothing else stands on its lines."""
        start, end = self.span(node)
        before = self.text[self.starts[node.lineno - 1] : start]
        behind = self.text[end : self.starts[node.end_lineno or node.lineno]].strip()
        return not before.strip() and (not behind or behind.startswith(b"#"))


def parse(text: bytes) -> ast.Module:
    """Its tree; what Python has to warn of is the target's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return syntax.parse(text)


def _busy(text: str) -> frozenset[int]:
    idle = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    found: set[int] = set()
    for each in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
        if each.type not in idle and each.type != tokenize.ENDMARKER:
            found |= set(range(each.start[0], each.end[0] + 1))
    return frozenset(found)


def short(text: str) -> str:
    """One line of it, not too long."""
    line = " ".join(text.split())
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"


class Programs:
    """What files do, without what can do no harm: layout, comments, docstrings, annotations.

    Most changes leave most of a file as it is, so what is known of a text, and of each part of it, is kept.
    """

    def __init__(self) -> None:
        self._whole: dict[bytes, tuple[str, ...] | None] = {}
        self._parts: dict[bytes, str] = {}

    def of(self, content: bytes) -> tuple[str, ...] | None:
        """Statement by statement; None for what is no Python."""
        if content not in self._whole:
            try:
                self._whole[content] = self._read(content)
            except (SyntaxError, ValueError, RecursionError):
                self._whole[content] = None
        return self._whole[content]

    def _read(self, content: bytes) -> tuple[str, ...]:
        lines = content.splitlines(keepends=True)
        found = []
        for node in _without_docstring(parse(content).body):
            # Where two stand on a line, both are part of each.
            text = b"".join(lines[first_line(node) - 1 : node.end_lineno])
            key = b"%d:%s" % (node.col_offset, text)
            if key not in self._parts:
                plain = _Plain().visit(node)
                self._parts[key] = "" if plain is None else ast.dump(plain)
            found.append(self._parts[key])
        return tuple(each for each in found if each)


class _Plain(ast.NodeTransformer):
    """Takes away what is nothing to the program."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(arg=node.arg)

    def _visit_function(self, node: Function) -> ast.AST:
        node.returns = None
        return self._visit_body(node)

    def _visit_body(self, node: ast.AST) -> ast.AST:
        body: list[ast.stmt] = node.body  # type: ignore[attr-defined]
        node.body = _without_docstring(body)  # type: ignore[attr-defined]
        return self.generic_visit(node)

    visit_FunctionDef = visit_AsyncFunctionDef = _visit_function  # noqa: N815 - ast's names
    visit_ClassDef = _visit_body  # noqa: N815

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def visit_Pass(self, node: ast.Pass) -> None:
        del node


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    return [each for n, each in enumerate(body) if not (n == 0 and is_text(each))]


def is_text(node: ast.stmt) -> bool:
    """A docstring, or `...`: it does nothing."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


@dataclass(frozen=True)
class Block:
    """Statements in a row. `when` they run; `sure` is false where that hangs on a condition of an import.

    `until` is the line behind the last one that may belong to it; `owner` the function they are in.
    """

    body: Sequence[ast.stmt]
    when: When
    sure: bool
    until: int
    owner: Function | None


def blocks(code: Code) -> Iterator[Block]:
    """All of them, outer ones first; not those that only a type checker sees."""
    yield from _blocks(Block(code.tree.body, When.IMPORT, True, len(code.starts) + 1, None))


def _blocks(block: Block) -> Iterator[Block]:
    if not block.body:
        return
    yield block
    ends = [*(first_line(each) for each in block.body[1:]), block.until]
    for each, end in zip(block.body, ends, strict=True):
        if isinstance(each, FUNCTIONS):
            yield from _blocks(Block(each.body, When.CALL, True, end, each))
        elif isinstance(each, ast.ClassDef):
            yield from _blocks(replace(block, body=each.body, until=end))
        else:
            yield from _suites(block, each, end)


def _suites(block: Block, node: ast.stmt, end: int) -> Iterator[Block]:
    """The blocks of one compound statement."""
    suites: list[tuple[Sequence[ast.stmt], bool]] = []
    for name in ("body", "orelse", "finalbody"):
        sure = isinstance(node, ast.With) or (isinstance(node, TRIES) and name != "orelse")
        if not (name == "body" and isinstance(node, ast.If) and is_typing(node.test)):
            suites.append((getattr(node, name, None) or (), block.sure and sure))
    suites += [(each.body, False) for each in getattr(node, "handlers", ())]
    suites += [(each.body, False) for each in getattr(node, "cases", ())]
    suites = sorted((each for each in suites if each[0]), key=lambda each: each[0][0].lineno)
    ends = [*(first_line(body[0]) for body, _ in suites[1:]), end]
    for (body, sure), last in zip(suites, ends, strict=False):
        yield from _blocks(replace(block, body=body, sure=sure, until=last))


def is_typing(test: ast.expr) -> bool:
    """Whether a condition only holds for type checkers."""
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def first_line(node: ast.stmt) -> int:
    """With its decorators."""
    decorators = getattr(node, "decorator_list", ())
    return min((each.lineno for each in decorators), default=node.lineno)


def header_of(node: ast.stmt) -> range:
    """The lines of a statement without those of its blocks."""
    body = getattr(node, "body", None)
    last = node.end_lineno or node.lineno
    if isinstance(node, ast.Match):
        last = node.subject.end_lineno or node.lineno
    elif isinstance(node, TRIES):
        return range(0)
    elif body:
        last = max(node.lineno, first_line(body[0]) - 1)
    return range(first_line(node), last + 1)


def hunk_of(line: int, touched: Touched) -> int:
    """The first of the touched lines in a row that a line is one of."""
    while line - 1 in touched.lines:
        line -= 1
    return line


def headers(content: bytes) -> frozenset[str]:
    """The headers of a file's functions: a function whose own is among them still has the one it had."""
    try:
        tree = parse(content)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()
    return frozenset(header(each) for each in ast.walk(tree) if isinstance(each, FUNCTIONS))


def header(node: Function) -> str:
    """One function without its block and its annotations."""
    empty = copy.copy(node)
    empty.body = []
    return ast.dump(_Plain().visit(copy.deepcopy(empty)))
