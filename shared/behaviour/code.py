"""A parsed file, and what its names mean."""

import ast
import builtins
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from shared.kernel.sections import (
    MAX_REMEMBERED_SECTIONS,
    TextSection,
    parse_by_sections,
    split_sections,
    statements_of,
)
from shared.kernel.syntax import compile_tree

# Builtins that some Python 3.7 or newer lacks, so that a module may find them missing.
RECENT_BUILTINS = frozenset(
    {
        "EncodingWarning",
        "aiter",
        "anext",
        "BaseExceptionGroup",
        "ExceptionGroup",
        "PythonFinalizationError",
        "WindowsError",
    }
)
BUILTINS = frozenset(vars(builtins)) - RECENT_BUILTINS
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
SCOPES = (*FUNCTIONS, ast.ClassDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
# What can read or bind names of a function or module that are not spelled.
READS_ANY_NAME = frozenset(
    {"locals", "vars", "dir", "eval", "exec", "globals", "_getframe", "currentframe"}
    | {"f_locals", "f_globals", "getmembers"}
)
# What can bind names of a module that are not spelled.
BINDS_ANY_NAME = frozenset({"locals", "eval", "exec", "globals", "f_globals"})
VARS = frozenset({"vars"})
# What is a plain word as a text, rather than the name of a builtin.
PLAIN_WORDS = frozenset({"dir", "eval", "exec", "vars"})
MISSING = object()
TYPE_PARAMETERS = ("TypeVar", "ParamSpec", "TypeVarTuple")


@dataclass(frozen=True, eq=False)
class ParsedFile:
    """The text of a Python file. Raises what `parse` raises once its tree is needed.

    Other versions of the file share parts of its tree: nobody may change them.
    """

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of the file. Raises SyntaxError or ValueError for invalid code."""
        return parse_by_sections(self.text)

    @cached_property
    def compile_error(self) -> str:
        """Why the file cannot be compiled though it can be parsed, as a clause; empty if it can."""
        try:
            compile_tree(self.tree)
        except (SyntaxError, ValueError) as error:
            return f"it cannot be compiled: {error}"
        return ""

    @cached_property
    def bindings(self) -> Counter[str]:
        """How often each name is bound anywhere in the file, whatever the scope.

        Each `del`, `global` and `nonlocal` of a name counts, too.
        """
        found: Counter[str] = Counter()
        for each in self._facts:
            found.update(each.bound)
        return found

    @cached_property
    def _facts(self) -> tuple["_SectionFacts", ...]:
        """What is known of each section of the text. Raises what `tree` does."""
        _ = self.tree
        return tuple(map(_facts_of, split_sections(self.text)))

    @cached_property
    def has_star_import(self) -> bool:
        """True if names may come from `import *`, so that any name may mean anything."""
        return any(each.has_star_import for each in self._facts)

    @cached_property
    def imports(self) -> dict[str, str]:
        """The dotted origin of each name that one import at the top level binds, and nothing else.

        `import a.b` binds `a`, whose origin is `a`.
        """
        found = (each for node in self.tree.body for each in imported_names(node))
        return {name: origin for name, origin in found if self.bindings[name] == 1}

    @cached_property
    def import_lines(self) -> dict[str, int]:
        """The line after which a name is imported, by the names that imports at the top bind."""
        return {n: each.end_lineno or 0 for each in self.tree.body for n, _ in imported_names(each)}

    @cached_property
    def reads_any_name(self) -> bool:
        """True if the file uses `eval`, `locals` or the like, which read names not spelled."""
        return any(each.reads_any_name for each in self._facts)

    @cached_property
    def binds_any_name(self) -> bool:
        """True if the file may bind names that it does not spell, as by `globals` or `exec`."""
        return self.has_star_import or any(each.binds_any_name for each in self._facts)

    def is_builtin(self, name: str) -> bool:
        """Return whether a name means Python's own builtin everywhere in the file."""
        return name in BUILTINS and not self.bindings[name] and not self.binds_any_name

    def origin(self, node: ast.AST) -> str:
        """Return the dotted origin of a name or attribute, such as `functools.cache`; else empty.

        That of a builtin begins with `builtins.`.
        """
        if isinstance(node, ast.Attribute):
            base = self.origin(node.value)
            return f"{base}.{node.attr}" if base else ""
        if not isinstance(node, ast.Name):
            return ""
        if self.is_builtin(node.id):
            return f"builtins.{node.id}"
        if self.binds_any_name or self.import_lines.get(node.id, 0) >= getattr(
            node, "lineno", sys.maxsize
        ):
            return ""
        return self.imports.get(node.id, "")


class _SectionFacts(NamedTuple):
    """What a section of a file does with names, as `ParsedFile` tells it of the whole file."""

    bound: Counter[str]
    has_star_import: bool
    reads_any_name: bool
    binds_any_name: bool


@lru_cache(maxsize=MAX_REMEMBERED_SECTIONS)
def _facts_of(section: TextSection) -> _SectionFacts:
    """Return what a section does with names."""
    root = ast.Module([*statements_of(section)], type_ignores=[])
    nodes = [*ast.walk(root)]
    stars = (each for each in nodes if isinstance(each, ast.ImportFrom))
    calls = (each for each in nodes if isinstance(each, ast.Call) and not each.args)
    return _SectionFacts(
        bound=Counter(bound_names(root)),
        has_star_import=any(name.name == "*" for each in stars for name in each.names),
        reads_any_name=any(mentions(root, READS_ANY_NAME)),
        binds_any_name=any(mentions(root, BINDS_ANY_NAME))
        or any(any(mentions(each.func, VARS)) for each in calls),
    )


def imported_names(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the names that an import statement binds, each with its dotted origin."""
    if isinstance(node, ast.Import):
        for each in node.names:
            if each.asname:
                yield each.asname, each.name
            else:
                yield (top := each.name.partition(".")[0]), top
    elif isinstance(node, ast.ImportFrom) and not node.level:
        for each in node.names:
            yield each.asname or each.name, f"{node.module}.{each.name}"
    elif isinstance(node, ast.ImportFrom):
        for each in node.names:
            yield each.asname or each.name, ""


def bound_names(root: ast.AST) -> Iterator[str]:
    """Yield each name once for every place below `root` that binds it."""
    for node in ast.walk(root):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (name for name, _ in imported_names(node))
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name
        elif isinstance(node, ast.MatchMapping) and node.rest:
            yield node.rest
        elif isinstance(node, ast.Global | ast.Nonlocal):
            yield from node.names
        elif type(node).__name__ in TYPE_PARAMETERS:
            yield node.name  # type: ignore[attr-defined]


def mentions(root: ast.AST, names: frozenset[str]) -> Iterator[ast.AST]:
    """Yield what below `root` is called one of these: names, attributes, imports and texts.

    A text that is a plain word, of `PLAIN_WORDS`, does not count.
    """
    for node in ast.walk(root):
        if isinstance(node, ast.Name):
            called: object = node.id
        elif isinstance(node, ast.Attribute):
            called = node.attr
        elif isinstance(node, ast.alias):
            called = node.name
        else:
            called = node.value if isinstance(node, ast.Constant) else None
            called = None if called in PLAIN_WORDS else called
        if isinstance(called, str) and called in names:
            yield node


def uses(root: ast.AST, name: str) -> list[ast.Name]:
    """Return every `ast.Name` node of a name below `root`, whether it reads or binds it."""
    return [node for node in ast.walk(root) if isinstance(node, ast.Name) and node.id == name]


def binds_directly(node: ast.stmt, name: str) -> bool:
    """Return whether a statement certainly binds a name once it has run, and to one thing."""
    if isinstance(node, ast.Assign):
        return any(isinstance(each, ast.Name) and each.id == name for each in node.targets)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name == name
    return any(bound == name for bound, _ in imported_names(node))


def same(one: object, other: object) -> bool:
    """Return whether two trees, or values of their fields, are the same apart from layout."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, ast.AST):
        fields = one._fields
        return all(same(getattr(one, n, MISSING), getattr(other, n, MISSING)) for n in fields)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    # The text of a number tells 0.0 from -0.0.
    return repr(one) == repr(other)
