"""Methods of a target that hand SQL and parameters on to a driver, found in all of its files."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from services.agents.types.security.code import PythonCode, python_code
from services.agents.types.security.sql_drivers import style_of
from shared.detectors.ports import Source
from shared.detectors.sources import owned_texts
from shared.targets.languages import PYTHON

HANDS_ON = re.compile(r"\.execute\(\s*[A-Za-z_]\w*\s*,\s*[A-Za-z_]\w*\s*\)")


@dataclass(frozen=True)
class Wrapper:
    """A method of a class, and how the driver that it hands parameters on to writes one."""

    owner: str
    style: str


@dataclass(frozen=True)
class SqlWrappers:
    """The wrappers of a target; none without one."""

    source: Source | None = None

    def style(self, call: ast.Call) -> str:
        """Return how parameters are written in SQL that a call hands on; empty if it is not known.

        The target must define one method of this name only, and bind the name of what it is called
        on to instances of the class of that method, and to nothing else.
        """
        if not isinstance(call.func, ast.Attribute):
            return ""
        found = self._wrappers.get(call.func.attr)
        name = last_name(call.func.value)
        if found is None or not name or not self._is_instance(name, found.owner):
            return ""
        return found.style

    @cached_property
    def _texts(self) -> tuple[str, ...]:
        """The texts of the components' Python files."""
        if self.source is None:
            return ()
        return tuple(owned_texts(self.source, PYTHON.has_suffix).texts.values())

    @cached_property
    def _wrappers(self) -> dict[str, Wrapper]:
        """The wrappers by the names of their methods."""
        parsed = (python_code(each) for each in self._texts if HANDS_ON.search(each))
        found = dict(pair for code in parsed if code is not None for pair in _wrappers_in(code))
        return {
            name: each
            for name, each in found.items()
            if self._count(rf"\bdef\s+{name}\b") == 1
            and self._count(rf"\bclass\s+{each.owner}\b") == 1
        }

    def _count(self, pattern: str) -> int:
        """Return how often a pattern is found in all files."""
        return sum(len(re.findall(pattern, each)) for each in self._texts)

    def _is_instance(self, name: str, owner: str) -> bool:
        """Return whether a name stands for instances of a class only, wherever it is bound."""
        codes = [python_code(each) for each in self._texts if name in each]
        bound = [
            each for code in codes for each in (_bindings(code, name, owner) if code else [""])
        ]
        return owner in bound and {*bound} <= {owner, name}


def last_name(node: ast.AST) -> str:
    """Return a name, or the last part of a dotted one; empty for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _wrappers_in(code: PythonCode) -> Iterator[tuple[str, Wrapper]]:
    """Yield the methods of a file that hand their first two arguments on to a known driver."""
    for owner in (each for each in code.tree.body if isinstance(each, ast.ClassDef)):
        for method in (each for each in owner.body if isinstance(each, ast.FunctionDef)):
            names = [each.arg for each in method.args.args][1:3]
            style = _style_handed_on(code, method, names)
            if style and not method.decorator_list:
                yield method.name, Wrapper(owner.name, style)


def _style_handed_on(code: PythonCode, method: ast.FunctionDef, names: list[str]) -> str:
    """Return the style of the driver to which a method hands on two arguments as they are."""
    nodes = [*ast.walk(method)]
    if any(isinstance(n, ast.Name) and n.id in names and _is_bound(n) for n in nodes):
        return ""
    calls = [
        each
        for each in nodes
        if isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr == "execute"
    ]
    if len(calls) != 1 or len(names) != 2 or calls[0].keywords:  # noqa: PLR2004
        return ""
    assert isinstance(calls[0].func, ast.Attribute)
    given = [each.id if isinstance(each, ast.Name) else "" for each in calls[0].args]
    return style_of(code, calls[0].func.value) if given == names else ""


def _is_bound(name: ast.Name) -> bool:
    """Return whether a name is bound or unbound here."""
    return not isinstance(name.ctx, ast.Load)


def _bindings(code: PythonCode, name: str, owner: str) -> Iterator[str]:
    """Yield what a file binds a name to: `owner` for an instance of it, `name` for that of another.

    An empty text stands for anything else.
    """
    for node in ast.walk(code.tree):
        if isinstance(node, ast.Name | ast.Attribute) and last_name(node) == name:
            if not isinstance(node.ctx, ast.Load):
                yield _value_bound(code, node, owner)
        elif isinstance(node, ast.ImportFrom):
            yield from (e.name if e.name == name else "" for e in node.names if _as(e) == name)
        elif isinstance(node, ast.Import):
            yield from ("" for each in node.names if _as(each).partition(".")[0] == name)
        elif isinstance(node, ast.arg) and node.arg == name:
            yield last_name(node.annotation) if node.annotation else ""
        elif getattr(node, "name", None) == name and not isinstance(node, ast.alias):
            yield ""


def _as(alias: ast.alias) -> str:
    """Return the name that an import binds."""
    return alias.asname or alias.name


def _value_bound(code: PythonCode, target: ast.AST, owner: str) -> str:
    """Return what an assignment binds a name to, as `_bindings` does."""
    statement = code.parents[target]
    value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
    if isinstance(value, ast.Call):
        return owner if last_name(value.func) == owner else ""
    return last_name(value) if value is not None else ""
