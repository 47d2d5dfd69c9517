"""Imports of a whole package by a file in it that only reads what other modules define."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shared.detectors.imports.graph import Edge, ImportGraph, reachable
from shared.detectors.imports.uses import binding_places, name_uses
from shared.detectors.texts import Edit
from shared.kernel.syntax import parse


@dataclass(frozen=True)
class QualifiedImport:
    """An import of a package around a file, of which the file only reads attributes.

    `origins` are the file that defines each attribute and its name there, by the attribute, and
    `shortened` are the edits that leave the attributes as names.
    """

    edge: Edge
    origins: Mapping[str, tuple[str, str]]
    shortened: tuple[Edit, ...]


def qualified_import(graph: ImportGraph, content: bytes, edge: Edge) -> QualifiedImport | None:
    """Return an import of a package as one that names what is read of it.

    Returns None where anything else is done with the package, where a name is in use already, or
    where a module that defines one of them needs the file itself.
    """
    path, package = edge.importer, edge.imported
    if not edge.is_module or package not in graph.modules.parents(path):
        return None
    if sum(each.line == edge.site.line for each in graph.facts[path].imports) > 1:
        return None
    reads = _reads(content, edge.site.bound)
    names = sorted({each.attr for each in reads})
    if any(_is_used(content, each) or each.startswith("__") for each in names):
        return None
    origins = {name: found for name in names if (found := graph.origin(package, name))}
    rest = {k: v - {package} if k == path else v for k, v in graph.loaded.items()}
    homes = {home for home, _ in origins.values()}
    if len(origins) != len(names) or package in homes or not names:
        return None
    if any(home == path or path in reachable(rest, home) for home in homes):
        return None
    return QualifiedImport(edge, origins, tuple(_shortened(content, reads)))


def _reads(content: bytes, name: str) -> list[ast.Attribute]:
    """Return what a file reads of an imported name; nothing where it uses the name otherwise."""
    tree = parse(content)
    inside = {
        e for text in ast.walk(tree) if isinstance(text, ast.JoinedStr) for e in ast.walk(text)
    }
    reads = [
        each
        for each in ast.walk(tree)
        if isinstance(each, ast.Attribute)
        and isinstance(each.ctx, ast.Load)
        and isinstance(each.value, ast.Name)
        and each.value.id == name
        and each.lineno == each.end_lineno
        and each not in inside
    ]
    uses = {each.node for each in name_uses(tree).get(name, ())}
    is_plain = binding_places(tree).get(name) == 1 and uses == {each.value for each in reads}
    return reads if is_plain else []


def _is_used(content: bytes, name: str) -> bool:
    """Return whether a file binds or reads a name, or has it in a text."""
    tree = parse(content)
    return bool(binding_places(tree).get(name) or name_uses(tree).get(name))


def _shortened(content: bytes, reads: list[ast.Attribute]) -> Iterator[Edit]:
    """Yield the edits that take the package off what is read of it."""
    lines = content.splitlines()
    for each in reads:
        line, end = lines[each.lineno - 1], each.end_col_offset or 0
        start, stop = each.col_offset, end - len(each.attr.encode())
        yield Edit(
            (each.lineno, len(line[:start].decode()) + 1),
            (each.lineno, len(line[:stop].decode()) + 1),
            "",
        )
