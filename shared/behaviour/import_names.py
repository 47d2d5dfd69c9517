"""Find the names that imports bind, and the code that may read them without spelling them."""

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from shared.behaviour.code import ParsedFile
from shared.behaviour.whole_file import DOCUMENTED, docstring

WORD = re.compile(r"\w+")
DOCTEST = ">>>"


class Alias(NamedTuple):
    """One name that an import statement binds.

    `name` is empty where the module itself is imported, and `is_top` is true where `import a.b`
    binds `a`.
    """

    module: str
    level: int
    name: str
    bound: str
    is_top: bool = False


def aliases_of(*nodes: ast.AST) -> Iterator[Alias]:
    """Yield what import statements bind, in order."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for each in node.names:
                top = each.name.partition(".")[0]
                is_top = each.asname is None and top != each.name
                yield Alias(each.name, 0, "", each.asname or top, is_top)
        elif isinstance(node, ast.ImportFrom):
            for each in node.names:
                yield Alias(node.module or "", node.level, each.name, each.asname or each.name)


def dropped(before: Iterable[ast.AST], after: Iterable[ast.AST]) -> list[Alias] | None:
    """Return what one list of imports binds and the other does not.

    Returns None where anything else differs, such as the order.
    """
    old, left = [*aliases_of(*before)], [*aliases_of(*after)]
    gone = [each for each in old if each not in left]
    return gone if [each for each in old if each in left] == left else None


def named_in_text(code: ParsedFile, name: str) -> bool:
    """Return whether a text in a file has a name as a word, as `__all__` and annotations may.

    Docstrings only count where they have examples that can be run.
    """
    documented = [n for n in ast.walk(code.tree) if isinstance(n, DOCUMENTED)]
    prose = {
        n.body[0].value  # type: ignore[attr-defined]
        for n in documented
        if DOCTEST not in (docstring(n) or DOCTEST)
    }
    return any(
        isinstance(each, ast.Constant)
        and isinstance(each.value, str)
        and each not in prose
        and name in WORD.findall(each.value)
        for each in ast.walk(code.tree)
    )


def may_be_guarded(parents: Sequence[ast.AST]) -> bool:
    """Return whether statements around an import may catch that it fails."""
    guards = (ast.Try, ast.With, ast.AsyncWith)
    return any(isinstance(each, guards) or type(each).__name__ == "TryStar" for each in parents)
