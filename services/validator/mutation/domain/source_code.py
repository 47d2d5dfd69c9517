"""Python source as mutants are placed in it: parsed text, byte offsets, and what a file does."""

import ast
import copy
import io
import tokenize
import warnings
from dataclasses import dataclass

from services.validator.proof.comparison.statements import Blocks, Piece, decode, split_blocks
from shared.kernel import syntax

# Descriptions quote so many characters of the source.
MAX_QUOTED_CHARACTERS = 50

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class NotMutable(Exception):
    """No mutant can be placed in a file; the message says why in a few words."""


@dataclass(frozen=True)
class Code:
    """A Python file: its bytes without byte order mark, its tree, and the offset of each line.

    `busy` are the lines with any code on them.
    """

    text: bytes
    tree: ast.Module
    starts: tuple[int, ...]
    busy: frozenset[int]

    @classmethod
    def read(cls, content: bytes) -> "Code":
        """Parse a file; raises `NotMutable` if it is not UTF-8, or not valid for our Python."""
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
        """Return the start and end of a node in bytes."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self.starts[node.lineno - 1] + node.col_offset,
            self.starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def source(self, node: ast.expr | ast.stmt) -> str:
        """Return the text of a node, shortened for a description."""
        start, end = self.span(node)
        return short(self.text[start:end].decode())

    def is_alone(self, node: ast.stmt) -> bool:
        """Return true if no other statement stands on the lines of a statement."""
        start, end = self.span(node)
        before = self.text[self.starts[node.lineno - 1] : start]
        behind = self.text[end : self.starts[node.end_lineno or node.lineno]].strip()
        return not before.strip() and (not behind or behind.startswith(b"#"))


def parse(text: str | bytes) -> ast.Module:
    """Parse source without showing Python's warnings, which are the target's concern."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return syntax.parse(text)


def _busy(text: str) -> frozenset[int]:
    """Return the numbers of the lines that have any code on them. Raises `TokenError`."""
    idle = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    found: set[int] = set()
    for each in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
        if each.type not in idle and each.type != tokenize.ENDMARKER:
            found |= set(range(each.start[0], each.end[0] + 1))
    return frozenset(found)


def short(text: str) -> str:
    """Return a text on one line, cut to the length of a quotation."""
    line = " ".join(text.split())
    is_short = len(line) <= MAX_QUOTED_CHARACTERS
    return line if is_short else f"{line[: MAX_QUOTED_CHARACTERS - 1]}…"


class EffectComparison:
    """Tells whether two texts do the same, but for layout, comments, docstrings and annotations.

    Most changes leave most of a file as it is, so only the top-level statements that differ are
    compared, and what is known of a text is kept.
    """

    def __init__(self) -> None:
        self._blocks: dict[bytes, Blocks | None] = {}

    def is_same(self, before: bytes, after: bytes) -> bool:
        """Return true if two files are known to do the same."""
        try:
            pieces = self._differing(before, after)
            return all(_effects(each.before) == _effects(each.after) for each in pieces)
        except (SyntaxError, ValueError, RecursionError):
            return False

    def _differing(self, before: bytes, after: bytes) -> list[Piece]:
        """Return the parts that differ; raises what decoding raises."""
        if before not in self._blocks:
            self._blocks[before] = split_blocks(decode(before), parse)
        blocks, text = self._blocks[before], decode(after)
        pieces = [] if blocks is None else blocks.aligned(text)
        known = None if blocks is None else blocks.with_pieces(pieces, parse)
        if known is None:
            return [Piece(decode(before), text, 0)]
        self._blocks[after] = known
        return pieces


def _effects(text: str) -> list[str]:
    """Return a dump of each statement of a text, without what has no effect.

    A string at the beginning is taken for a docstring. Raises what parsing raises.
    """
    found = [_EffectOnly().visit(each) for each in _without_docstring(parse(text).body)]
    return [ast.dump(each) for each in found if each is not None]


class _EffectOnly(ast.NodeTransformer):
    """Removes what has no effect on what a program does."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        """Return a parameter without its annotation."""
        return ast.arg(arg=node.arg)

    def _visit_function(self, node: Function) -> ast.AST:
        """Remove the return annotation of a function, and what has no effect in its body."""
        node.returns = None
        return self._visit_body(node)

    def _visit_body(self, node: ast.AST) -> ast.AST:
        """Remove the docstring of a function or class, and what has no effect in its body."""
        body: list[ast.stmt] = node.body  # type: ignore[attr-defined]
        node.body = _without_docstring(body)  # type: ignore[attr-defined]
        return self.generic_visit(node)

    visit_FunctionDef = visit_AsyncFunctionDef = _visit_function  # noqa: N815 - ast's names
    visit_ClassDef = _visit_body  # noqa: N815

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """Remove the annotation of an assignment."""
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def visit_Pass(self, node: ast.Pass) -> None:
        """Remove a `pass`, by returning None."""
        del node


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the statements of a body without a docstring or other constant at its beginning."""
    return [each for n, each in enumerate(body) if not (n == 0 and is_text(each))]


def is_text(node: ast.stmt) -> bool:
    """Return true for a constant as a statement, such as a docstring or `...`: it does nothing."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def first_line(node: ast.stmt) -> int:
    """Return the first line of a statement, including its decorators."""
    decorators = getattr(node, "decorator_list", ())
    return min((each.lineno for each in decorators), default=node.lineno)


def headers(content: bytes) -> frozenset[str]:
    """Return the headers of all functions in a file; empty if it is not valid Python."""
    try:
        tree = parse(content)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()
    return frozenset(header(each) for each in ast.walk(tree) if isinstance(each, FUNCTIONS))


def header(node: Function) -> str:
    """Return a dump of a function's name, parameters, defaults and decorators, unannotated."""
    empty = copy.copy(node)
    empty.body = []
    return ast.dump(_EffectOnly().visit(copy.deepcopy(empty)))
