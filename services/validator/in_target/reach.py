"""Which functions of the tree each test reaches, and which run while modules are imported.

GROUNDSWELL_RECORD names the file this is written to, GROUNDSWELL_TREE the tree. Only functions are
recorded: by `sys.monitoring` from Python 3.12 on, by cProfile before. What a test reaches in a
process it starts, in a thread it leaves running, or while it profiles, cannot be seen: the reach of
such a test is recorded as unknown.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any, Tuple  # noqa: UP035 - evaluated, also by Python 3.8

from .processes import PROCESS_STARTS, ended_children_counter, living_children, thread_ids
from .signing import OWNER, may_report
from .tracers import Codes, MonitoringTracer, ProfileTracer

RECORD, TREE = "GROUNDSWELL_RECORD", "GROUNDSWELL_TREE"
FIRST_VERSION_WITH_MONITORING = (3, 12)

# (file below the tree, first line, name)
FunctionPlace = Tuple[str, int, str]  # noqa: UP006


class ReachedCode:
    """The code that ran for one purpose: a test, a fixture, or the import of modules.

    It is `complete` unless something ran that could not be seen.
    """

    def __init__(self) -> None:
        self.codes: Codes = {}
        self.complete = True

    def add(self, codes: Codes, complete: bool = True) -> None:
        """Add code objects that ran; `complete` is false if some that ran may be missing."""
        self.codes.update(codes)
        self.complete = self.complete and complete

    def merge(self, other: ReachedCode) -> None:
        """Add what was reached for another purpose, such as a fixture of this test."""
        self.add(other.codes, other.complete)


class ReachRecorder:
    """Records in nested scopes: code that runs is attributed to the innermost one.

    The outermost scope is importing and collecting. The methods from `add_test` on build the
    record: the tests with the file of each, and for each function the tests that reach it.
    """

    def __init__(self, root: str) -> None:
        self.roots = tuple({os.path.join(each, "") for each in (root, os.path.realpath(root))})  # noqa: PTH118
        modern = sys.version_info >= FIRST_VERSION_WITH_MONITORING
        self.tracer = MonitoringTracer() if modern else ProfileTracer()
        self.scopes = [ReachedCode()]
        self.process_started = False
        self.living = living_children()
        self.main_thread = threading.get_ident()
        self.threads = thread_ids()
        self.ended_children = ended_children_counter()
        self.numbers: dict[str, int] = {}
        self.files: list[str] = []
        self.unknown: set[str] = set()
        self.reached: dict[FunctionPlace, list[int]] = {}
        self.at_import: set[FunctionPlace] = set()
        # The code objects are kept, or a new one could get the id of one that is gone.
        self.places: dict[int, tuple[CodeType, FunctionPlace | None]] = {}

    def start(self) -> bool:
        """Start, if anything can be recorded here; return whether it started."""
        if not self.tracer.start():
            return False
        if self.living is None:
            # Only then: an audit hook sees every event of Python's, at half the cost of recording.
            sys.addaudithook(self._on_audit_event)
        _wrap_imports(self)
        return True

    def enter(self) -> None:
        """Open a scope: attribute to it what runs from here on."""
        self._take()
        scope = ReachedCode()
        scope.complete = thread_ids() <= self.threads
        self.scopes.append(scope)

    def leave(self) -> ReachedCode:
        """Close the innermost scope, and return what was reached in it."""
        self._take()
        return self.scopes.pop()

    def finish(self) -> str:
        """Stop recording, and return the record as `to_json` does."""
        self._take()
        self.tracer.stop()
        _unwrap_imports(self)
        return self.to_json()

    def add_test(self, test: str, file: str, reached: ReachedCode) -> None:
        """Record what a test reached; a test that runs several times reached all of it."""
        if not reached.complete:
            self.unknown.add(test)
        number = self.numbers.setdefault(test, len(self.numbers))
        if number == len(self.files):
            self.files.append(file)
        for place in self._places(reached.codes):
            self.reached.setdefault(place, []).append(number)

    def add_import(self, reached: ReachedCode) -> None:
        """Record what ran while something was imported."""
        self.at_import.update(self._places(reached.codes))

    def merge(self, text: str) -> None:
        """Add the record of another process of this session, as `to_json` made it."""
        other = json.loads(text)
        for test, file in zip(other["tests"], other["files"]):  # noqa: B905 - Python 3.8
            self.add_test(test, file, ReachedCode())
        self.unknown.update(other["unknown"])
        numbers = [self.numbers[each] for each in other["tests"]]
        for path, line, name, mask in other["reached"]:
            mine = self.reached.setdefault((path, line, name), [])
            mine.extend(numbers[each] for each in _bits(int(mask, 16)))
        self.at_import.update((path, line, name) for path, line, name in other["at_import"])

    def to_json(self) -> str:
        """Return the record as a JSON object.

        The tests of a function are the bits of a hexadecimal number.
        """
        self.add_import(self.scopes[0])
        reached = [[*place, _mask(tests)] for place, tests in sorted(self.reached.items())]
        return json.dumps(
            {
                "tests": list(self.numbers),
                "files": self.files,
                "unknown": sorted(self.unknown),
                "reached": reached,
                "at_import": sorted(self.at_import),
            },
            separators=(",", ":"),
        )

    def path_in_tree(self, path: str) -> str:
        """Return the path of a file relative to the tree; empty where it is not in the tree."""
        if path.startswith("<"):
            return ""
        path = os.path.abspath(path)  # noqa: PTH100
        root = next((each for each in self.roots if path.startswith(each)), None)
        return "" if root is None else path[len(root) :].replace(os.sep, "/")

    def _take(self) -> None:
        """Attribute to the innermost scope what ran since the last call."""
        codes, complete = self.tracer.take()
        ended, living = ended_children_counter(), living_children()
        complete = complete and not self.process_started and ended == self.ended_children
        complete = complete and (living or set()) <= (self.living or set())
        complete = complete and thread_ids() <= self.threads
        self.process_started, self.ended_children, self.living = False, ended, living
        self.scopes[-1].add(codes, complete)

    def _on_audit_event(self, event: str, _: Any) -> None:
        """Note that a process was started, which may run code that cannot be seen."""
        if event in PROCESS_STARTS:
            self.process_started = True

    def _places(self, codes: Codes) -> list[FunctionPlace]:
        """Return the places of those code objects that are functions of the tree."""
        return [place for each in codes.values() if (place := self._place(each)) is not None]

    def _place(self, code: CodeType) -> FunctionPlace | None:
        """Return the place of a code object in the tree, found once; None outside the tree."""
        known = self.places.get(id(code))
        if known is None:
            known = self.places[id(code)] = (code, self._find_place(code))
        return known[1]

    def _find_place(self, code: CodeType) -> FunctionPlace | None:
        """Return a code object's (file, first line, name); None if it is not in the tree."""
        path = self.path_in_tree(code.co_filename)
        return (path, code.co_firstlineno, code.co_name) if path else None


def _wrap_imports(recorder: ReachRecorder) -> None:
    """Record imports apart: a module that one test imports first is there for all later ones."""
    plain = SourceFileLoader.exec_module

    def exec_module(self: Any, module: Any) -> None:
        """Run a module's code; what it reaches counts as import if it is one of the tree."""
        path = str(getattr(module, "__file__", None) or os.sep)
        if threading.get_ident() != recorder.main_thread or not recorder.path_in_tree(path):
            plain(self, module)
            return
        recorder.enter()
        try:
            plain(self, module)
        finally:
            recorder.add_import(recorder.leave())

    SourceFileLoader.exec_module = exec_module  # type: ignore[method-assign]
    recorder.plain = plain  # type: ignore[attr-defined]


def _unwrap_imports(recorder: ReachRecorder) -> None:
    """Import modules as Python does again, without recording."""
    SourceFileLoader.exec_module = recorder.plain  # type: ignore[attr-defined,method-assign]


def _mask(numbers: list[int]) -> str:
    """Return the hexadecimal number in which exactly these bits are set."""
    bits = bytearray(max(numbers) // 8 + 1)
    for each in numbers:
        bits[each // 8] |= 1 << each % 8
    return f"{int.from_bytes(bits, 'little'):x}"


def _bits(mask: int) -> list[int]:
    """Return the numbers of the bits that are set, lowest first."""
    return [place for place, bit in enumerate(reversed(f"{mask:b}")) if bit == "1"]


def start_recording() -> ReachRecorder | None:
    """Record from here on, and return the recorder; None if that is not wanted or not possible.

    Nothing is recorded in processes that a test starts.
    """
    wanted = os.environ.get(RECORD) and os.environ.get(TREE)
    if not wanted or not (may_report() or _is_xdist_worker()):
        return None
    recorder = ReachRecorder(os.environ[TREE])
    return recorder if recorder.start() else None


def _is_xdist_worker() -> bool:
    """Return whether this is a worker of xdist that the reporting process has started."""
    return "PYTEST_XDIST_WORKER" in os.environ and os.environ.get(OWNER) == str(os.getppid())


def write_record(text: str) -> None:
    """Write a record to the file that GROUNDSWELL_RECORD names."""
    Path(os.environ[RECORD]).write_text(text, encoding="utf-8")
