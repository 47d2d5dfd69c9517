"""Both versions of functions, as they can be called side by side in one process."""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from services.validator.gains.domain.functions import MeasuredFunction
from services.validator.suite.domain.sources import parse_python

# Statements that can be executed once more in a copy of their module.
REPEATABLE = (ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom)


def versions_of(
    functions: Sequence[MeasuredFunction], texts: Mapping[str, tuple[str, str]]
) -> list[list[dict[str, Any]]] | None:
    """Return for each function its two versions, as `call_timer.FunctionVersion` takes them.

    `texts` are before and after, by path. None if a change is of another kind than in the bodies of
    functions and in assignments, imports and plain functions of the module.
    """
    modules = {path: _differing_statements(*texts[path]) for path in {e.path for e in functions}}
    found = []
    for each in functions:
        differing = modules[each.path]
        if differing is None:
            return None
        sides = zip(texts[each.path], differing, strict=True)
        found.append([{"name": each.name, "text": text, "module": own} for text, own in sides])
    return found


def _differing_statements(before: str, after: str) -> tuple[str, str] | None:
    """Return the statements that only one of two modules has, of each those of its own.

    Definitions that differ in the bodies of functions alone are the same here, apart from plain
    functions of the module.
    """
    trees = parse_python(before), parse_python(after)
    if trees[0] is None or trees[1] is None:
        return None
    old, new = (list(_statements(each)) for each in trees if each is not None)
    parts = []
    for own, other, text in ((old, new, before), (new, old, after)):
        left = Counter(key for key, _ in other)
        differing = []
        for key, node in own:
            if left[key]:
                left[key] -= 1
            elif not _is_repeatable(node):
                return None
            else:
                differing.append(ast.get_source_segment(text, node) or "")
        parts.append("\n".join(differing))
    return parts[0], parts[1]


def _statements(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """Yield the statements of a module with what tells one from another."""
    for each in tree.body:
        yield ast.dump(each) if _is_repeatable(each) else _outline(each), each


def _is_repeatable(node: ast.stmt) -> bool:
    """Return whether a statement may be executed once more."""
    is_plain = isinstance(node, ast.FunctionDef) and not node.decorator_list
    return is_plain or isinstance(node, REPEATABLE)


def _outline(node: ast.AST) -> str:
    """Return a dump of a definition without the bodies of its functions, of others all of it."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        parts = [node.args, *node.decorator_list]
        return " ".join([type(node).__name__, node.name, *map(ast.dump, parts)])
    if isinstance(node, ast.ClassDef):
        parts = [*node.bases, *node.keywords, *node.decorator_list]
        return " ".join(["class", node.name, *map(ast.dump, parts), *map(_outline, node.body)])
    return ast.dump(node)
