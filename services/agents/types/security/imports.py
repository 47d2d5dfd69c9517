"""The imports of a file after a fix: what it needs is added, what it left unused is removed."""

import ast
import re
import sys
from collections.abc import Sequence

import libcst as cst

from services.agents.types.security.calls import has_comment
from services.agents.types.security.code import PythonCode, python_code
from shared.behaviour.code import imported_names
from shared.behaviour.whole_file import docstring
from shared.detectors.texts import split_lines

ImportStatement = ast.Import | ast.ImportFrom


def tidy_imports(before: str, after: str, wanted: Sequence[tuple[str, str]]) -> str:
    """Return `after` with those of the `wanted` imports that it needs, and none left unused."""
    text = after
    for module, name in wanted:
        code = python_code(text)
        if code is not None and _is_missing(code, module, name):
            text = _with_import(code, module, name)
    return _without_unused(before, text)


def _is_missing(code: PythonCode, module: str, name: str) -> bool:
    """Return whether a file uses a module, or a name of it, that none of its imports binds."""
    needed = name or module
    bound = {each for node in ast.walk(code.tree) for each, _ in imported_names(node)}
    dotted = {
        alias.name for n in ast.walk(code.tree) if isinstance(n, ast.Import) for alias in n.names
    }
    if needed in bound or module in dotted:
        return False
    nodes = ast.walk(code.tree)
    if name or "." not in module:
        return any(isinstance(each, ast.Name) and each.id == needed for each in nodes)
    return any(isinstance(n, ast.Attribute) and ast.unparse(n) == module for n in nodes)


def _with_import(code: PythonCode, module: str, name: str) -> str:
    """Return the text with an import: added to one of the same module, else a line of its own."""
    same = [
        each
        for each in code.tree.body
        if isinstance(each, ast.ImportFrom) and each.module == module and not each.level
    ]
    if name and same and (made := _with_alias(code.segment(same[0]), name)):
        return _replaced(code, same[0], made)
    statement = f"from {module} import {name}" if name else f"import {module}"
    lines = split_lines(code.text)
    at, blank_before, blank_after = _position(code, module, is_from=bool(name))
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    new = [end] * blank_before + [statement + end] + [end] * blank_after
    return "".join([*lines[:at], *new, *lines[at:]])


def _position(code: PythonCode, module: str, *, is_from: bool) -> tuple[int, bool, bool]:
    """Return before which line to put an import, and whether blank lines are needed around it.

    It goes among the imports of its kind (those of the standard library, or others), in order.
    """
    imports = [n for n in code.tree.body if isinstance(n, ImportStatement) and not _is_future(n)]
    standard = _is_standard(module)
    kin = [n for n in imports if _is_standard(_module_of(n)) is standard and not _level(n)]
    key = (is_from, module.lower())
    smaller = [n for n in kin if (isinstance(n, ast.ImportFrom), _module_of(n).lower()) < key]
    if smaller:
        return smaller[-1].end_lineno or 0, False, False
    if kin:
        return kin[0].lineno - 1, False, False
    if imports and standard:
        return imports[0].lineno - 1, False, True
    if imports:
        return _last_line_of_block(imports), True, False
    return _after_head(code)


def _after_head(code: PythonCode) -> tuple[int, bool, bool]:
    """Return where a first import goes: after comments, docstring and `__future__` imports."""
    body = code.tree.body
    heads = [n for n in body[:1] if docstring(code.tree) is not None]
    heads += [n for n in body if isinstance(n, ImportStatement) and _is_future(n)]
    if heads:
        at = max(each.end_lineno or 0 for each in heads)
        return at, True, bool(code.line(at + 1).strip())
    at = 0
    while code.line(at + 1).startswith("#"):
        at += 1
    return at, False, True


def _last_line_of_block(imports: Sequence[ImportStatement]) -> int:
    """Return the last line of the imports at the top."""
    return max(each.end_lineno or 0 for each in imports)


def _is_future(node: ImportStatement) -> bool:
    """Return whether an import is one of `__future__`."""
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _module_of(node: ImportStatement) -> str:
    """Return the module that a statement imports, or the first one."""
    return node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name


def _level(node: ImportStatement) -> int:
    """Return how many packages above a relative import begins; 0 for an absolute one."""
    return node.level if isinstance(node, ast.ImportFrom) else 0


def _is_standard(module: str) -> bool:
    """Return whether a module belongs to the standard library."""
    return module.partition(".")[0] in sys.stdlib_module_names


def _without_unused(before: str, after: str) -> str:
    """Return the text without the imports at the top that were used before and are not any more."""
    old, code = python_code(before), python_code(after)
    if old is None or code is None or "__all__" in after:
        return after
    gone = _used(old) - _used(code)
    for node in reversed(code.tree.body):
        if isinstance(node, ImportStatement):
            unused = {name for name, _ in imported_names(node)} & gone
            if unused and _is_alone(code, node):
                after = _drop(code, node, unused)
                code = python_code(after) or code
    return after


def _used(code: PythonCode) -> set[str]:
    """Return the names that a file reads, and the words of its texts, which may be names too."""
    found: set[str] = set()
    for node in ast.walk(code.tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.update(re.findall(r"\w+", node.value))
    return found


def _is_alone(code: PythonCode, node: ast.stmt) -> bool:
    """Return whether nothing but a statement, no comment either, is on its lines."""
    (first, start), (last, end) = code.span(node)
    rest = code.line(first)[: start - 1] + code.line(last)[end - 1 :]
    return not rest.strip() and not has_comment(code.segment(node))


def _drop(code: PythonCode, node: ImportStatement, names: set[str]) -> str:
    """Return the text without these names in an import, or without the import."""
    kept = [a for a in node.names if (a.asname or a.name.partition(".")[0]) not in names]
    if kept:
        made = _without_aliases(code.segment(node), names)
        return _replaced(code, node, made) if made else code.text
    lines = split_lines(code.text)
    return "".join([*lines[: node.lineno - 1], *lines[node.end_lineno or node.lineno :]])


def _without_aliases(text: str, names: set[str]) -> str:
    """Return an import statement without some of its names."""
    statement, aliases = _parsed(text)
    kept = [each for each in aliases if _bound(each) not in names]
    kept[-1] = kept[-1].with_changes(comma=aliases[-1].comma)
    return _code(statement.with_changes(names=kept))


def _with_alias(text: str, name: str) -> str:
    """Return a `from` import that imports one name more, in order where the others are."""
    if has_comment(text):
        return ""
    statement, aliases = _parsed(text)
    if not aliases:
        return ""
    made = cst.ImportAlias(cst.Name(name))
    names = [_bound(each) for each in aliases]
    at = next((n for n, each in enumerate(names) if _order(each) > _order(name)), len(names))
    between = (
        aliases[0].comma
        if len(aliases) > 1
        else cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    )
    if at < len(aliases):
        kept = [*aliases[:at], made.with_changes(comma=between), *aliases[at:]]
    else:
        last = aliases[-1]
        kept = [
            *aliases[:-1],
            last.with_changes(comma=between),
            made.with_changes(comma=last.comma),
        ]
    return _code(statement.with_changes(names=kept))


def _order(name: str) -> tuple[bool, bool, str]:
    """Return what names are sorted by in an import: constants, then classes, then the others."""
    is_constant = name.isupper() and len(name) > 1
    return not is_constant, not name[:1].isupper(), name.lower()


def _parsed(text: str) -> tuple[cst.Import | cst.ImportFrom, list[cst.ImportAlias]]:
    """Return an import statement as a concrete tree, and its names; none for `*`."""
    line = cst.parse_statement(text)
    assert isinstance(line, cst.SimpleStatementLine)
    statement = line.body[0]
    assert isinstance(statement, cst.Import | cst.ImportFrom)
    names = statement.names
    return statement, [] if isinstance(names, cst.ImportStar) else list(names)


def _bound(alias: cst.ImportAlias) -> str:
    """Return the name that an alias in an import binds."""
    return alias.evaluated_alias or alias.evaluated_name.partition(".")[0]


def _code(statement: cst.Import | cst.ImportFrom) -> str:
    """Return a statement as text."""
    return cst.Module([]).code_for_node(statement)


def _replaced(code: PythonCode, node: ast.stmt, made: str) -> str:
    """Return the text with another text for a statement."""
    (first, start), (last, end) = code.span(node)
    lines = split_lines(code.text)
    head, tail = lines[first - 1][: start - 1], lines[last - 1][end - 1 :]
    return "".join([*lines[: first - 1], head, made, tail, *lines[last:]])
