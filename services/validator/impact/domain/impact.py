"""Which tests a change can have an effect on, from what was recorded on an earlier tree.

Such an answer is quick, and not sound: what a first test leaves behind for others, or finds out through a
subprocess of a subprocess, is not recorded. So it decides what is run first, and never what lands.
"""

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from services.validator.suite.domain.sources import Function, Source, Touched, read_source, touched

# A recording is a stranger's: no larger than this, whatever it says.
MOST_TESTS = 200_000
MOST_PLACES = 1_000_000
LONGEST = 4096
HEXADECIMAL = re.compile(r"[0-9a-f]+")
# A set of tests is a number: test n is in it where bit n is set.
Mask = int
# First line and name, as Python has them in its code.
Code = tuple[int, str]
# The code of a module as a whole begins in its first line, as the first function may.
MODULE = "<module>"
# From this share of functions on, what was recorded says too little about the head.
STALE = 0.1


@dataclass(frozen=True)
class Change:
    """One file as it was recorded, and before and after a change; None where it is not there.

    The change is what differs between `before` and `after`. What else the head has by now that was not
    recorded is no part of it.
    """

    recorded: str | None
    before: str | None
    after: str | None


@dataclass(frozen=True, eq=False)
class ImpactMap:
    """`homes` are the files that the tests are in, `unknown` tests whose reach is not known.

    `reached` has the tests by file and code, `at_import` the code that ran while modules were imported or
    tests were collected, `imports` what each file imports.
    """

    tests: tuple[str, ...] = ()
    homes: tuple[str, ...] = ()
    unknown: frozenset[str] = frozenset()
    reached: Mapping[str, Mapping[Code, Mask]] = field(default_factory=dict)
    at_import: Mapping[str, frozenset[Code]] = field(default_factory=dict)
    imports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def from_recording(cls, content: bytes) -> "ImpactMap":
        """What the recorder inside the sandbox left; raises ValueError for anything else."""
        return cls.from_json(content.decode())

    @classmethod
    def from_json(cls, text: str) -> "ImpactMap":
        """The map behind a text of `to_json`; raises ValueError for any other text."""
        try:
            return _read(json.loads(text))
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"This is no recording: {error!r}.") from error

    def to_json(self) -> str:
        """One canonical text."""
        reached = [
            [path, line, name, f"{mask:x}"]
            for path, codes in sorted(self.reached.items())
            for (line, name), mask in sorted(codes.items())
        ]
        return json.dumps(
            {
                "tests": self.tests,
                "homes": self.homes,
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
        """The tests of a set."""
        return frozenset(
            test for test, bit in zip(self.tests, reversed(f"{mask:b}"), strict=False) if bit == "1"
        )

    def has(self, path: str) -> bool:
        """Whether anything of that file ran while it was recorded."""
        return path in self.reached or path in self.at_import

    def reaching(self, path: str, function: Function) -> Mask:
        """The tests that reach a function of the recorded file."""
        return _union(
            mask for code, mask in self.reached.get(path, {}).items() if _holds(function, code)
        )

    def runs_at_import(self, path: str, function: Function) -> bool:
        """Whether a function of the recorded file ran while something was imported."""
        return any(_holds(function, code) for code in self.at_import.get(path, frozenset()))

    def depending(self, path: str) -> Mask:
        """The tests that reach, or are in, that file or one that imports it, at whatever remove."""
        return _union(self._of_file.get(each, 0) for each in self._dependents(path))

    @cached_property
    def functions(self) -> int:
        """How many pieces of code were reached."""
        return sum(len(codes) for codes in self.reached.values())

    @cached_property
    def _of_file(self) -> dict[str, Mask]:
        found: dict[str, Mask] = defaultdict(int)
        for path, codes in self.reached.items():
            found[path] = _union(codes.values())
        for number, home in enumerate(self.homes):
            found[home] |= 1 << number
        return found

    @cached_property
    def _importers(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for path, needed in self.imports.items():
            for each in needed:
                found[each].append(path)
        return found

    def _dependents(self, path: str) -> set[str]:
        found, left = {path}, [path]
        while left:
            new = [each for each in self._importers.get(left.pop(), ()) if each not in found]
            found.update(new)
            left += new
        return found


def impacted(
    recorded: ImpactMap, changes: Mapping[str, Change], present: Collection[str] = ()
) -> frozenset[str] | None:
    """The tests that a change of these files can have an effect on; None is all of them.

    Tests whose reach is unknown are always among them, and so are those of `present`, the tests that there
    are by now, that were not recorded.
    """
    mask = 0
    for path, change in changes.items():
        found = _impacted(recorded, path, change)
        if found is None:
            return None
        mask |= found
    new = frozenset(present) - frozenset(recorded.tests)
    return recorded.named(mask) | recorded.unknown | new


def _impacted(recorded: ImpactMap, path: str, change: Change) -> Mask | None:
    sources = _sources(change)
    if sources is None or not recorded.has(path):
        return None
    then, before, after = sources
    what = touched(before, after)
    functions = [then.functions.get(name) for name in what.functions]
    known = [each for each in functions if each is not None]
    wider = len(known) < len(functions) or any(recorded.runs_at_import(path, f) for f in known)
    wider = wider or (bool(what.functions) and path.rpartition("/")[2] == "conftest.py")
    mask = _union(recorded.reaching(path, each) for each in known)
    return mask | recorded.depending(path) if what.module or wider else mask


def _sources(change: Change) -> tuple[Source, Source, Source] | None:
    """None where a file is new or gone, or is no Python."""
    if change.recorded is None or change.before is None or change.after is None:
        return None
    then, before, after = map(read_source, (change.recorded, change.before, change.after))
    return None if then is None or before is None or after is None else (then, before, after)


def reaching(
    recorded: ImpactMap, path: str, change: Change, lines: Iterable[int]
) -> frozenset[str] | None:
    """The tests that reach what has these lines, counted in the file after a change; None is unknown.

    Where that runs at import, all tests that depend on the file.
    """
    sources = _sources(change)
    if sources is None or not recorded.has(path):
        return None
    then, _, after = sources
    mask = 0
    for function in {after.at(line) for line in lines}:
        if function is None:
            mask |= recorded.depending(path)
        elif (known := then.functions.get(function.name)) is None:
            return None
        else:
            mask |= recorded.reaching(path, known)
            mask |= recorded.depending(path) if recorded.runs_at_import(path, known) else 0
    return recorded.named(mask)


def known_to_reach(recorded: ImpactMap, path: str, text: str, name: str) -> frozenset[str]:
    """The tests that reached the function of that name in the file as it was recorded (`text`).

    Of none it is said where that cannot be told, and tests whose reach is unknown are not among them.
    """
    source = read_source(text)
    function = source.only(name) if source is not None else None
    if function is None:
        return frozenset()
    return recorded.named(recorded.reaching(path, function)) - recorded.unknown


def stale(recorded: ImpactMap, changes: Mapping[str, Change]) -> bool:
    """Whether so many functions differ between the recorded tree and the head that it is worth recording again.

    `changes` are the files that differ, with the head's text as `after`.
    """
    changed = sum(_changed(recorded, path, change) for path, change in changes.items())
    return changed > STALE * max(recorded.functions, 1)


def _changed(recorded: ImpactMap, path: str, change: Change) -> int:
    sources = _sources(Change(change.recorded, change.recorded, change.after))
    everything = len(recorded.reached.get(path, {}))
    if sources is None:
        return everything
    then, _, after = sources
    what: Touched = touched(then, after)
    return everything if what.module else len(what.functions)


def _holds(function: Function, code: Code) -> bool:
    line, name = code
    return function.first <= line <= function.last and name != MODULE


def _union(masks: Iterable[Mask]) -> Mask:
    found = 0
    for each in masks:
        found |= each
    return found


def _read(body: Any) -> ImpactMap:
    tests, homes = _texts(body["tests"], MOST_TESTS), _texts(body["homes"], MOST_TESTS)
    if len(tests) != len(homes) or len(set(tests)) != len(tests):
        raise ValueError("Not every test has a file of its own.")
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
        homes=homes,
        unknown=frozenset(_texts(body["unknown"], MOST_TESTS)),
        reached=dict(reached),
        at_import={path: frozenset(codes) for path, codes in at_import.items()},
        imports={_text(path): _texts(needed, MOST_PLACES) for path, needed in imports.items()},
    )


def _rows(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > MOST_PLACES:
        raise ValueError("It is too large, or no list.")
    return value


def _texts(value: Any, most: int) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > most:
        raise ValueError("It is too large, or no list.")
    return tuple(map(_text, value))


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST:
        raise ValueError("A name is too long, or no text.")
    return value


def _number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("A line is no number.")
    return value


def _mask(value: Any, tests: int) -> Mask:
    if not isinstance(value, str) or not HEXADECIMAL.fullmatch(value):
        raise ValueError("A set of tests is no number.")
    mask = int(value, 16)
    if mask.bit_length() > tests:
        raise ValueError("A set has tests that there are not.")
    return mask
