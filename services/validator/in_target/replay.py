"""Times functions on recorded inputs: a script that runs alone, for one tree in one process.

Beside it lies `inputs.json`; the working directory is the tree. For each function it prints a line
`name (n calls) value ns`: the time that one pass over the calls takes which end without an error.
Pickles are loaded here, which runs code of the target: so it only ever runs in a sandbox.
"""

from __future__ import annotations

import base64
import functools
import gc
import importlib
import inspect
import json
import os
import pickle
import random  # noqa: TID251 - the target's own, seeded alike for both versions
import sys
import time
from collections import deque
from typing import Any, Callable, Dict, List, Tuple  # noqa: UP035 - evaluated, also by Python 3.8

# A block of passes takes at least so long, where the limits below allow that.
BLOCK_SECONDS = 0.001
MAX_PASSES, MAX_BLOCK_BYTES = 1000, 8 * 1024 * 1024
# Blocks are repeated until they took so long, or that with the loading of their inputs.
TIMED_SECONDS, WHOLE_SECONDS = 0.03, 0.1
# Printed where no function has an input with which it can be called.
NOTHING_CALLABLE = "none of the recorded calls can be made again outside of its test"

Call = Tuple[List[Any], Dict[str, Any]]  # noqa: UP006


class TimedFunction:
    """A function with its recorded inputs, those that it can be called with once more."""

    def __init__(self, function: Callable[..., Any], inputs: list[bytes]) -> None:
        self.function = function
        self.forget = getattr(function, "cache_clear", _do_nothing)
        # Most of the work of a generator begins when it is iterated.
        self.inputs, self.is_lazy = _tried(function, inputs)

    def seconds(self) -> float:
        """Return how long a pass over all inputs takes, in the fastest of several blocks."""
        passes = self._passes(self._block(1))
        began, spent, best = time.perf_counter(), 0.0, float("inf")
        while spent < TIMED_SECONDS and time.perf_counter() - began < WHOLE_SECONDS:
            block = self._block(passes)
            spent += block
            best = min(best, block / passes)
        return best

    def _passes(self, seconds: float) -> int:
        """Return how many passes make a block, if one takes so many seconds."""
        enough = int(BLOCK_SECONDS / max(seconds, 1e-9))
        size = sum(len(each) for each in self.inputs)
        return max(min(enough, MAX_PASSES, MAX_BLOCK_BYTES // max(size, 1)), 1)

    def _block(self, passes: int) -> float:
        """Return the seconds that so many passes take, each with inputs loaded afresh.

        What the function keeps of its results is forgotten before each pass.
        """
        calls = [[_loaded(each) for each in self.inputs] for _ in range(passes)]
        run = _iterate_all if self.is_lazy else _call_all
        random.seed(0)
        gc.collect()
        gc.disable()
        started = time.perf_counter()
        for each in calls:
            self.forget()
            run(self.function, each)
        spent = time.perf_counter() - started
        gc.enable()
        return spent


def _do_nothing() -> None:
    """Do nothing, in place of forgetting what is not kept."""


def _loaded(data: bytes) -> Call:
    """Return the arguments and keywords of a recorded call."""
    call: Call = pickle.loads(data)  # noqa: S301 - in a sandbox, where the target's code runs
    return call


def _call_all(function: Callable[..., Any], calls: list[Call]) -> None:
    """Call a function with each of these arguments."""
    for positional, keywords in calls:
        function(*positional, **keywords)


def _iterate_all(function: Callable[..., Any], calls: list[Call]) -> None:
    """Call a function with each of these arguments, and exhaust the iterators that it returns."""
    for positional, keywords in calls:
        deque(function(*positional, **keywords), maxlen=0)


def _tried(function: Callable[..., Any], inputs: list[bytes]) -> tuple[list[bytes], bool]:
    """Return the inputs with which two calls end without an error, and if all give iterators.

    What a call leaves behind, as a file, may be in the way of the next one.
    """
    kept, lazy = [], True
    for each in inputs:
        try:
            for _ in range(2):
                positional, keywords = _loaded(each)
                result = function(*positional, **keywords)
                is_iterator = hasattr(result, "__next__")
                if is_iterator:
                    deque(result, maxlen=0)
        except BaseException:  # noqa: BLE001, S112 - also one that would end the process
            continue
        kept.append(each)
        lazy = lazy and is_iterator
    return kept, lazy


def find_function(module: str, name: str, *, decorated: bool) -> Callable[..., Any]:
    """Return a function by its module and qualified name, of a method the plain function.

    Of one that was `decorated` when its inputs were recorded, it is what the decorators wrap, as
    these got other arguments. Raises LookupError if it cannot be found.
    """
    holder: Any = importlib.import_module(module)
    *classes, last = name.split(".")
    for each in classes:
        holder = vars(holder)[each]
    if classes and last.startswith("__") and not last.endswith("__"):
        last = "_%s%s" % (classes[-1].lstrip("_"), last)  # noqa: UP031
    found: Any = _plain(vars(holder)[last])
    if decorated:
        found = inspect.unwrap(found)
        if getattr(getattr(found, "__code__", None), "co_name", "") != name.rpartition(".")[2]:
            raise LookupError(name)
    function: Callable[..., Any] = found
    return function


def _plain(found: Any) -> Any:
    """Return the function behind what a class has under the name of a method."""
    if isinstance(found, (staticmethod, classmethod)):
        return found.__func__
    if isinstance(found, property):
        return found.fget
    return found.func if isinstance(found, functools.cached_property) else found


def measure(content: dict[str, Any]) -> list[str]:
    """Return a line for each function of `inputs.json` that can be called again."""
    lines = []
    for each in content["functions"]:
        try:
            found = find_function(each["module"], each["name"], decorated=each["decorated"])
        except Exception:  # noqa: BLE001, S112 - whatever the import of a module raises
            continue
        timed = TimedFunction(found, [base64.b64decode(one) for one in each["inputs"]])
        if timed.inputs:
            name = "%s (%d calls)" % (each["label"], len(timed.inputs))  # noqa: UP031
            try:
                lines.append("%s %.3f ns" % (name, timed.seconds() * 1e9))  # noqa: UP031
            except BaseException:  # noqa: BLE001, S112 - of calls that cannot be made any more
                continue
    return lines


def main() -> int:
    """Measure every function, write the lines, and return the exit code."""
    folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    with open(os.path.join(folder, "inputs.json"), encoding="utf-8") as file:  # noqa: PTH118, PTH123
        content = json.load(file)
    tree = os.getcwd()  # noqa: PTH109
    sys.path[:0] = [os.path.normpath(os.path.join(tree, each)) for each in content["path"]]  # noqa: PTH118
    result, nowhere = os.environ["GROUNDSWELL_BENCH_OUT"], os.open(os.devnull, os.O_WRONLY)
    printed = os.dup(1)
    # What the functions print is no concern of anybody.
    os.dup2(nowhere, 1)
    lines = measure(content)
    os.dup2(printed, 1)
    if not lines:
        print(NOTHING_CALLABLE, flush=True)  # noqa: T201
        return 1
    with open(result, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write("\n".join(lines))
    return 0


if __name__ == "__main__":
    status = main()
    # What the target left running must not hold this process up.
    os._exit(status)
