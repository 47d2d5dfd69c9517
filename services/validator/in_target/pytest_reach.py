"""Tells a `Recording` which test or fixture pytest is at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .reach import Part, Recording, write

KEY = "groundswell_reach"


class Recorder:
    """What a fixture of a wider scope reaches belongs to all tests that use it, not just to the first.

    Workers of xdist hand over what they recorded when they end.
    """

    def __init__(self, recording: Recording, config: Any) -> None:
        self.recording = recording
        self.worker = getattr(config, "workeroutput", None)
        # By the fixture's definition: what its last set-up reached, and which fixtures that asked for.
        self.fixtures: dict[Any, tuple[Part, set[Any]]] = {}
        self.used: set[Any] = set()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
        self.used = set()
        self.recording.enter()
        yield
        part = self.recording.leave()
        for each in self._closure(self.used):
            part.add_part(self.fixtures[each][0])
        path = str(getattr(item, "path", None) or item.fspath)
        self.recording.add_test(item.nodeid, self.recording.home(path), part)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: Any) -> None:
        """Only before its tear-down does a test still know what it used."""
        self.used = _in_use(item)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Iterator[None]:
        if fixturedef.scope == "function":
            yield
            return
        before = set(_definitions(request).values())
        self.recording.enter()
        yield
        part = self.recording.leave()
        asked = set(_definitions(request).values()) - before - {fixturedef}
        self.fixtures[fixturedef] = (part, asked)

    def _closure(self, used: set[Any]) -> set[Any]:
        """Those of a wider scope, and what these asked for while they were set up."""
        found: set[Any] = set()
        left = [each for each in used if each in self.fixtures]
        while left:
            each = left.pop()
            if each not in found:
                found.add(each)
                left += [more for more in self.fixtures[each][1] if more in self.fixtures]
        return found

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker that crashed has said nothing: what it ran is not known."""
        text = getattr(node, "workeroutput", {}).get(KEY)
        if text:
            self.recording.merge(text)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        text = self.recording.finish()
        if self.worker is None:
            write(text)
        else:
            self.worker[KEY] = text


def _in_use(item: Any) -> set[Any]:
    return set(_definitions(getattr(item, "_request", None)).values())


def _definitions(request: Any) -> dict[str, Any]:
    """Fixtures by name that a request has used so far; pytest has no public word for it."""
    found: dict[str, Any] = getattr(request, "_fixture_defs", {})
    return found
