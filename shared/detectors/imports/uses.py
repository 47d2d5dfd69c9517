"""How a file uses the names that it imports: while it is loaded, in calls, or in annotations."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from shared.kernel.syntax import parse_expression

WORD = re.compile(r"\w+")
DOCTEST = ">>>"
# Trees are told apart by identity; a condition asks about one again and again.
MAX_CACHED_TREES = 64
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (*FUNCTIONS, ast.ClassDef)


class UseTime(StrEnum):
    """When a name is read.

    loading: while its module is loaded · call: in a call of a function · eager: in an annotation
    that is evaluated with what it belongs to · never: in an annotation that is not · text: in a
    string that is no annotation.
    """

    LOADING = "loading"
    CALL = "call"
    EAGER = "eager"
    NEVER = "never"
    TEXT = "text"


@dataclass(frozen=True, eq=False)
class NameUse:
    """One use of a name: the annotation that it is in, and the scopes around, outermost first."""

    name: str
    when: UseTime
    node: ast.AST
    annotation: ast.expr | None
    scopes: tuple[ast.AST, ...]

    @property
    def function(self) -> ast.AST | None:
        """The outermost function in whose body it is; None outside of all functions."""
        return next((each for each in self.scopes if isinstance(each, FUNCTIONS)), None)


@dataclass(frozen=True)
class _Around:
    """What is around a node: scopes, whether it runs in a call, and the annotation it is in."""

    scopes: tuple[ast.AST, ...] = ()
    in_call: bool = False
    annotation: ast.expr | None = None
    is_never: bool = False

    @property
    def when(self) -> UseTime:
        """When a name is read here."""
        if self.annotation is not None:
            return UseTime.NEVER if self.is_never else UseTime.EAGER
        return UseTime.CALL if self.in_call else UseTime.LOADING


@lru_cache(maxsize=MAX_CACHED_TREES)
def name_uses(tree: ast.Module) -> Mapping[str, tuple[NameUse, ...]]:
    """Return every use of every name in a file, by the name."""
    found: dict[str, list[NameUse]] = defaultdict(list)
    for each in _Uses(has_future_annotations(tree)).of_module(tree):
        found[each.name].append(each)
    return {name: tuple(uses) for name, uses in found.items()}


@lru_cache(maxsize=MAX_CACHED_TREES)
def binding_places(tree: ast.Module) -> Mapping[str, int]:
    """Return how often each name is bound anywhere in a file, whatever the scope."""
    found: dict[str, int] = defaultdict(int)
    for node in ast.walk(tree):
        for name in _bound_by(node):
            found[name] += 1
    return found


def _bound_by(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node itself binds."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.alias):
        yield node.asname or node.name.partition(".")[0]
    elif isinstance(node, ast.Global | ast.Nonlocal):
        yield from node.names
    elif isinstance(name := getattr(node, "name", None), str):
        yield name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest


def has_future_annotations(tree: ast.Module) -> bool:
    """Return whether a file asks that its annotations are not evaluated."""
    return any(
        isinstance(each, ast.ImportFrom)
        and each.module == "__future__"
        and any(alias.name == "annotations" for alias in each.names)
        for each in tree.body
    )


class _Uses:
    """Collects the uses of names; `is_lazy` is true where annotations are not evaluated."""

    def __init__(self, is_lazy: bool) -> None:
        self._is_lazy = is_lazy

    def of_module(self, tree: ast.Module) -> Iterator[NameUse]:
        """Yield all uses in a module."""
        yield from self._block(tree, _Around())

    def _block(self, owner: ast.AST, around: _Around) -> Iterator[NameUse]:
        """Yield the uses in the body of a module, class or function, without its docstring."""
        body = list(owner.body)  # type: ignore[attr-defined]
        if body and _is_prose(body[0]):
            body = body[1:]
        for each in body:
            yield from self._visit(each, around)

    def _visit(self, node: ast.AST, around: _Around) -> Iterator[NameUse]:
        """Yield the uses in a node."""
        if isinstance(node, ast.Name):
            yield NameUse(node.id, around.when, node, around.annotation, around.scopes)
        elif isinstance(node, ast.Constant):
            yield from self._text(node, around)
        elif isinstance(node, FUNCTIONS):
            yield from self._function(node, around)
        elif isinstance(node, ast.Lambda):
            yield from self._visit(node.args, around)
            yield from self._visit(node.body, _inside(around, node))
        elif isinstance(node, ast.ClassDef):
            parameters = getattr(node, "type_params", ())
            for each in (*node.decorator_list, *node.bases, *node.keywords, *parameters):
                yield from self._visit(each, around)
            inside = _Around((*around.scopes, node), around.in_call)
            yield from self._block(node, inside)
        elif isinstance(node, ast.AnnAssign):
            yield from self._annotated(node, around)
        else:
            for each in ast.iter_child_nodes(node):
                yield from self._visit(each, around)

    def _function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef, around: _Around
    ) -> Iterator[NameUse]:
        """Yield the uses in a function, of which only the body runs in a call."""
        defaults = (*node.args.defaults, *node.args.kw_defaults)
        for each in (*node.decorator_list, *defaults, *getattr(node, "type_params", ())):
            if each is not None:
                yield from self._visit(each, around)
        scopes = (*around.scopes, node)
        for each in (*_parameters(node.args), None):
            annotation = node.returns if each is None else each.annotation
            if annotation is not None:
                inside = _Around(scopes, around.in_call, annotation, self._is_lazy)
                yield from self._visit(annotation, inside)
        yield from self._block(node, _inside(around, node))

    def _annotated(self, node: ast.AnnAssign, around: _Around) -> Iterator[NameUse]:
        """Yield the uses in an annotated assignment; within functions nothing evaluates it."""
        yield from self._visit(node.target, around)
        is_local = bool(around.scopes) and isinstance(around.scopes[-1], (*FUNCTIONS, ast.Lambda))
        never = self._is_lazy or is_local
        inside = _Around(around.scopes, around.in_call, node.annotation, never)
        yield from self._visit(node.annotation, inside)
        if node.value is not None:
            yield from self._visit(node.value, around)

    def _text(self, node: ast.Constant, around: _Around) -> Iterator[NameUse]:
        """Yield the names in a string; those of a forward reference are read by nothing."""
        if not isinstance(node.value, str):
            return
        names = _forward_names(node.value) if around.annotation is not None else None
        when = UseTime.TEXT if names is None else UseTime.NEVER
        for each in WORD.findall(node.value) if names is None else names:
            yield NameUse(each, when, node, around.annotation, around.scopes)


def _inside(around: _Around, function: ast.AST) -> _Around:
    """Return what is around the body of a function."""
    return _Around((*around.scopes, function), in_call=True)


def _parameters(arguments: ast.arguments) -> Iterator[ast.arg]:
    """Yield the parameters of a function."""
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from (each for each in (arguments.vararg, arguments.kwarg) if each is not None)


def _is_prose(node: ast.stmt) -> bool:
    """Return whether a statement is a docstring without examples that could be run."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
        return False
    return isinstance(node.value.value, str) and DOCTEST not in node.value.value


def _forward_names(text: str) -> list[str] | None:
    """Return the names in the text of a forward reference; None if it is none."""
    try:
        tree = parse_expression(text)
    except (SyntaxError, ValueError):
        return None
    return [each.id for each in ast.walk(tree) if isinstance(each, ast.Name)]
