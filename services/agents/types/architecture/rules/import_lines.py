"""Import statements as lines of text."""

import ast
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from shared.detectors.texts import split_lines
from shared.kernel.syntax import parse

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
MAX_LINE_CHARACTERS = 88
FUTURE = "__future__"


def import_statement(module: str, names: Collection[str]) -> str:
    """Return a statement that imports names, which may be `x as y`, from a module.

    It has one name a line where it would be too long.
    """
    rows = sorted(set(names))
    line = f"from {module} import {', '.join(rows)}\n"
    if len(line) <= MAX_LINE_CHARACTERS:
        return line
    return f"from {module} import (\n{''.join(f'    {each},{chr(10)}' for each in rows)})\n"


def with_import(text: str, module: str, names: Sequence[str]) -> str:
    """Return a text that imports some names, in a statement for that module if it has one."""
    start, lines = f"from {module} import ", split_lines(text)
    at, has_imports = end_of_head(text)
    for row, line in enumerate(lines[:at]):
        taken = line.removeprefix(start).strip()
        if line.startswith(start) and not set(taken) & set("(#;\\*"):
            merged = {*names, *(each.strip() for each in taken.split(","))}
            return "".join([*lines[:row], import_statement(module, merged), *lines[row + 1 :]])
    while at and _is_sorted_after(lines[at - 1], module):
        at -= 1
    before = [] if has_imports or not at else ["\n"]
    rest = lines[at:]
    after = ["\n", "\n"] if rest and rest[0].strip() and not rest[0].startswith("from ") else []
    return "".join([*lines[:at], *before, import_statement(module, names), *after, *rest])


def _is_sorted_after(line: str, module: str) -> bool:
    """Return whether a line imports from a module that comes after another one in its section."""
    other = line.split()[1] if line.startswith("from ") and " import " in line else ""
    are_alike = other.startswith(".") == module.startswith(".")
    return other > module and are_alike and other != FUTURE and "(" not in line


def end_of_head(text: str) -> tuple[int, bool]:
    """Return the number of lines up to the last import before a definition, and if there is one.

    Without an import it is the docstring that the head ends with.
    """
    end, has_imports = 0, False
    for node in parse(text).body:
        if isinstance(node, DEFINITIONS):
            break
        is_import = isinstance(node, ast.Import | ast.ImportFrom)
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_import or (is_text and not end):
            end, has_imports = node.end_lineno or node.lineno, has_imports or is_import
    return end, has_imports


def grouped(statements: Iterable[str]) -> list[str]:
    """Return import statements with one for each module that names are taken from, sorted."""
    plain, taken = [], defaultdict(list)
    for each in statements:
        module, _, name = each.removeprefix("from ").partition(" import ")
        if each.startswith("from "):
            taken[module].append(name)
        else:
            plain.append(f"{each}\n")
    return [*sorted(plain), *(import_statement(e, taken[e]) for e in sorted(taken))]


def in_sections(statements: Iterable[str], is_ours: Callable[[str], bool]) -> str:
    """Return import statements by where modules come from: the future, Python, others, or here."""
    sections: dict[int, list[str]] = defaultdict(list)
    for each in grouped(statements):
        sections[_section(each.split()[1], is_ours)].append(each)
    return "\n".join("".join(sections[each]) for each in sorted(sections))


def _section(module: str, is_ours: Callable[[str], bool]) -> int:
    """Return the number of the section that imports of a module are in."""
    top = module.partition(".")[0]
    if top == FUTURE:
        return 0
    if top in sys.stdlib_module_names:
        return 1
    return 3 if not top or is_ours(top) else 2


def exporting(names: Iterable[str], plain: Callable[[str], bool]) -> Iterator[str]:
    """Yield names as an import statement passes them on: as they are, or under their own name.

    The latter tells people and tools that a file imports what it does not use for others.
    """
    yield from (each if plain(each) else f"{each} as {each}" for each in names)
