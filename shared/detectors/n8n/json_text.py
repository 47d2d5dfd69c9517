"""JSON with the place of every value in its text, so that an edit leaves all other bytes alone."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from json import decoder
from typing import Any

# The reader of quoted texts that the json module itself uses; it is public, but not in its stubs.
ReadString = Callable[[str, int, bool], tuple[str, int]]
read_string: ReadString = decoder.scanstring  # type: ignore[attr-defined]
BLANK = re.compile(r"[ \t\n\r]*")
SCALAR = re.compile(r"(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?)|true|false|null")
CONSTANTS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
# A workflow nests a dozen levels; n8n does not read what nests without end.
MAX_DEPTH = 200


class JsonError(ValueError):
    """A text is no JSON, has a key twice in one object, or is nested too deeply."""


@dataclass(frozen=True)
class Member:
    """A member of an object or array: where it begins, its key, where that ends, and its value.

    Members of arrays have no key.
    """

    start: int
    key: str | None
    key_end: int
    value: "Json"


@dataclass(frozen=True)
class Json:
    """A value: where it begins and ends in the text, what it is, and its members.

    `data` is the value as `json.loads` returns it, and `members` are those of an object or array,
    in the order of the text.
    """

    start: int
    end: int
    data: Any
    members: Sequence[Member] = field(default=(), repr=False)

    def get(self, *path: str | int) -> "Json | None":
        """Return the value at a path of keys and indices below this one; None if there is none."""
        found: Json | None = self
        for step in path:
            member = found.member(step) if found is not None else None
            found = member.value if member is not None else None
        return found

    def member(self, step: str | int) -> Member | None:
        """Return the member with a key or index; None if there is none."""
        if isinstance(step, int):
            is_there = isinstance(self.data, list) and step < len(self.members)
            return self.members[step] if is_there else None
        return next((each for each in self.members if each.key == step), None)

    def walk(
        self, path: tuple[str | int, ...] = ()
    ) -> Iterator[tuple[tuple[str | int, ...], "Json"]]:
        """Yield this value and all values below it, each with its path from here."""
        yield path, self
        for number, each in enumerate(self.members):
            yield from each.value.walk((*path, number if each.key is None else each.key))


def parse_json(text: str) -> Json:
    """Return the value that a text holds, with places. Raises `JsonError` for anything else."""
    value = _Reader(text).value(_skip(text, 0), 0)
    if _skip(text, value.end) != len(text):
        raise JsonError(f"text after the value, at character {value.end}")
    return value


def line_of(text: str, offset: int) -> int:
    """Return the number of the line, from 1, that has the character at an offset."""
    return text.count("\n", 0, offset) + 1


def _skip(text: str, start: int) -> int:
    """Return the offset of the next character that is not blank."""
    match = BLANK.match(text, start)
    assert match is not None
    return match.end()


class _Reader:
    """Reads values at given offsets of one text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def value(self, start: int, depth: int) -> Json:
        """Return the value that begins at an offset."""
        if depth > MAX_DEPTH:
            raise JsonError("it is nested too deeply")
        first = self._text[start : start + 1]
        if first == "{":
            return self._object(start, depth)
        if first == "[":
            return self._array(start, depth)
        if first == '"':
            data, end = self._string(start)
            return Json(start, end, data)
        return self._scalar(start)

    def _string(self, start: int) -> tuple[str, int]:
        """Return the text that is quoted at an offset, and where it ends."""
        try:
            data, end = read_string(self._text, start + 1, True)
        except ValueError as error:
            raise JsonError(str(error)) from error
        return data, end

    def _scalar(self, start: int) -> Json:
        """Return the number, true, false or null at an offset."""
        match = SCALAR.match(self._text, start)
        if match is None:
            raise JsonError(f"no value at character {start}")
        word = match.group()
        if match.group(1) is None:
            return Json(start, match.end(), CONSTANTS[word])
        number = int(word) if re.fullmatch(r"-?\d+", word) else float(word)
        return Json(start, match.end(), number)

    def _array(self, start: int, depth: int) -> Json:
        """Return the array that begins at an offset."""
        members: list[Member] = []
        end = self._members(start, "]", lambda at: self._item(at, depth, members))
        return Json(start, end, [each.value.data for each in members], members)

    def _object(self, start: int, depth: int) -> Json:
        """Return the object that begins at an offset. Raises `JsonError` for a repeated key."""
        members: list[Member] = []
        end = self._members(start, "}", lambda at: self._entry(at, depth, members))
        data = {each.key: each.value.data for each in members}
        if len(data) != len(members):
            raise JsonError(f"a key is repeated in the object at character {start}")
        return Json(start, end, data, members)

    def _members(self, start: int, close: str, read: Callable[[int], int]) -> int:
        """Read members, each by `read`, up to the closing bracket; return the offset after it."""
        at = _skip(self._text, start + 1)
        if self._text[at : at + 1] == close:
            return at + 1
        while True:
            at = _skip(self._text, read(at))
            found = self._text[at : at + 1]
            if found == close:
                return at + 1
            if found != ",":
                raise JsonError(f"no comma or closing bracket at character {at}")
            at = _skip(self._text, at + 1)

    def _item(self, start: int, depth: int, members: list[Member]) -> int:
        """Read one item of an array, and return where it ends."""
        value = self.value(start, depth + 1)
        members.append(Member(start, None, start, value))
        return value.end

    def _entry(self, start: int, depth: int, members: list[Member]) -> int:
        """Read one key and value of an object, and return where the value ends."""
        if self._text[start : start + 1] != '"':
            raise JsonError(f"no key at character {start}")
        key, key_end = self._string(start)
        at = _skip(self._text, key_end)
        if self._text[at : at + 1] != ":":
            raise JsonError(f"no colon at character {at}")
        value = self.value(_skip(self._text, at + 1), depth + 1)
        members.append(Member(start, key, key_end, value))
        return value.end
