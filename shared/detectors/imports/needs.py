"""What definitions need of the file that they are in, should they move to another one."""

import ast
import symtable
from collections.abc import Collection, Iterator, Mapping, Sequence

from shared.detectors.imports.facts import read_facts
from shared.detectors.imports.graph import ImportGraph
from shared.detectors.imports.uses import UseTime, has_future_annotations, name_uses
from shared.kernel.syntax import parse

# What tells code in which file it is, or reads names that it does not spell.
FILE_NAMES = frozenset(
    {"__file__", "__loader__", "__name__", "__package__", "__path__", "__spec__"}
    | {"eval", "exec", "globals"}
)
# What tests call to put another object into the place of a name.
REPLACING = frozenset({"delattr", "monkeypatch", "patch", "setattr", "stub"})


def needed_imports(content: bytes, names: Collection[str]) -> Mapping[str, str] | None:
    """Return the import statements that definitions of a file need, by the name that each binds.

    Returns None where they need anything else: what the file defines, binds anew or imports under a
    condition, or where they depend on which file they are in.
    """
    facts, tree = read_facts(content), parse(content)
    nodes = defining(tree, names)
    if facts is None or nodes is None or any(each.name == "*" for each in facts.imports):
        return None
    used = free_names(nodes) - set(names)
    ours = used & {*facts.bindings, *facts.rebound}
    statements = dict(named_statements(tree))
    are_imports = all(facts.bindings.get(e) == 1 and e in statements for e in ours)
    if used & FILE_NAMES or ours & facts.rebound or not are_imports:
        return None
    return {each: statements[each] for each in sorted(ours)}


def defining(tree: ast.Module, names: Collection[str]) -> list[ast.stmt] | None:
    """Return the statements that define some names of a file.

    Returns None if one of them binds another name as well, or shares a line with another statement.
    """
    nodes = [each for each in tree.body if not set(names).isdisjoint(_defined(each))]
    lines = [row for e in tree.body for row in range(e.lineno, (e.end_lineno or e.lineno) + 1)]
    is_alone = len(lines) == len(set(lines))
    return nodes if is_alone and {n for e in nodes for n in _defined(e)} == set(names) else None


def _defined(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a definition or assignment binds at the top level of a file."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    for each in ast.walk(node) if isinstance(node, ast.Assign | ast.AnnAssign) else ():
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            yield each.id


def free_names(nodes: Sequence[ast.stmt]) -> frozenset[str]:
    """Return the names that statements of a module read or bind in it, in annotations as well.

    Where that cannot be told, these are the names that nothing that moves may use.
    """
    module = ast.Module(list(nodes), [])
    try:
        pending = [symtable.symtable(ast.unparse(module), "<statements>", "exec")]
    except (SyntaxError, ValueError, RecursionError):
        return FILE_NAMES
    found = {e.name for uses in name_uses(module).values() for e in uses if e.when is UseTime.NEVER}
    while pending:
        table = pending.pop()
        pending += table.get_children()
        # The body of a class may read a name of the module before it binds that itself.
        is_class = table.get_type() == "class"
        found |= {
            each.get_name()
            for each in table.get_symbols()
            if each.is_global() or (is_class and each.is_referenced())
        }
    return frozenset(found)


def used_names(content: bytes) -> frozenset[str]:
    """Return the names that a file uses besides importing them, in its texts as well."""
    tree = parse(content)
    rest = [each for each in tree.body if not isinstance(each, ast.Import | ast.ImportFrom)]
    texts = {n for n, uses in name_uses(tree).items() if any(e.when is UseTime.TEXT for e in uses)}
    return free_names(rest) | texts


def named_statements(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield each name that an import at the top level binds, with a statement for it alone."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            for each in node.names:
                bound = each.asname or each.name.partition(".")[0]
                yield bound, ast.unparse(ast.Import([each]))
        elif isinstance(node, ast.ImportFrom):
            for each in node.names:
                alone = ast.ImportFrom(node.module, [each], node.level)
                yield each.asname or each.name, ast.unparse(alone)


def has_relative_imports(content: bytes, names: Collection[str]) -> bool:
    """Return whether definitions of a file import relative to it, in a call."""
    nodes = defining(parse(content), names) or []
    return any(
        isinstance(inner, ast.ImportFrom) and inner.level
        for each in nodes
        for inner in ast.walk(each)
    )


def evaluates_annotations(content: bytes) -> bool:
    """Return whether a file evaluates its annotations, as it does unless it asks not to."""
    return not has_future_annotations(parse(content))


def is_taken(graph: ImportGraph, path: str, name: str, but: Collection[str] = ()) -> bool:
    """Return whether another file takes a name from a file, or names it in a text.

    Imports in the files `but` do not count.
    """
    return _is_named(graph, path, name) or any(
        name in graph.facts[e.importer].mentioned if e.is_module else e.site.name in {name, "*"}
        for e in graph.importers[path]
        if e.importer not in but
    )


def is_replaced(graph: ImportGraph, path: str, name: str) -> bool:
    """Return whether another file may replace a name of a file, as tests do.

    What moves from there would not see that.
    """
    using = [graph.facts[each.importer] for each in graph.importers[path] if each.is_module]
    return _is_named(graph, path, name) or any(
        name in each.assigned
        or (name in each.mentioned and not REPLACING.isdisjoint(each.mentioned))
        for each in using
    )


def _is_named(graph: ImportGraph, path: str, name: str) -> bool:
    """Return whether a text in a file of the repository is the dotted name of a name of a file."""
    ends = tuple(f"{graph.modules.name(path)}{mark}{name}" for mark in ".:")
    return any(each.endswith(ends) or f"{ends[0]}." in each for each in graph.dotted_texts)
