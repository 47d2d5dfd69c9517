"""Times two versions of functions on the very arguments that tests call them with, in the tests.

The source calls the timer by a builtin, first thing in each function that is asked for. Both
versions of it are then called several times in turn, on copies of the arguments, and a line of JSON
with the times is appended to a file. So what a call needs of its test is there: lambdas, an
application, a database.
"""

from __future__ import annotations
import __future__

import builtins
import copy
import gc
import json
import os
import random  # noqa: TID251 - the target's own, seeded alike for both versions
import sys
import threading
import time
from collections import deque
from itertools import islice
from types import CellType, CodeType, FunctionType

from .inputs import arguments, is_outermost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

TIMES, VERSIONS = "GROUNDSWELL_TIMES", "GROUNDSWELL_VERSIONS"
# Of each function in each process, so many calls are timed.
MAX_CALLS = 20
# In each process, the timing may take so long.
MAX_SECONDS = 6.0
# Each version is timed so often on each call.
ROUNDS = 15
# What a call returns may have no end.
MAX_ITEMS = 10_000
# A block of calls takes at least so long, where its number is not limited.
BLOCK_SECONDS, MAX_PASSES = 0.001, 200
# Copies for a block may take so long.
COPY_SECONDS = 0.004
FUTURE_FLAGS = __future__.annotations.compiler_flag


class CallTimer:
    """Appends to a file how long calls take by both versions of the functions in another file."""

    def __init__(self, path: str, versions: str) -> None:
        self.path = path
        self.versions = versions
        self.functions: list[list[FunctionVersion]] = []
        self.calls: dict[int, int] = {}
        self.left = MAX_SECONDS
        # The threads that are timing: what they call is not timed itself.
        self.timing: set[int] = set()

    def time(self, number: int, values: dict[str, Any]) -> None:
        """Time a call that begins in the caller's frame, whose local variables are `values`."""
        thread = threading.get_ident()
        if thread in self.timing or self.calls.get(number, 0) >= MAX_CALLS or self.left <= 0:
            return
        frame = sys._getframe(1)  # noqa: SLF001
        if not is_outermost(frame):
            return
        self.calls[number] = self.calls.get(number, 0) + 1
        self.timing.add(thread)
        state, began = random.getstate(), time.perf_counter()
        try:
            self._append(number, *self._timed(number, frame, values))
        except BaseException:  # noqa: BLE001, S110 - as in a replay, what raises is left out
            pass
        finally:
            self.left -= time.perf_counter() - began
            random.setstate(state)
            self.timing.discard(thread)

    def _timed(
        self, number: int, frame: FrameType, values: dict[str, Any]
    ) -> tuple[list[float], list[float]]:
        """Return the times of the call by both versions, of the second none if it raises."""
        if not self.functions:
            with open(self.versions, encoding="utf-8") as file:  # noqa: PTH123
                described = json.load(file)
            self.functions = [[FunctionVersion(**one) for one in each] for each in described]
        given = arguments(frame.f_code, values)
        before, after = (
            TimedCall(each.function(frame.f_globals, values), given)
            for each in self.functions[number]
        )
        return times_in_turn(before, after, self.left)

    def _append(self, number: int, before: list[float], after: list[float]) -> None:
        """Append the times of one call."""
        line = {"function": number, "before": before, "after": after}
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        file = os.open(self.path, flags, 0o600)
        try:
            os.write(file, json.dumps(line).encode() + b"\n")
        finally:
            os.close(file)


class FunctionVersion:
    """One version of a function: its qualified name in the text of its file.

    `module` are those statements of the file that the other version does not have.
    """

    def __init__(self, name: str, text: str, module: str) -> None:
        self.name = name
        self.text = text
        self.module = module
        self.code: CodeType | None = None

    def function(self, module: dict[str, Any], values: dict[str, Any]) -> FunctionType:
        """Return the function in a copy of its module, with these values of what it closes over.

        Raises LookupError if there is none.
        """
        if self.code is None:
            compiled = compile(self.text, "<version>", "exec", dont_inherit=True)
            self.flags = compiled.co_flags & FUTURE_FLAGS
            for each in self.name.split("."):
                compiled = _inner_code(compiled, each)
            self.code = compiled
        space = dict(module)
        exec(compile(self.module, "<version>", "exec", self.flags, dont_inherit=True), space)  # noqa: S102 - in a sandbox, where the target's code runs
        cells = tuple(CellType(values[each]) for each in self.code.co_freevars)
        # All arguments are given, so that no defaults are needed.
        return FunctionType(self.code, space, self.code.co_name, None, cells)


def _inner_code(outer: CodeType, name: str) -> CodeType:
    """Return the code of the only class or function of a name. Raises LookupError."""
    inner = (each for each in outer.co_consts if isinstance(each, CodeType))
    found = [each for each in inner if each.co_name == name]
    if len(found) != 1:
        raise LookupError(name)
    return found[0]


class TimedCall:
    """A function, and what it is called with."""

    def __init__(self, function: FunctionType, given: tuple[list[Any], dict[str, Any]]) -> None:
        self.function = function
        self.given = given

    def block(self, passes: int) -> float:
        """Return the seconds that so many calls take, each with new copies of the arguments."""
        copies = [copied(self.given) for _ in range(passes)]
        random.seed(0)
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            started = time.perf_counter()
            for positional, keywords in copies:
                result = self.function(*positional, **keywords)
                if hasattr(result, "__next__"):
                    deque(islice(result, MAX_ITEMS), maxlen=0)
            return time.perf_counter() - started
        finally:
            if was_enabled:
                gc.enable()


def times_in_turn(
    before: TimedCall, after: TimedCall, limit: float
) -> tuple[list[float], list[float]]:
    """Return the seconds of a call by two versions in `ROUNDS` rounds.

    Of the second they are empty if it fails. Raises what the first one does in any of its calls,
    and TimeoutError if all would take longer than so many seconds.
    """
    before.block(1)
    began = time.perf_counter()
    once = before.block(1)
    copying = time.perf_counter() - began - once
    if 2 * ROUNDS * (once + copying) > limit:
        raise TimeoutError
    try:
        after.block(1)
    except Exception:  # noqa: BLE001 - whatever the new version raises
        return [once] * ROUNDS, []
    enough = min(BLOCK_SECONDS / max(once, 1e-9), COPY_SECONDS / max(copying, 1e-9))
    passes = max(min(int(enough), MAX_PASSES), 1)
    times: dict[TimedCall, list[float]] = {before: [], after: []}
    for number in range(ROUNDS):
        for each in (before, after) if number % 2 else (after, before):
            times[each].append(each.block(passes) / passes)
    return times[before], times[after]


def copied(given: tuple[list[Any], dict[str, Any]]) -> tuple[list[Any], dict[str, Any]]:
    """Return copies of the arguments and keywords of a call; raises where there can be none.

    What has no copy is shared by all calls, as a connection or an output, unless a call uses it up.
    """
    try:
        return copy.deepcopy(given)
    except Exception:  # noqa: BLE001 - whatever a class raises when it is copied
        positional, keywords = given
        return list(map(_copied_or_shared, positional)), {
            key: _copied_or_shared(each) for key, each in keywords.items()
        }


def _copied_or_shared(value: Any) -> Any:
    """Return a copy of a value, or itself; raises what copying does if it is drawn from."""
    try:
        return copy.deepcopy(value)
    except Exception:
        is_output = hasattr(value, "writable") and value.writable()
        if hasattr(value, "__next__") and not is_output:
            raise
        return value


def install(name: str) -> None:
    """Make the timer known to the source that calls it, by this name, if times are wanted."""
    path = os.environ.get(TIMES)
    if path:
        setattr(builtins, name, CallTimer(path, os.environ[VERSIONS]).time)
