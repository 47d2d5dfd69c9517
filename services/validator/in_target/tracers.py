"""Two ways to note which functions run, both at C speed: `sys.monitoring`, and cProfile."""

from __future__ import annotations

import cProfile
import sys
import threading
from types import CodeType
from typing import Any, Dict  # noqa: UP035 - evaluated, also by Python 3.8

# Of the six tool ids of sys.monitoring, those that Python gives no meaning to.
FREE_TOOL_IDS = (4, 3)

# By the id of each code object.
Codes = Dict[int, CodeType]  # noqa: UP006


class ProfileTracer:
    """Traces with cProfile, which sees one thread: each new thread gets a profile of its own."""

    def __init__(self) -> None:
        self.own = _new_profile()
        self.threads: list[tuple[threading.Thread, cProfile.Profile]] = []
        self.began: list[CodeType] = []
        self.hook = self._profile_thread

    def start(self) -> bool:
        """Start, unless another profiler is active; return whether it started."""
        if sys.getprofile() is not None:
            return False
        threading.setprofile(self.hook)
        self.own.enable()
        return True

    def take(self) -> tuple[Codes, bool]:
        """Return what ran since the last call, and whether that is complete; keep tracing."""
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
        """Stop tracing."""
        threading.setprofile(None)  # type: ignore[arg-type,unused-ignore]
        active: Any = sys.getprofile()
        if active is self.own:
            self.own.disable()

    def _profile_thread(self, frame: Any, event: str, _: Any) -> None:
        """Start a profile of the current thread; called with the first event of a new thread."""
        if event == "call":
            self.began.append(frame.f_code)
        profile = _new_profile()
        self.threads.append((threading.current_thread(), profile))
        profile.enable()


def _new_profile() -> cProfile.Profile:
    """Return a profile of Python functions only, without their callers."""
    return cProfile.Profile(builtins=False, subcalls=False)


class MonitoringTracer:
    """Traces with `sys.monitoring` (Python 3.12): all threads, beside any profiler."""

    def __init__(self) -> None:
        self.monitoring: Any = vars(sys)["monitoring"]
        self.seen: Codes = {}
        self.tool = 0

    def start(self) -> bool:
        """Start, if a tool id is free; return whether it started."""
        events = self.monitoring.events
        for tool in FREE_TOOL_IDS:
            if self.monitoring.get_tool(tool) is None:
                self.tool = tool
                self.monitoring.use_tool_id(tool, "groundswell")
                for event in (events.PY_START, events.PY_RESUME):
                    self.monitoring.register_callback(tool, event, self._on_start)
                self.monitoring.register_callback(tool, events.PY_THROW, self._on_throw)
                wanted = events.PY_START | events.PY_RESUME | events.PY_THROW
                self.monitoring.set_events(tool, wanted)
                return True
        return False

    def take(self) -> tuple[Codes, bool]:
        """Return what ran since the last call, which is always complete; keep tracing."""
        found, self.seen = self.seen, {}
        self.monitoring.restart_events()
        return found, True

    def stop(self) -> None:
        """Stop tracing."""
        self.monitoring.set_events(self.tool, 0)
        self.monitoring.free_tool_id(self.tool)

    def _on_start(self, code: CodeType, _: int) -> Any:
        """Note that a code object began or resumed, once until the next `take`."""
        self.seen[id(code)] = code
        # Once is enough, until the events are restarted.
        return self.monitoring.DISABLE

    def _on_throw(self, code: CodeType, *_: Any) -> None:
        """Note a code object that an exception was thrown into, as into a generator."""
        self.seen[id(code)] = code
