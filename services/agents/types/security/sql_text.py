"""SQL that is put together from texts and values: which parts of it are values.

A statement is a sequence of texts and of slots, each of which is an expression of the program. A
slot is a value where it stands for a whole literal of SQL: between quotes, or after a comparison.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

STATEMENT = re.compile(r"\s*(?:SELECT|INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)
# After one of these an unquoted slot is a value; before any of those it ends.
BEFORE_VALUE = re.compile(
    r"(?:[^<>=!]|^)(?:=|<|>|<=|>=|<>|!=)\s*$|\b(?:LIMIT|OFFSET)\s+$", re.IGNORECASE
)
# Before a quoted literal that is a value: not a type (`DATE '…'`), nor `AS` or `FROM`.
BEFORE_QUOTED = re.compile(
    r"(?:[=<>(,+*/|-]|\b(?:LIKE|ILIKE|GLOB|REGEXP|MATCH|BETWEEN|AND|OR|NOT|WHEN|THEN|ELSE))\s*$",
    re.IGNORECASE,
)
AFTER_VALUE = re.compile(
    r"\s*$|\s*[;),]|\s+(?:AND|OR|ORDER|GROUP|LIMIT|OFFSET|RETURNING|WHERE|HAVING|UNION)\b",
    re.IGNORECASE,
)
PARAMETER = re.compile(r"\?|(?<![:\w]):\w|@\w|\$\w|%")
QUOTE = "'"
# Where one of these is, nothing can be told.
REFUSED = ('"', "`", "[", "--", "/*", "\\", "{", "}")
MARK = "\0"
# Stands in a text where one literal of Python ends and the next begins. SQL takes it for a space.
SEAM = "\x1f"
IN_VALUES = re.compile(rf"\bVALUES\s*\((?:\s*(?:{MARK}|'[^']*'|\w+)\s*,)*\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Slot:
    """An expression of the program, as text, in a statement."""

    expression: str


Part = str | Slot


@dataclass(frozen=True)
class SqlValue:
    """What takes the place of a slot, or of a literal with slots: text and slots in order."""

    parts: tuple[Part, ...]
    quoted: bool


@dataclass(frozen=True)
class Parametrized:
    """A statement in which values are left out: its texts around them, and the values."""

    texts: tuple[str, ...]
    values: tuple[SqlValue, ...]


def parametrized(parts: Sequence[Part]) -> Parametrized | None:
    """Return a statement without its values; None where a slot is not surely a value."""
    whole = "".join(each for each in parts if isinstance(each, str))
    plain = re.sub("'[^']*'", "", whole)
    if not isinstance(parts[0], str) or not STATEMENT.match(parts[0]):
        return None
    if any(each in whole for each in REFUSED) or PARAMETER.search(plain):
        return None
    if any(2 * QUOTE in each for each in parts if isinstance(each, str)):
        return None
    return _Scan(parts).run()


class _Scan:
    """Reads the parts in order, and collects texts and values."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._texts = [""]
        self._values: list[SqlValue] = []
        # The parts of the quoted literal that is being read; None outside of one.
        self._literal: list[Part] | None = None
        # Whether a value is in parts of several literals of Python, or not where values are.
        self._is_unsure = False

    def run(self) -> Parametrized | None:
        """Return the statement without its values; None where that cannot be told."""
        for number, part in enumerate(self._parts):
            if isinstance(part, str):
                self._read(part)
            elif self._literal is not None:
                self._literal.append(part)
            elif self._is_value(number):
                self._add(SqlValue((part,), quoted=False))
            else:
                return None
        if self._literal is not None or not self._values or self._is_unsure:
            return None
        return Parametrized(tuple(self._texts), tuple(self._values))

    def _read(self, text: str) -> None:
        """Read a text, which may begin or end quoted literals."""
        first, *rest = text.split(QUOTE)
        self._put(first)
        for each in rest:
            if self._literal is None:
                self._literal = []
            else:
                self._close(self._literal)
            self._put(each)

    def _put(self, text: str) -> None:
        """Add a text to the literal that is being read, else to the statement."""
        if self._literal is None:
            self._texts[-1] += text
        elif text:
            self._literal.append(text)

    def _close(self, literal: list[Part]) -> None:
        """End a quoted literal: one with slots is a value, any other is text."""
        self._literal = None
        if any(isinstance(each, Slot) for each in literal):
            self._is_unsure |= any(SEAM in each for each in literal if isinstance(each, str))
            self._is_unsure |= not BEFORE_QUOTED.search(self._texts[-1])
            self._add(SqlValue(tuple(literal), quoted=True))
        else:
            self._texts[-1] += QUOTE + "".join(map(str, literal)) + QUOTE

    def _add(self, value: SqlValue) -> None:
        """Collect a value of the statement, and let a parameter take its place."""
        self._values.append(value)
        self._texts.append("")

    def _is_value(self, number: int) -> bool:
        """Return whether an unquoted slot stands where only a value can."""
        following = self._parts[number + 1] if number + 1 < len(self._parts) else ""
        if not isinstance(following, str) or not AFTER_VALUE.match(following):
            return False
        before = MARK.join(self._texts)
        return bool(BEFORE_VALUE.search(self._texts[-1]) or IN_VALUES.search(before))
