"""Whether the annotations in a file are read by anything while the program runs."""

import ast
import copy
from collections.abc import Collection, Sequence

from shared.behaviour.code import ParsedFile, same
from shared.behaviour.loading import Loading
from shared.behaviour.quiet_modules import QUIET_BASES, is_quiet_decorator
from shared.detectors.imports.uses import NameUse
from shared.kernel.syntax import parse_expression

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# What asks for type hints, and packages that do so for functions or classes given to them.
READERS = frozenset(
    [
        *("get_type_hints", "get_annotations", "__annotations__", "eval_str"),
        *("attrs", "beartype", "cattr", "cattrs", "dacite", "dependency_injector", "dishka"),
        *("fast_depends", "fastapi", "faststream", "fire", "hypothesis", "injector"),
        *("jsonargparse", "lagom", "litestar", "marshmallow_dataclass", "mashumaro", "msgspec"),
        *("ninja", "punq", "pydantic", "serde", "simple_parsing", "sqlalchemy", "sqlmodel"),
        *("strawberry", "svcs", "typeguard", "typer", "tyro", "wireup"),
    ]
)


def reason_read(uses: Sequence[NameUse], code: ParsedFile, loading: Loading) -> str:
    """Return what may read the annotations that use a name; empty if nothing does."""
    for use in uses:
        if why := _reason_read_around(use, code):
            return why
    reader = loading.mentioned(READERS)
    return f"annotations may be read: {reader}" if reader else ""


def _reason_read_around(use: NameUse, code: ParsedFile) -> str:
    """Return which decorator or base around an annotation may read it; empty if none does."""
    for each in use.scopes:
        for decorator in getattr(each, "decorator_list", ()):
            if not is_quiet_decorator(decorator, code):
                return f"the decorator `{ast.unparse(decorator)[:40]}` may read annotations"
        for base in getattr(each, "bases", ()):
            inner = base.value if isinstance(base, ast.Subscript) else base
            origin = code.origin(inner)
            if not origin.startswith("builtins.") and origin not in QUIET_BASES:
                if each is use.scopes[-1]:
                    return f"the base `{ast.unparse(inner)[:40]}` may read annotations"
    return ""


def same_but_quoted(old: ast.AST, new: ast.AST, names: Collection[str]) -> bool:
    """Return whether two nodes differ only in annotations that are texts now.

    Each of these must use one of the names.
    """
    changed = copy.deepcopy(new)
    olds, news = _annotated(old), _annotated(changed)
    if len(olds) != len(news):
        return False
    for (one, field), (other, _) in zip(olds, news, strict=True):
        was, now = getattr(one, field), getattr(other, field)
        if same(was, now) or was is None or now is None:
            continue
        used = {each.id for each in ast.walk(was) if isinstance(each, ast.Name)}
        if used.isdisjoint(names) or not same(was, _unquoted(now)):
            return False
        setattr(other, field, was)
    return same(old, changed)


def _annotated(root: ast.AST) -> list[tuple[ast.AST, str]]:
    """Return the nodes with annotations below a node, and the field that has each."""
    found: list[tuple[ast.AST, str]] = []
    for node in ast.walk(root):
        if isinstance(node, FUNCTIONS):
            found.append((node, "returns"))
        elif isinstance(node, ast.arg | ast.AnnAssign):
            found.append((node, "annotation"))
    return found


def _unquoted(node: ast.expr) -> ast.expr | None:
    """Return the expression that a text is; None if it is no text, or no expression."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return None
    try:
        return parse_expression(node.value).body
    except (SyntaxError, ValueError):
        return None
