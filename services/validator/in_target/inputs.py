"""Records with which arguments functions are called while the tests run.

The recorded source calls the recorder by a builtin, first thing in each function that is asked for.
Each call whose arguments pickle is appended to a file as a line of JSON, by every process of the
run; nothing of what is pickled here is loaded here. Of a call whose arguments do not pickle, only
the test that makes it is recorded.
"""

from __future__ import annotations

import base64
import builtins
import io
import json
import os
import pickle
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Every Python process that a test starts would pay for this import.
    from types import CodeType, FrameType
    from typing import Any

INPUTS, TREE = "GROUNDSWELL_INPUTS", "GROUNDSWELL_TREE"
# In each process, so many different inputs of a function are recorded, out of so many calls.
MAX_INPUTS, MAX_CALLS = 200, 10_000
MAX_INPUT_BYTES = 512 * 1024
MAX_FILE_BYTES = 32 * 1024 * 1024
# Of each function, so many calls are recorded by their tests alone.
MAX_UNPICKLED = 20
# As `inspect` names them.
VARARGS, VARKEYWORDS = 4, 8


class _TooLargeError(Exception):
    """An input takes more bytes than are recorded."""


class _Limited(io.BytesIO):
    """A buffer that refuses more than the largest input."""

    def write(self, data: Any) -> int:
        """Append to the buffer. Raises `_TooLargeError`."""
        if self.tell() + len(data) > MAX_INPUT_BYTES:
            raise _TooLargeError
        return super().write(data)


class InputRecorder:
    """Appends what functions are called with to a file; `tree` is the folder of the target."""

    def __init__(self, path: str, tree: str) -> None:
        self.path = path
        self.tree = os.path.abspath(tree)  # noqa: PTH100
        self.calls: dict[int, int] = {}
        self.known: dict[int, set[bytes]] = {}
        self.unpickled: dict[int, int] = {}
        # The threads that pickle: that may call what is recorded.
        self.pickling: set[int] = set()

    def record(self, number: int, values: dict[str, Any]) -> None:
        """Record a call that begins in the caller's frame, whose local variables are `values`."""
        frame, thread = sys._getframe(1), threading.get_ident()  # noqa: SLF001
        if thread in self.pickling or not self._is_wanted(number, frame):
            return
        self.pickling.add(thread)
        try:
            data = pickled(arguments(frame.f_code, values))
            if data not in self.known.setdefault(number, set()):
                self.known[number].add(data)
                self._append(number, str(frame.f_globals["__name__"]), data)
        except Exception:  # noqa: BLE001 - whatever a class raises when it is pickled
            self.unpickled[number] = self.unpickled.get(number, 0) + 1
            if self.unpickled[number] <= MAX_UNPICKLED:
                self._append(number, str(frame.f_globals["__name__"]), None)
        finally:
            self.pickling.discard(thread)

    def _is_wanted(self, number: int, frame: FrameType) -> bool:
        """Return true unless enough is recorded, or the function has called itself."""
        self.calls[number] = self.calls.get(number, 0) + 1
        if self.calls[number] > MAX_CALLS or len(self.known.get(number, ())) >= MAX_INPUTS:
            return False
        return is_outermost(frame)

    def _append(self, number: int, module: str, data: bytes | None) -> None:
        """Append one call, with its input if there is one, unless the file has become too large."""
        line = {
            "function": number,
            "module": module,
            "path": self._import_path(),
            "input": None if data is None else base64.b64encode(data).decode(),
            # Set by pytest; empty where another framework runs the test.
            "test": os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0],
        }
        text = json.dumps(line).encode() + b"\n"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        file = os.open(self.path, flags, 0o600)
        try:
            if os.fstat(file).st_size + len(text) <= MAX_FILE_BYTES:
                # In one piece, as other processes append to it too.
                os.write(file, text)
        finally:
            os.close(file)

    def _import_path(self) -> list[str]:
        """Return the folders of the tree that modules are imported from, relative to it."""
        found = [os.path.abspath(each) for each in sys.path]  # noqa: PTH100
        inside = (each for each in found if f"{each}{os.sep}".startswith(self.tree + os.sep))
        return [os.path.relpath(each, self.tree) for each in inside]


def is_outermost(frame: FrameType) -> bool:
    """Return whether a call is not made, however indirectly, by another one of its function."""
    outer = frame.f_back
    while outer is not None and outer.f_code is not frame.f_code:
        outer = outer.f_back
    return outer is None


def arguments(code: CodeType, values: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return the positional arguments and the keywords of a call, given its local variables."""
    names, count = code.co_varnames, code.co_argcount
    rest = count + code.co_kwonlyargcount
    positional = [values[each] for each in names[:count]]
    keywords = {each: values[each] for each in names[count:rest]}
    if code.co_flags & VARARGS:
        positional += values[names[rest]]
        rest += 1
    if code.co_flags & VARKEYWORDS:
        keywords.update(values[names[rest]])
    return positional, keywords


def pickled(value: Any) -> bytes:
    """Return the pickle of a value; raises whatever that raises, or if it is too large."""
    buffer = _Limited()
    pickle.Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(value)
    return buffer.getvalue()


def install(name: str) -> None:
    """Make the recorder known to the recorded source, by this name, if inputs are wanted."""
    path = os.environ.get(INPUTS)
    if path:
        recorder = InputRecorder(path, os.environ[TREE])
        setattr(builtins, name, recorder.record)
