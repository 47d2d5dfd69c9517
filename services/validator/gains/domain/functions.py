"""Finds the functions whose run time a change may move, and has their inputs recorded."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.validator.suite.domain.sources import (
    Function,
    ParsedSource,
    parse_python,
    read_source,
)
from shared.kernel import syntax

# A change of a constant may concern many; so many are measured, changed functions first.
MAX_FUNCTIONS = 20
# These decorators make a method of a function, and leave it as it is.
OF_METHODS = frozenset({"staticmethod", "classmethod", "property"})


@dataclass(frozen=True)
class MeasuredFunction:
    """A function of a file, by its name qualified by classes, that exists before and after.

    `decorated` is true if decorators wrapped it before the change.
    """

    path: str
    name: str
    line: int
    decorated: bool

    @property
    def label(self) -> str:
        """Its path and name, as reports have it."""
        return f"{self.path}::{self.name}"


def functions_to_measure(texts: Mapping[str, tuple[str, str]]) -> list[MeasuredFunction]:
    """Return the functions that changes of files concern; `texts` is before and after, by path.

    They are those that changed, and those that read a constant that did.
    """
    changed, reading = [], []
    for path, (before, after) in sorted(texts.items()):
        old, new = read_source(before), read_source(after)
        if old is None or new is None:
            continue
        try:
            differing, names = _differing(old, new), _changed_names(old.tree, new.tree)
            for each in _in_both(old, new):
                if each.name in differing:
                    changed.append(_measured(path, each))
                elif names and _reads(each, names):
                    reading.append(_measured(path, each))
        except RecursionError:
            continue
    return [*changed, *reading][:MAX_FUNCTIONS]


def with_recording(text: str, functions: Mapping[int, MeasuredFunction], recorder: str) -> str:
    """Return a source whose functions first call the builtin `recorder(number, locals())`.

    `functions` are some of its own, by their numbers. Layout and comments are lost. It is empty if
    the text is not valid Python.
    """
    tree = parse_python(text)
    if tree is None:
        return ""
    numbers = {each.line: number for number, each in functions.items()}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.lineno in numbers:
            call = syntax.parse(f"{recorder}({numbers[node.lineno]}, locals())").body
            start = 1 if ast.get_docstring(node, clean=False) is not None else 0
            node.body[start:start] = call
    return ast.unparse(tree)


def _measured(path: str, function: Function) -> MeasuredFunction:
    """Return a function of a file as one to measure."""
    return MeasuredFunction(path, function.name, function.node.lineno, _is_decorated(function))


def _is_decorated(function: Function) -> bool:
    """Return whether decorators wrap a function."""
    return not OF_METHODS.issuperset(map(ast.unparse, function.node.decorator_list))


def _in_both(old: ParsedSource, new: ParsedSource) -> Iterator[Function]:
    """Yield the functions of the text before that the text after has too, once in each.

    Functions that wait for something are left out.
    """
    for name in old.functions:
        known = old.unique_function(name)
        if known is None or new.unique_function(name) is None:
            continue
        if isinstance(known.node, ast.FunctionDef):
            yield known


def _differing(old: ParsedSource, new: ParsedSource) -> set[str]:
    """Return the names of functions whose body, decorators or parameters differ."""
    heads, new_heads = dict(old.outline), dict(new.outline)
    return {
        name
        for name, each in old.functions.items()
        if name in new.functions
        if each.body != new.functions[name].body or heads.get(name) != new_heads.get(name)
    }


def _changed_names(old: ast.Module, new: ast.Module) -> frozenset[str]:
    """Return the names that modules or their classes assign before and after, differently."""
    before, after = _assigned(old), _assigned(new)
    return frozenset(name for name in before.keys() & after.keys() if before[name] != after[name])


def _assigned(tree: ast.Module) -> dict[str, list[str]]:
    """Return by name the statements of a module and its classes that assign it, as dumps."""
    found: dict[str, list[str]] = {}
    bodies: list[Sequence[ast.stmt]] = [tree.body]
    while bodies:
        for each in bodies.pop():
            if isinstance(each, ast.ClassDef):
                bodies.append(each.body)
            for name in _targets(each):
                found.setdefault(name, []).append(ast.dump(each))
    return found


def _targets(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that an assignment binds; none for another statement."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AnnAssign | ast.AugAssign):
        targets = [statement.target]
    for target in targets:
        yield from (each.id for each in ast.walk(target) if isinstance(each, ast.Name))


def _reads(function: Function, names: frozenset[str]) -> bool:
    """Return whether a function mentions one of these names, also as an attribute."""
    found = (
        each.id if isinstance(each, ast.Name) else each.attr
        for each in ast.walk(function.node)
        if isinstance(each, ast.Name | ast.Attribute)
    )
    return not names.isdisjoint(found)
