"""What one Python file imports and defines, read without running it."""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from shared.kernel.syntax import parse

MAX_CACHED_FILES = 20_000
# A larger file is not parsed: such a file holds data, and its tree would take gigabytes.
MAX_FILE_BYTES = 2_000_000
MAX_NAME_CHARACTERS = 300
DOTTED_NAME = re.compile(r"[A-Za-z_]\w*(?:[.:][A-Za-z_]\w*)*")
MAIN = {ast.dump(ast.Name("__name__", ast.Load())), ast.dump(ast.Constant("__main__"))}
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class ImportPhase(StrEnum):
    """When an import statement runs.

    loading: when its module is imported · call: later, in a call, or if the file is run itself ·
    typing: for type checkers only.
    """

    LOADING = "loading"
    CALL = "call"
    TYPING = "typing"


@dataclass(frozen=True)
class ImportSite:
    """One name that an import statement binds.

    `name` is empty where the module itself is imported, and `level` counts the dots before a
    relative one. `is_plain` is true for a statement that stands in the module itself rather than
    in a block, and `is_guarded` for one whose failure may be caught.
    """

    module: str
    level: int
    name: str
    bound: str
    line: int
    end_line: int
    when: ImportPhase = ImportPhase.LOADING
    is_plain: bool = True
    is_guarded: bool = False


@dataclass(frozen=True)
class Definition:
    """A function, class or assigned name at the top level of a file, and its lines."""

    name: str
    kind: str
    line: int
    end_line: int


@dataclass(frozen=True)
class FileFacts:
    """What a file imports and defines.

    `bindings` counts how often each name is bound at its top level, and `rebound` has those that
    its functions declare global. `attributes` are pairs of a name and what is read of it with a
    dot, each with its line. `mentioned` are the names of attributes and of arguments, and what its
    texts consist of where that is a name, dotted or not. `assigned` are the attributes that it
    assigns or deletes, `exported` the names in `__all__`. `is_script` is true if it does something
    when it is run.

    One field per thing that a rule asks for.
    """

    imports: tuple[ImportSite, ...] = ()
    definitions: tuple[Definition, ...] = ()
    bindings: Mapping[str, int] = field(default_factory=dict)
    rebound: frozenset[str] = frozenset()
    attributes: tuple[tuple[str, str, int], ...] = ()
    mentioned: frozenset[str] = frozenset()
    assigned: frozenset[str] = frozenset()
    exported: frozenset[str] = frozenset()
    is_script: bool = False
    lines: int = 0

    def definition(self, name: str) -> Definition | None:
        """Return the function or class of that name if nothing else binds it; else None."""
        if self.bindings.get(name) != 1 or name in self.rebound:
            return None
        found = (each for each in self.definitions if each.name == name)
        return next((each for each in found if each.kind != "value"), None)


@lru_cache(maxsize=MAX_CACHED_FILES)
def read_facts(content: bytes) -> FileFacts | None:
    """Return the facts of a file; None if it is too large or cannot be parsed."""
    if len(content) > MAX_FILE_BYTES:
        return None
    try:
        return _facts(parse(content), content.count(b"\n") + 1)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _facts(tree: ast.Module, lines: int) -> FileFacts:
    """Return the facts of a parsed file."""
    nodes = list(ast.walk(tree))
    bindings = Counter(name for each in tree.body for name in _bound(each))
    return FileFacts(
        imports=tuple(_imports(tree.body, ImportPhase.LOADING, is_plain=True)),
        definitions=tuple(each for node in tree.body for each in _definitions(node)),
        bindings=dict(bindings),
        rebound=frozenset(n for each in nodes if isinstance(each, ast.Global) for n in each.names),
        attributes=tuple(_attributes(nodes)),
        mentioned=frozenset(name for each in nodes for name in _mentioned(each)),
        assigned=frozenset(
            each.attr
            for each in nodes
            if isinstance(each, ast.Attribute) and not isinstance(each.ctx, ast.Load)
        ),
        exported=frozenset(name for each in tree.body for name in _exported(each)),
        is_script=any(map(is_main_block, tree.body)),
        lines=lines,
    )


def _imports(
    body: list[ast.stmt], when: ImportPhase, *, is_plain: bool, is_guarded: bool = False
) -> Iterator[ImportSite]:
    """Yield what the import statements of a block and of the blocks in it bind."""
    for node in body:
        yield from _sites(node, when, is_plain=is_plain, is_guarded=is_guarded)
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            yield from _imports(node.body, ImportPhase.TYPING, is_plain=False)
            yield from _imports(node.orelse, when, is_plain=False, is_guarded=is_guarded)
            continue
        waits = isinstance(node, FUNCTIONS) or is_main_block(node)
        inner = ImportPhase.CALL if waits else when
        guarded = is_guarded or isinstance(node, ast.Try | ast.With | ast.AsyncWith)
        for block in _blocks(node):
            yield from _imports(block, inner, is_plain=False, is_guarded=guarded)


def _sites(
    node: ast.stmt, when: ImportPhase, *, is_plain: bool, is_guarded: bool
) -> Iterator[ImportSite]:
    """Yield what one import statement binds; nothing for another statement."""
    end = node.end_lineno or node.lineno
    if isinstance(node, ast.Import):
        for each in node.names:
            bound = each.asname or each.name.partition(".")[0]
            yield ImportSite(each.name, 0, "", bound, node.lineno, end, when, is_plain, is_guarded)
    elif isinstance(node, ast.ImportFrom):
        for each in node.names:
            yield ImportSite(
                node.module or "",
                node.level,
                each.name,
                each.asname or each.name,
                node.lineno,
                end,
                when,
                is_plain,
                is_guarded,
            )


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """Yield the blocks of statements directly inside a statement, those of its cases included."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            yield block
    for each in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield each.body


def _is_type_checking(test: ast.expr) -> bool:
    """Return whether a condition is `TYPE_CHECKING`, however it is reached."""
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def _definitions(node: ast.stmt) -> Iterator[Definition]:
    """Yield what a statement at the top level defines."""
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
    last = node.end_lineno or node.lineno
    if isinstance(node, DEFINITIONS):
        kind = "class" if isinstance(node, ast.ClassDef) else "function"
        yield Definition(node.name, kind, first, last)
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for each in targets:
            if isinstance(each, ast.Name):
                yield Definition(each.id, "value", first, last)


def _bound(node: ast.AST) -> Iterator[str]:
    """Yield each name once for every place where a top-level statement binds it."""
    if isinstance(node, DEFINITIONS):
        yield node.name
        return
    if isinstance(node, ast.Import):
        yield from (each.asname or each.name.partition(".")[0] for each in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (each.asname or each.name for each in node.names)
    elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    elif isinstance(node, ast.Lambda):
        return
    for each in ast.iter_child_nodes(node):
        yield from _bound(each)


def _attributes(nodes: list[ast.AST]) -> Iterator[tuple[str, str, int]]:
    """Yield each attribute of a plain name: the name, the attribute and its line."""
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield node.value.id, node.attr, node.lineno


def _mentioned(node: ast.AST) -> Iterator[str]:
    """Yield the name of an attribute or argument, or a text that is a name."""
    if isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.keyword) and node.arg:
        yield node.arg
    elif (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and len(node.value) <= MAX_NAME_CHARACTERS
        and DOTTED_NAME.fullmatch(node.value)
    ):
        yield node.value


def _exported(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement puts into `__all__`."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    if not any(isinstance(each, ast.Name) and each.id == "__all__" for each in targets):
        return
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def is_main_block(node: ast.AST) -> bool:
    """Return whether a statement is `if __name__ == "__main__"`, with nothing else to it."""
    if not isinstance(node, ast.If) or node.orelse or not isinstance(node.test, ast.Compare):
        return False
    sides = [node.test.left, *node.test.comparators]
    return isinstance(node.test.ops[0], ast.Eq) and {ast.dump(each) for each in sides} == MAIN
