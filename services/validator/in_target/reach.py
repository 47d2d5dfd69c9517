"""Which functions of the tree each test reaches, and which run while modules are imported.

GROUNDSWELL_RECORD names the file this is written to, GROUNDSWELL_TREE the tree. Only functions are
recorded, at C speed: by `sys.monitoring` from Python 3.12 on, by cProfile before. What starts
a process, or leaves a thread running, or profiles by itself reaches what cannot be seen: such a
test's reach is unknown, and it is said to be.
"""

from __future__ import annotations

import cProfile
import json
import os
import sys
import threading
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any, Dict, Tuple  # noqa: UP035 - evaluated, also by Python 3.8

from .signing import OWNER, may_report

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

RECORD, TREE = "GROUNDSWELL_RECORD", "GROUNDSWELL_TREE"
MONITORING = (3, 12)
# Of the six tools that sys.monitoring knows, those that have no name.
TOOLS = (4, 3)
STARTS = {
    *("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty"),
    *("os.posix_spawn", "os.spawn", "pty.spawn"),
}

# (file below the tree, first line, name)
Place = Tuple[str, int, str]  # noqa: UP006
Codes = Dict[int, CodeType]  # noqa: UP006


class Profiled:
    """By cProfile, which sees one thread: each thread that begins meanwhile gets one of its own."""

    def __init__(self) -> None:
        self.own = _a_profile()
        self.threads: list[tuple[threading.Thread, cProfile.Profile]] = []
        self.began: list[CodeType] = []
        self.hook = self._in_thread

    def start(self) -> bool:
        """Whether it could be started: there is room for one profiler."""
        if sys.getprofile() is not None:
            return False
        threading.setprofile(self.hook)
        self.own.enable()
        return True

    def take(self) -> tuple[Codes, bool]:
        """What ran since the last time, and whether that is all of it; goes on afterwards."""
        active: Any = sys.getprofile()
        whole = active is self.own and getattr(threading, "_profile_hook", None) is self.hook
        if active is self.own:
            self.own.disable()
        found = {id(each): each for each in self.began}
        self.began = []
        for profile in (self.own, *(each for _, each in self.threads)):
            for entry in profile.getstats():
                if isinstance(entry.code, CodeType):
                    found[id(entry.code)] = entry.code
        self.threads = [each for each in self.threads if each[0].is_alive()]
        self.own.clear()
        threading.setprofile(self.hook)
        if active is self.own or active is None:
            self.own.enable()
        return found, whole

    def stop(self) -> None:
        threading.setprofile(None)  # type: ignore[arg-type,unused-ignore]
        active: Any = sys.getprofile()
        if active is self.own:
            self.own.disable()

    def _in_thread(self, frame: Any, event: str, _: Any) -> None:
        """The first event of a new thread: from here on it is profiled like any other."""
        if event == "call":
            self.began.append(frame.f_code)
        profile = _a_profile()
        self.threads.append((threading.current_thread(), profile))
        profile.enable()


def _a_profile() -> cProfile.Profile:
    return cProfile.Profile(builtins=False, subcalls=False)


class Monitored:
    """By `sys.monitoring`: all threads, each function once, and nobody's profiler is in the way."""

    def __init__(self) -> None:
        self.monitoring: Any = vars(sys)["monitoring"]
        self.seen: Codes = {}
        self.tool = 0

    def start(self) -> bool:
        """Whether one of the tools was free."""
        events = self.monitoring.events
        for tool in TOOLS:
            if self.monitoring.get_tool(tool) is None:
                self.tool = tool
                self.monitoring.use_tool_id(tool, "groundswell")
                for event in (events.PY_START, events.PY_RESUME):
                    self.monitoring.register_callback(tool, event, self._once)
                self.monitoring.register_callback(tool, events.PY_THROW, self._thrown)
                wanted = events.PY_START | events.PY_RESUME | events.PY_THROW
                self.monitoring.set_events(tool, wanted)
                return True
        return False

    def take(self) -> tuple[Codes, bool]:
        """What ran since the last time; goes on afterwards."""
        found, self.seen = self.seen, {}
        self.monitoring.restart_events()
        return found, True

    def stop(self) -> None:
        self.monitoring.set_events(self.tool, 0)
        self.monitoring.free_tool_id(self.tool)

    def _once(self, code: CodeType, _: int) -> Any:
        self.seen[id(code)] = code
        return self.monitoring.DISABLE

    def _thrown(self, code: CodeType, *_: Any) -> None:
        self.seen[id(code)] = code


class Part:
    """What was reached on behalf of something: a test, a fixture, or the import of modules."""

    def __init__(self) -> None:
        self.codes: Codes = {}
        self.known = True

    def add(self, codes: Codes, known: bool = True) -> None:
        self.codes.update(codes)
        self.known = self.known and known

    def add_part(self, other: Part) -> None:
        self.add(other.codes, other.known)


class Recording:
    """Parts within parts: what runs belongs to the innermost. The outermost is importing and collecting."""

    def __init__(self, root: str) -> None:
        self.pid = os.getpid()
        self.roots = tuple({os.path.join(each, "") for each in (root, os.path.realpath(root))})  # noqa: PTH118
        self.tracer = Monitored() if sys.version_info >= MONITORING else Profiled()
        self.parts = [Part()]
        self.started = False
        self.living = _living()
        self.main = threading.get_ident()
        self.threads = _threads()
        self.children = _children()
        self.numbers: dict[str, int] = {}
        self.homes: list[str] = []
        self.unknown: set[str] = set()
        self.reached: dict[Place, list[int]] = {}
        self.at_import: set[Place] = set()
        # The code is kept, since another one could get the id of one that is gone.
        self.places: dict[int, tuple[CodeType, Place | None]] = {}

    def start(self) -> bool:
        """Whether anything can be recorded here."""
        if not self.tracer.start():
            return False
        if self.living is None:
            # Every event of Python's comes by there, which costs as much as half of the recording.
            sys.addaudithook(self._heard)
        _wrap_imports(self)
        return True

    def enter(self) -> None:
        """What runs from here on belongs to a part of its own."""
        self._take()
        part = Part()
        part.known = _threads() <= self.threads
        self.parts.append(part)

    def leave(self) -> Part:
        """The part that ends here."""
        self._take()
        return self.parts.pop()

    def add_test(self, test: str, home: str, part: Part) -> None:
        """Put down what a test reached; of several times all."""
        if not part.known:
            self.unknown.add(test)
        number = self.numbers.setdefault(test, len(self.numbers))
        if number == len(self.homes):
            self.homes.append(home)
        for place in self._places(part.codes):
            self.reached.setdefault(place, []).append(number)

    def import_part(self, part: Part) -> None:
        """Put down what ran while something was imported."""
        self.at_import.update(self._places(part.codes))

    def merge(self, text: str) -> None:
        """Add what another process of this session has recorded (`text`)."""
        other = json.loads(text)
        for test, home in zip(other["tests"], other["homes"]):  # noqa: B905 - Python 3.8
            self.add_test(test, home, Part())
        self.unknown.update(other["unknown"])
        numbers = [self.numbers[each] for each in other["tests"]]
        for path, line, name, mask in other["reached"]:
            mine = self.reached.setdefault((path, line, name), [])
            mine.extend(numbers[each] for each in _bits(int(mask, 16)))
        self.at_import.update((path, line, name) for path, line, name in other["at_import"])

    def text(self) -> str:
        """One JSON object; the tests of a function are the bits of a hexadecimal number."""
        self.import_part(self.parts[0])
        reached = [[*place, _mask(tests)] for place, tests in sorted(self.reached.items())]
        return json.dumps(
            {
                "tests": list(self.numbers),
                "homes": self.homes,
                "unknown": sorted(self.unknown),
                "reached": reached,
                "at_import": sorted(self.at_import),
            },
            separators=(",", ":"),
        )

    def finish(self) -> str:
        """Stop, and say what was recorded."""
        self._take()
        self.tracer.stop()
        _unwrap_imports(self)
        return self.text()

    def _take(self) -> None:
        codes, known = self.tracer.take()
        children, living = _children(), _living()
        known = known and not self.started and children == self.children
        known = known and (living or set()) <= (self.living or set())
        known = known and _threads() <= self.threads
        self.started, self.children, self.living = False, children, living
        self.parts[-1].add(codes, known)

    def _heard(self, event: str, _: Any) -> None:
        if event in STARTS:
            self.started = True

    def _places(self, codes: Codes) -> list[Place]:
        return [place for each in codes.values() if (place := self._place(each)) is not None]

    def _place(self, code: CodeType) -> Place | None:
        known = self.places.get(id(code))
        if known is None:
            known = self.places[id(code)] = (code, self._find(code))
        return known[1]

    def _find(self, code: CodeType) -> Place | None:
        path = self.home(code.co_filename)
        return (path, code.co_firstlineno, code.co_name) if path else None

    def home(self, path: str) -> str:
        """A file's path below the tree; empty where it is not."""
        if path.startswith("<"):
            return ""
        path = os.path.abspath(path)  # noqa: PTH100
        root = next((each for each in self.roots if path.startswith(each)), None)
        return "" if root is None else path[len(root) :].replace(os.sep, "/")


def _wrap_imports(recording: Recording) -> None:
    """A module that a test is the first to import is imported for all that come after it."""
    plain = SourceFileLoader.exec_module

    def exec_module(self: Any, module: Any) -> None:
        path = str(getattr(module, "__file__", None) or os.sep)
        if threading.get_ident() != recording.main or not recording.home(path):
            plain(self, module)
            return
        recording.enter()
        try:
            plain(self, module)
        finally:
            recording.import_part(recording.leave())

    SourceFileLoader.exec_module = exec_module  # type: ignore[method-assign]
    recording.plain = plain  # type: ignore[attr-defined]


def _unwrap_imports(recording: Recording) -> None:
    SourceFileLoader.exec_module = recording.plain  # type: ignore[attr-defined,method-assign]


def _threads() -> set[int]:
    return set(sys._current_frames())  # noqa: SLF001


def _children() -> int:
    """Something that grows with each process that ended and was waited for."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt if resource else 0


def _living() -> set[str] | None:
    """The processes that were started here and not yet waited for; None where the system does not say."""
    found: set[str] = set()
    try:
        for thread in os.listdir("/proc/self/task"):  # noqa: PTH208
            with open(f"/proc/self/task/{thread}/children") as file:  # noqa: PTH123
                found.update(file.read().split())
    except OSError:
        return None
    return found


def _mask(numbers: list[int]) -> str:
    bits = bytearray(max(numbers) // 8 + 1)
    for each in numbers:
        bits[each // 8] |= 1 << each % 8
    return f"{int.from_bytes(bits, 'little'):x}"


def _bits(mask: int) -> list[int]:
    return [place for place, bit in enumerate(reversed(f"{mask:b}")) if bit == "1"]


def begin() -> Recording | None:
    """Record from here on, where that is asked for and can be done; not in what a test starts."""
    asked = os.environ.get(RECORD) and os.environ.get(TREE)
    if not asked or not (may_report() or _is_worker()):
        return None
    recording = Recording(os.environ[TREE])
    return recording if recording.start() else None


def _is_worker() -> bool:
    """Whether this is a worker of xdist that the reporting process has started."""
    return "PYTEST_XDIST_WORKER" in os.environ and os.environ.get(OWNER) == str(os.getppid())


def write(text: str) -> None:
    """Leave it where it is looked for."""
    Path(os.environ[RECORD]).write_text(text, encoding="utf-8")
