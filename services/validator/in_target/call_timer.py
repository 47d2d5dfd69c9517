"""Times functions on the very arguments that tests call them with, in the midst of the tests.

The timed source calls the timer by a builtin, first thing in each function that is asked for. The
call is then made several times on copies of its arguments, and each one that was timed appends a
line of JSON to a file. So what a call needs of its test is there:
lambdas, an application, a database.
"""

from __future__ import annotations

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
from types import CellType, FunctionType

from .inputs import arguments, is_outermost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

TIMES = "GROUNDSWELL_TIMES"
# Of each function in each process, so many calls are timed.
MAX_CALLS = 20
# What a call returns may have no end.
MAX_ITEMS = 10_000
# A block of calls takes at least so long, where its number is not limited.
BLOCK_SECONDS, MAX_PASSES = 0.001, 200
# Copies for a block may take so long.
COPY_SECONDS = 0.01
# Blocks are repeated until they took so long, or that with the copies.
TIMED_SECONDS, WHOLE_SECONDS = 0.02, 0.08


class CallTimer:
    """Appends to a file how long the calls of functions take."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.calls: dict[int, int] = {}
        # The threads that are timing: what they call is not timed itself.
        self.timing: set[int] = set()

    def time(self, number: int, values: dict[str, Any]) -> None:
        """Time a call that begins in the caller's frame, whose local variables are `values`."""
        thread = threading.get_ident()
        if thread in self.timing or self.calls.get(number, 0) >= MAX_CALLS:
            return
        frame = sys._getframe(1)  # noqa: SLF001
        if not is_outermost(frame):
            return
        self.calls[number] = self.calls.get(number, 0) + 1
        self.timing.add(thread)
        state = random.getstate()
        try:
            self._append(number, TimedCall(frame, values).seconds())
        except BaseException:  # noqa: BLE001, S110 - as in a replay, what raises is left out
            pass
        finally:
            random.setstate(state)
            self.timing.discard(thread)

    def _append(self, number: int, seconds: float) -> None:
        """Append the time of one call."""
        line = json.dumps({"function": number, "seconds": seconds}).encode() + b"\n"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        file = os.open(self.path, flags, 0o600)
        try:
            os.write(file, line)
        finally:
            os.close(file)


class TimedCall:
    """A call that can be made again: the code and arguments of one that begins."""

    def __init__(self, frame: FrameType, values: dict[str, Any]) -> None:
        code = frame.f_code
        cells = tuple(CellType(values[each]) for each in code.co_freevars)
        # All arguments are given, so that no defaults are needed.
        self.function = FunctionType(code, frame.f_globals, code.co_name, None, cells)
        self.given = arguments(code, values)

    def seconds(self) -> float:
        """Return how long the call takes, in the fastest of several blocks; raises what it does."""
        began, spent, best = time.perf_counter(), 0.0, float("inf")
        once = self._block(1)
        copying = time.perf_counter() - began - once
        enough = min(BLOCK_SECONDS / max(once, 1e-9), COPY_SECONDS / max(copying, 1e-9))
        passes = max(min(int(enough), MAX_PASSES), 1)
        while spent < TIMED_SECONDS and time.perf_counter() - began < WHOLE_SECONDS:
            block = self._block(passes)
            spent += block
            best = min(best, block / passes)
        return min(best, once) if passes == 1 else best

    def _block(self, passes: int) -> float:
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
    """Make the timer known to the timed source, by this name, if times are wanted."""
    path = os.environ.get(TIMES)
    if path:
        setattr(builtins, name, CallTimer(path).time)
