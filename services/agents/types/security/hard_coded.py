"""Which literals are secrets, by the shape of their values; no value leaves this module."""

import ast
import re
from collections.abc import Collection

from services.agents.types.security.code import PythonCode, python_code, text_of
from shared.detectors.ruff.process import Diagnostic
from shared.detectors.texts import split_lines

SECRET_CODES = frozenset({"S105", "S106", "S107"})
MIN_CHARACTERS = 4
MIN_KEY_CHARACTERS = 3
SIGNING_KEY = re.compile(r"secret_?key(?:_(?!field|name|env|var|header|path|file)|$)")
INSERTED = re.compile(r"[{}$<>\\ ]|://|secret_?key$", re.IGNORECASE)
# Words of values that stand for a secret to be put in their place.
PLACEHOLDERS = re.compile(
    r"^$|your|example|placeholder|change.?me|replace|dummy|fake|sample|todo|insert|redacted|hidden"
    r"|^<.*>$|^\(.*\)$|[{}$%\\]|\[.*\]|^x+$|\*{3}|\.{3}|^-+$|not.?set|unset|none|null|undefined",
    re.IGNORECASE,
)
# Values that name something: a field, a header, a path, a URL, a dotted or dashed identifier.
NAMES = re.compile(
    r"^[a-z_]+$|^[A-Z_]+$|^[A-Za-z]+(?:[-_.:/ ][A-Za-z]+)+$|^[A-Za-z][a-z]*(?:[A-Z][a-z]+)*$"
)
LOCATION = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//|^[./~]|^\w+(?:/[\w.-]+)+/?$")
WEAK_PASSWORDS = frozenset({"admin", "root", "letmein", "secret", "qwerty", "postgres", "guest"})
PASSWORD_NAMES = frozenset({"password", "passwd", "pwd", "pass", "passphrase"})


def is_secret(found: Diagnostic, text: str) -> bool:
    """Return whether the literal that ruff reports looks like a secret that is used."""
    code = python_code(text)
    if code is None:
        return False
    at = (found.row, found.column)
    literal = next((e for e in code.around(at) if text_of(e) is not None), None)
    if literal is None:
        literal = _value_of_keyword(code, at)
    value = text_of(literal)
    return value is not None and _looks_secret(value, _name_in(found.message))


def _value_of_keyword(code: PythonCode, at: tuple[int, int]) -> ast.AST | None:
    """Return the value of the keyword argument at a place; None where there is none."""
    found = (each.value for each in code.around(at) if isinstance(each, ast.keyword))
    return next(found, None)


def _name_in(message: str) -> str:
    """Return the name that ruff's message puts into quotes at its end."""
    return message.rstrip('"').rpartition('"')[2].lower()


def _looks_secret(value: str, name: str) -> bool:
    """Return whether a value is no placeholder, name, sentence or location.

    A key that signs what a program hands out is one whatever it is: everybody can guess `dev`.
    """
    if SIGNING_KEY.search(name) and len(value) >= MIN_KEY_CHARACTERS:
        return value.lower() != name and not INSERTED.search(value)
    if len(value) < MIN_CHARACTERS or len(value.split()) > 1 or PLACEHOLDERS.search(value):
        return False
    if value.lower() in WEAK_PASSWORDS:
        return name in PASSWORD_NAMES
    return not (LOCATION.search(value) or NAMES.search(value))


def masked(text: str, rows: Collection[int]) -> str:
    """Return a text in which lines, by their numbers, end before their first literal."""
    lines = split_lines(text)
    for each in rows:
        row = lines[each - 1]
        end = "\n" if row.endswith("\n") else ""
        lines[each - 1] = re.split(r"['\"]", row, maxsplit=1)[0].rstrip() + end
    return "".join(lines)
