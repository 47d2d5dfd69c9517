"""Compares two versions of a Python file in what can matter although no statement differs.

That is the interpreter in the first line, the encoding, the metadata of a script, the docstring of
the module, the oldest Python that has the syntax, and whether the file compiles at all.
"""

import ast
import re
import sys

from shared.behaviour.code import ParsedFile
from shared.detectors.texts import split_lines
from shared.kernel.sections import is_valid

CODING = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
# The metadata of a script, by which tools choose its Python and its dependencies (PEP 723).
METADATA = re.compile(r"^# /// [a-zA-Z0-9-]+$\s(?:^#(?:| .*)$\s)+^# ///$", re.MULTILINE)
UTF_8 = frozenset({"utf-8", "utf8"})
# Encodings in which a text of ASCII alone reads as in UTF-8.
LIKE_ASCII = UTF_8 | {"ascii", "us-ascii", "latin-1", "iso-8859-1", "iso-8859-15", "cp1252"}
OLDEST_SYNTAX = (3, 7)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def other_file(old: ParsedFile, new: ParsedFile, oldest_python: tuple[int, int] | None) -> str:
    """Return what else differs between two versions of a file, as a clause; empty if nothing."""
    if _first_line(old.text) != _first_line(new.text):
        return "the program that runs the file is another one"
    if METADATA.findall(old.text) != METADATA.findall(new.text):
        return "the metadata of the script is other than before"
    if not _is_read_alike(old.text, new.text):
        return "the file is read in another encoding than UTF-8"
    if docstring(old.tree) != docstring(new.tree):
        return "its docstring is another one"
    if version := _newer_syntax(old.text, new.text, oldest_python):
        return f"its syntax needs Python 3.{version}"
    return "" if old.text == new.text else new.compile_error


def docstring(node: ast.AST) -> str | None:
    """Return the docstring of a module, class or function as it is written; None without one."""
    if not isinstance(node, DOCUMENTED) or not node.body:
        return None
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return first.value.value if isinstance(first.value.value, str) else None
    return None


def _first_line(text: str) -> tuple[bool, str]:
    """Return whether a text begins with a byte order mark, and the interpreter that it names."""
    first = next(iter(split_lines(text)), "")
    return first.startswith("\ufeff"), first if first.startswith("#!") else ""


def _is_read_alike(old: str, new: str) -> bool:
    """Return whether both texts are what Python reads, by the encodings that they declare."""
    declared = {_encoding(old), _encoding(new)}
    return declared <= UTF_8 or (declared <= LIKE_ASCII and old.isascii() and new.isascii())


def _encoding(text: str) -> str:
    """Return the encoding that one of the first two lines declares; UTF-8 if none does."""
    found = [match for each in split_lines(text)[:2] if (match := CODING.match(each))]
    return found[0].group(1).lower().replace("_", "-") if found else "utf-8"


def _newer_syntax(old: str, new: str, oldest: tuple[int, int] | None) -> int:
    """Return the minor version whose syntax `new` needs, where it is newer than that of `old`.

    Returns 0 where the oldest Python of the target has that syntax, or `old` needs it as well.
    """
    floor = max(oldest or OLDEST_SYNTAX, OLDEST_SYNTAX)[1]
    needed = next((n for n in range(floor, sys.version_info.minor) if is_valid(new, (3, n))), None)
    if needed is None:
        needed = sys.version_info.minor
    return needed if needed > floor and is_valid(old, (3, needed - 1)) else 0
