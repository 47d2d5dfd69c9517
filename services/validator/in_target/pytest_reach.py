"""A pytest plugin that records what each test reaches, with the fixtures that it uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .reach import ReachedCode, ReachRecorder, write_record

WORKER_OUTPUT_KEY = "groundswell_reach"


class PytestReachPlugin:
    """Records the reach of each test; workers of xdist send their records when they end.

    What a shared fixture reaches counts for all tests that use it, not only for the first.
    """

    def __init__(self, recorder: ReachRecorder, config: Any) -> None:
        self.recorder = recorder
        self.worker = getattr(config, "workeroutput", None)
        # By fixture definition: what its last set-up reached, and which fixtures that requested.
        self.fixtures: dict[Any, tuple[ReachedCode, set[Any]]] = {}
        self.used: set[Any] = set()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
        """Record what one test reaches, with the shared fixtures that it uses."""
        self.used = set()
        self.recorder.enter()
        yield
        reached = self.recorder.leave()
        for each in self._shared_fixtures(self.used):
            reached.merge(self.fixtures[each][0])
        path = str(getattr(item, "path", None) or item.fspath)
        self.recorder.add_test(item.nodeid, self.recorder.path_in_tree(path), reached)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: Any) -> None:
        """Note the fixtures of a test, which it no longer knows after its tear-down."""
        self.used = set(_fixture_definitions(getattr(item, "_request", None)).values())

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Iterator[None]:
        """Record the set-up of a fixture that several tests may share."""
        if fixturedef.scope == "function":
            yield
            return
        before = set(_fixture_definitions(request).values())
        self.recorder.enter()
        yield
        reached = self.recorder.leave()
        requested = set(_fixture_definitions(request).values()) - before - {fixturedef}
        self.fixtures[fixturedef] = (reached, requested)

    def _shared_fixtures(self, used: set[Any]) -> set[Any]:
        """Return the shared fixtures among `used`, and those that these requested."""
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
        """Add what a worker has recorded; of one that crashed nothing is known."""
        text = getattr(node, "workeroutput", {}).get(WORKER_OUTPUT_KEY)
        if text:
            self.recorder.merge(text)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Write the record, or send it to the main process of xdist."""
        text = self.recorder.finish()
        if self.worker is None:
            write_record(text)
        else:
            self.worker[WORKER_OUTPUT_KEY] = text


def _fixture_definitions(request: Any) -> dict[str, Any]:
    """Return by name the fixtures that a request has used so far; pytest has no public API."""
    found: dict[str, Any] = getattr(request, "_fixture_defs", {})
    return found
