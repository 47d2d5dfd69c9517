"""Import statements in a module of LibCST, found by their lines."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import libcst
from libcst.metadata import MetadataWrapper, PositionProvider

ImportNode = libcst.Import | libcst.ImportFrom


@dataclass(frozen=True)
class TopImport:
    """A line of the module with one import statement, and the names that it binds in order."""

    line: libcst.SimpleStatementLine
    statement: ImportNode
    bound: tuple[str, ...]


def read_module(text: str) -> tuple[libcst.Module, Mapping[int, libcst.BaseStatement]]:
    """Parse a text; return it with the statements at its top level by their first lines.

    There are no statements where LibCST cannot parse it, as where it is nested too deeply.
    """
    try:
        wrapper = MetadataWrapper(libcst.parse_module(text), unsafe_skip_copy=True)
        positions = wrapper.resolve(PositionProvider)
    except (libcst.ParserSyntaxError, RecursionError, ValueError):
        return libcst.Module([]), {}
    module = wrapper.module
    return module, {positions[each].start.line: each for each in module.body}


def top_import(node: libcst.BaseStatement | None) -> TopImport | None:
    """Return a statement as an import if it is one, alone on its line; else None."""
    if not isinstance(node, libcst.SimpleStatementLine) or len(node.body) != 1:
        return None
    statement = node.body[0]
    if not isinstance(statement, libcst.Import | libcst.ImportFrom):
        return None
    if isinstance(statement.names, libcst.ImportStar):
        return None
    return TopImport(node, statement, tuple(map(_bound, statement.names)))


def with_names(found: TopImport, wanted: Collection[str]) -> ImportNode | None:
    """Return the statement with only those names that it is to bind; None if none is left."""
    assert not isinstance(found.statement.names, libcst.ImportStar)
    pairs = zip(found.statement.names, found.bound, strict=True)
    kept = [alias for alias, bound in pairs if bound in wanted]
    if not kept or len(kept) == len(found.bound):
        return found.statement if kept else None
    last = kept[-1].with_changes(comma=found.statement.names[-1].comma)
    return found.statement.with_changes(names=[*kept[:-1], last])


def without_imports(text: str, names: Collection[str]) -> str:
    """Return a text whose imports at the top level do not bind some names any more.

    A statement with a comment, or with another statement on its line, stays as it is.
    """
    module, _ = read_module(text) if names else (libcst.Module([]), {})
    changed: dict[libcst.BaseStatement, libcst.BaseStatement | None] = {}
    for node in module.body:
        found = top_import(node)
        if (
            found is not None
            and {*found.bound} & {*names}
            and "#" not in module.code_for_node(node)
        ):
            kept = with_names(found, [each for each in found.bound if each not in names])
            changed[node] = None if kept is None else found.line.with_changes(body=[kept])
    return module.with_changes(body=without_gaps(module, changed)).code if changed else text


def leading_lines(node: libcst.BaseStatement) -> Sequence[libcst.EmptyLine]:
    """Return the blank lines and comments before a statement."""
    found: Sequence[libcst.EmptyLine] = getattr(node, "leading_lines", ())
    return found


def without_gaps(
    module: libcst.Module, changed: Mapping[libcst.BaseStatement, libcst.BaseStatement | None]
) -> list[libcst.BaseStatement]:
    """Return the statements of a module with some of them changed, or gone where None.

    Blank lines before a statement that is gone are those of the next one, if that has none, and
    a file that began with a statement does not begin with blank lines.
    """
    body: list[libcst.BaseStatement] = []
    lead: Sequence[libcst.EmptyLine] = ()
    for each in module.body:
        node = changed.get(each, each)
        if node is None:
            lead = lead or leading_lines(each)
            continue
        if not body and each is not module.body[0] and not module.header:
            node = node.with_changes(leading_lines=_comments(leading_lines(node)))
        elif lead and not leading_lines(node):
            node = node.with_changes(leading_lines=lead)
        lead = ()
        body.append(node)
    return body


def _comments(lines: Sequence[libcst.EmptyLine]) -> list[libcst.EmptyLine]:
    """Return the lines from the first comment on."""
    first = next((n for n, each in enumerate(lines) if each.comment is not None), len(lines))
    return list(lines[first:])


def _bound(alias: libcst.ImportAlias) -> str:
    """Return the name that one part of an import statement binds."""
    if alias.asname is not None:
        assert isinstance(alias.asname.name, libcst.Name)
        return alias.asname.name.value
    return alias.evaluated_name.partition(".")[0]
