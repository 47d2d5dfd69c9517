"""The impact map: which functions each test reached in a recorded run."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from services.validator.suite.domain.sources import Function

# A recording comes from a process that the target controls, so its size is limited.
MAX_TESTS = 200_000
MAX_ROWS = 1_000_000
MAX_NAME_CHARACTERS = 4096
HEXADECIMAL = re.compile(r"[0-9a-f]+")
# A set of tests is a number: test n is in it where bit n is set.
Mask = int
# First line and name, as in a code object of Python.
Code = tuple[int, str]
# The name of the code of a whole module, which may begin in the line of its first function.
MODULE = "<module>"


@dataclass(frozen=True, eq=False)
class ImpactMap:
    """Which functions of the tree each test reaches, and what every file imports.

    `files` has the file of each of `tests`, and `unknown` the tests whose reach could not be seen.
    `reached` has the tests by file and code, `at_import` the code that ran while modules were
    imported or tests were collected.
    """

    tests: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    unknown: frozenset[str] = frozenset()
    reached: Mapping[str, Mapping[Code, Mask]] = field(default_factory=dict)
    at_import: Mapping[str, frozenset[Code]] = field(default_factory=dict)
    imports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def from_recording(cls, content: bytes) -> "ImpactMap":
        """Read the record of `in_target.reach`; raises ValueError for anything else."""
        return cls.from_json(content.decode())

    @classmethod
    def from_json(cls, text: str) -> "ImpactMap":
        """Read a text of `to_json`; raises ValueError for any other text."""
        try:
            return _read(json.loads(text))
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"This is not a recording: {error!r}.") from error

    def to_json(self) -> str:
        """Return the map as canonical JSON: equal maps have equal texts."""
        reached = [
            [path, line, name, f"{mask:x}"]
            for path, codes in sorted(self.reached.items())
            for (line, name), mask in sorted(codes.items())
        ]
        return json.dumps(
            {
                "tests": self.tests,
                "files": self.files,
                "unknown": sorted(self.unknown),
                "reached": reached,
                "at_import": sorted(
                    [path, *code] for path, codes in self.at_import.items() for code in codes
                ),
                "imports": dict(sorted(self.imports.items())),
            },
            separators=(",", ":"),
        )

    def named(self, mask: Mask) -> frozenset[str]:
        """Return the ids of a set of tests, given as a bit mask."""
        return frozenset(
            test for test, bit in zip(self.tests, reversed(f"{mask:b}"), strict=False) if bit == "1"
        )

    def has(self, path: str) -> bool:
        """Return whether any code of a file ran while the map was recorded."""
        return path in self.reached or path in self.at_import

    def reaching(self, path: str, function: Function) -> Mask:
        """Return the tests that reach a function of a file."""
        return union(
            mask for code, mask in self.reached.get(path, {}).items() if holds(function, code)
        )

    def runs_at_import(self, path: str, function: Function) -> bool:
        """Return whether a function of a file ran while something was imported."""
        return any(holds(function, code) for code in self.at_import.get(path, frozenset()))

    def depending(self, path: str) -> Mask:
        """Return the tests that reach, or are in, a file or one that imports it (transitively)."""
        return union(self._of_file.get(each, 0) for each in self._dependents(path))

    @cached_property
    def functions(self) -> int:
        """The number of places (functions, parts of them, modules) that any test reached."""
        return sum(len(codes) for codes in self.reached.values())

    @cached_property
    def _of_file(self) -> dict[str, Mask]:
        """The tests that ran code of each file or are defined in it, by path."""
        found: dict[str, Mask] = defaultdict(int)
        for path, codes in self.reached.items():
            found[path] = union(codes.values())
        for number, file in enumerate(self.files):
            found[file] |= 1 << number
        return found

    @cached_property
    def _importers(self) -> dict[str, list[str]]:
        """The files that import each file directly, by path."""
        found: dict[str, list[str]] = defaultdict(list)
        for path, needed in self.imports.items():
            for each in needed:
                found[each].append(path)
        return found

    def _dependents(self, path: str) -> set[str]:
        """Return a file and all that import it, directly or through others."""
        found, left = {path}, [path]
        while left:
            new = [each for each in self._importers.get(left.pop(), ()) if each not in found]
            found.update(new)
            left += new
        return found


def holds(function: Function, code: Code) -> bool:
    """Return whether recorded `code` belongs to `function`."""
    line, name = code
    return function.first <= line <= function.last and name != MODULE


def union(masks: Iterable[Mask]) -> Mask:
    """Return the union of sets of tests, each a bit mask."""
    found = 0
    for each in masks:
        found |= each
    return found


def _read(body: Any) -> ImpactMap:
    """Return the map in a decoded JSON object; raises ValueError or KeyError if it is damaged."""
    tests, files = _texts(body["tests"], MAX_TESTS), _texts(body["files"], MAX_TESTS)
    if len(tests) != len(files) or len(set(tests)) != len(tests):
        raise ValueError("There is not one file for each test.")
    reached: dict[str, dict[Code, Mask]] = defaultdict(dict)
    for path, line, name, mask in _rows(body["reached"]):
        place = reached[_text(path)]
        place[_number(line), _text(name)] = _mask(mask, len(tests))
    at_import: dict[str, set[Code]] = defaultdict(set)
    for path, line, name in _rows(body["at_import"]):
        at_import[_text(path)].add((_number(line), _text(name)))
    imports = body.get("imports", {})
    return ImpactMap(
        tests=tests,
        files=files,
        unknown=frozenset(_texts(body["unknown"], MAX_TESTS)),
        reached=dict(reached),
        at_import={path: frozenset(codes) for path, codes in at_import.items()},
        imports={_text(path): _texts(needed, MAX_ROWS) for path, needed in imports.items()},
    )


def _rows(value: Any) -> list[Any]:
    """Return a list of the recording; raises ValueError if it is none or too long."""
    if not isinstance(value, list) or len(value) > MAX_ROWS:
        raise ValueError("It is too large, or not a list.")
    return value


def _texts(value: Any, most: int) -> tuple[str, ...]:
    """Return a list of at most `most` texts; raises ValueError for anything else."""
    if not isinstance(value, list) or len(value) > most:
        raise ValueError("It is too large, or not a list.")
    return tuple(map(_text, value))


def _text(value: Any) -> str:
    """Return a text of the recording; raises ValueError if it is none or too long."""
    if not isinstance(value, str) or len(value) > MAX_NAME_CHARACTERS:
        raise ValueError("A name is too long, or not a text.")
    return value


def _number(value: Any) -> int:
    """Return a number from 0; raises ValueError for anything else."""
    if type(value) is not int or value < 0:
        raise ValueError("A line is not a number.")
    return value


def _mask(value: Any, tests: int) -> Mask:
    """Return the set in a hexadecimal text of `tests` bits; raises ValueError for another text."""
    if not isinstance(value, str) or not HEXADECIMAL.fullmatch(value):
        raise ValueError("A set of tests is not a number.")
    mask = int(value, 16)
    if mask.bit_length() > tests:
        raise ValueError("A set contains tests that do not exist.")
    return mask
