"""Where an import of the standard library belongs in a file, as isort would order it."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import libcst as cst

BLANK_LINE = cst.EmptyLine(indent=False)
Import = cst.Import | cst.ImportFrom


@dataclass(frozen=True)
class Insertion:
    """A statement to insert before that at `index` of a module.

    The latter is to have `leading_lines` then, if they are not None.
    """

    index: int
    statement: cst.SimpleStatementLine
    leading_lines: Sequence[cst.EmptyLine] | None = None


def import_of(statement: cst.CSTNode | None) -> Import | None:
    """Return the import that is all of a statement line; None if it is anything else."""
    if not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
        return None
    only = statement.body[0]
    return only if isinstance(only, cst.Import | cst.ImportFrom) else None


def end_of_imports(module: cst.Module) -> int:
    """Return the index after the last import at the top level that no definition comes before.

    Imports under a condition or in a `try` count. Without any, it is after the docstring.
    """
    end = _start(module)
    for index, each in enumerate(module.body):
        if isinstance(each, cst.FunctionDef | cst.ClassDef):
            break
        if import_of(each) is not None or _has_imports(each):
            end = index + 1
    return end


def end_of_preamble(module: cst.Module) -> int:
    """Return the index after the imports and what such a module says of itself (`__all__`)."""
    end = end_of_imports(module)
    while end < len(module.body) and _is_about_module(module.body[end]):
        end += 1
    return end


def _is_about_module(statement: cst.CSTNode) -> bool:
    """Return whether a statement assigns to a name such as `__all__` or `__version__`."""
    if not isinstance(statement, cst.SimpleStatementLine):
        return False
    return all(
        isinstance(each, cst.Assign)
        and isinstance(each.targets[0].target, cst.Name)
        and each.targets[0].target.value.startswith("__")
        for each in statement.body
    )


def statements_before(module: cst.Module, index: int) -> int:
    """Return how many statements are before an index of a module; a line may have several."""
    lines = module.body[:index]
    return sum(len(e.body) if isinstance(e, cst.SimpleStatementLine) else 1 for e in lines)


def _has_imports(statement: cst.CSTNode) -> bool:
    """Return whether a condition or `try` has an import in its first block."""
    if not isinstance(statement, cst.If | cst.Try):
        return False
    return any(import_of(each) is not None for each in statement.body.body)


def extended_import(module: cst.Module, source: str, name: str) -> tuple[Import, Import] | None:
    """Return an import of the top level from `source`, and it with `name` added; None without."""
    sections = [module.body[at] for section in _sections(module) for at in section]
    for each in sections:
        found = import_of(each)
        if not isinstance(found, cst.ImportFrom) or isinstance(found.names, cst.ImportStar):
            continue
        if _module_of(found) == source:
            return found, found.with_changes(names=_with_name(found.names, name))
    return None


def new_import(module: cst.Module, source: str, name: str) -> Insertion:
    """Return where `from source import name` belongs, among imports of the standard library."""
    made = cst.ImportFrom(cst.parse_expression(source), [cst.ImportAlias(cst.Name(name))])  # type: ignore[arg-type]
    line = cst.SimpleStatementLine([made])
    for section in _sections(module):
        found = [import_of(module.body[each]) for each in section]
        if not all(each is not None and _is_standard(each) for each in found):
            continue
        later = [at for at, each in zip(section, found, strict=True) if _is_after(each, source)]
        index = later[0] if later else section.stop
        return (
            _at_first_place(module, index, line)
            if index == section.start
            else Insertion(index, line)
        )
    return _own_section(module, line)


def _at_first_place(module: cst.Module, index: int, line: cst.SimpleStatementLine) -> Insertion:
    """Return the insertion before a section, whose blank lines it takes over."""
    first = module.body[index]
    assert isinstance(first, cst.SimpleStatementLine)
    blank = [each for each in first.leading_lines if each.comment is None]
    kept = [each for each in first.leading_lines if each.comment is not None]
    line = line.with_changes(leading_lines=blank)
    return Insertion(index, line, kept)


def _own_section(module: cst.Module, line: cst.SimpleStatementLine) -> Insertion:
    """Return the insertion as a section of its own, before those of other imports."""
    future = [each.stop for each in _sections(module) if _is_future(module, each)]
    index = future[0] if future else _start(module)
    if index:
        line = line.with_changes(leading_lines=[BLANK_LINE])
    if index == len(module.body):
        return Insertion(index, line)
    following = module.body[index]
    assert isinstance(following, cst.SimpleStatementLine | cst.BaseCompoundStatement)
    if not any(each.comment is None for each in following.leading_lines):
        return Insertion(index, line, [BLANK_LINE, *following.leading_lines])
    return Insertion(index, line)


def _start(module: cst.Module) -> int:
    """Return the index of the first statement after the docstring of a module."""
    return 1 if module.get_docstring() is not None else 0


def _sections(module: cst.Module) -> Iterator[range]:
    """Yield the runs of imports at the beginning of a module that blank lines separate."""
    start = at = _start(module)
    while at < len(module.body) and import_of(module.body[at]) is not None:
        statement = module.body[at]
        assert isinstance(statement, cst.SimpleStatementLine)
        if at > start and any(each.comment is None for each in statement.leading_lines):
            yield range(start, at)
            start = at
        at += 1
    if at > start:
        yield range(start, at)


def _is_future(module: cst.Module, section: range) -> bool:
    """Return whether a section has imports from `__future__`."""
    found = [import_of(module.body[each]) for each in section]
    return any(isinstance(e, cst.ImportFrom) and _module_of(e) == "__future__" for e in found)


def _module_of(node: cst.ImportFrom) -> str:
    """Return the dotted name of the module that is imported from; empty if it is relative."""
    if node.module is None or node.relative:
        return ""
    return cst.Module([]).code_for_node(node.module)


def _is_standard(node: Import) -> bool:
    """Return whether everything that is imported is of the standard library."""
    if isinstance(node, cst.ImportFrom):
        names = [_module_of(node)]
    else:
        names = [cst.Module([]).code_for_node(each.name) for each in node.names]
    return all(each.partition(".")[0] in sys.stdlib_module_names - {"__future__"} for each in names)


def _is_after(node: Import | None, source: str) -> bool:
    """Return whether an import belongs after one from the module `source`."""
    return isinstance(node, cst.ImportFrom) and _module_of(node) > source


def _with_name(names: Sequence[cst.ImportAlias], name: str) -> list[cst.ImportAlias]:
    """Return the names of an import with another one, in the place that the alphabet gives it."""
    written = [each.evaluated_name for each in names]
    at = sum(each.lower() < name.lower() for each in written)
    between = (
        names[0].comma if len(names) > 1 else cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    )
    added = [*names[:at], cst.ImportAlias(cst.Name(name)), *names[at:]]
    ends = [between] * (len(added) - 1) + [names[-1].comma]
    return [each.with_changes(comma=end) for each, end in zip(added, ends, strict=True)]
