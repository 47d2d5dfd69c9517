"""Running tests in a forked process, and noting how they end and which mutants they reach."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .by_pytest import relative_path, root_of
from .channel import Channel
from .switch import REACHED, SWITCH


class CurrentTest:
    """A pytest plugin that notes how the test that runs in this process ends."""

    def __init__(self) -> None:
        self.failed = False
        self.called = False

    @property
    def passed(self) -> bool:
        """True if the test body passed and nothing else of the test failed."""
        return self.called and not self.failed

    def reset(self) -> None:
        """Forget how the last test ended, before another one begins."""
        self.failed = self.called = False

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note how one phase of the test, or one of its subtests, ended."""
        self.failed |= report.outcome == "failed"
        subtest = getattr(report, "context", None) is not None
        self.called |= report.when == "call" and report.outcome == "passed" and not subtest


class SharedFixtures:
    """A pytest plugin that notes which mutants are reached by setting up a shared fixture.

    Only the first of the tests that share a fixture sets it up, but each of them depends on it.
    """

    def __init__(self) -> None:
        self.by_fixture: dict[tuple[str, str], set[int]] = {}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        """Attribute what a set-up reaches to its fixture, unless each test has its own."""
        before = set(SWITCH.reached)
        SWITCH.reached.clear()
        yield
        if fixturedef.scope != "function":
            key = (fixturedef.argname, str(fixturedef.baseid))
            self.by_fixture.setdefault(key, set()).update(SWITCH.reached)
        SWITCH.reached |= before

    def reached_by(self, item: Any) -> set[int]:
        """Return the mutants that the shared fixtures of a test reach."""
        found: set[int] = set()
        known = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
        for name in getattr(item, "fixturenames", ()):
            for each in known.get(name) or ():
                found |= self.by_fixture.get((name, str(each.baseid)), set())
        return found


CURRENT, SHARED = CurrentTest(), SharedFixtures()


def run_until_failure(items: list[Any], channel: Channel) -> None:
    """Run tests in order, and end this process at the first that does not pass, or after the last.

    Sends the beginning of each test, and which failed or that all passed.
    """
    for item, following in _with_next(items):
        channel.send(begin=item.nodeid)
        CURRENT.reset()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if not CURRENT.passed:
            channel.send(failed=item.nodeid)
            os._exit(0)
    channel.send(passed=True)
    os._exit(0)


def run_and_report_all(session: Any, channel: Channel, paths: set[str]) -> None:
    """Run every test without a mutant, report each, and end this process.

    Sends for each test whether it passed, its seconds and the mutants it reaches, and last which
    of the files `paths` have been imported.
    """
    SWITCH.reporting_pid = os.getpid()
    by_children = Path(os.environ["GROUNDSWELL_MUTANTS"]).with_name("reached")
    os.environ[REACHED] = str(by_children)
    found: list[tuple[Any, dict[str, Any], set[int]]] = []
    for item, following in _with_next(session.items):
        CURRENT.reset()
        SWITCH.reached.clear()
        began = time.perf_counter()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        seconds = time.perf_counter() - began
        message = {"test": item.nodeid, "passed": CURRENT.passed, "seconds": seconds}
        message["failed"] = CURRENT.failed
        found.append((item, message, SWITCH.reached | _take_reached(by_children)))
    for item, message, reached in found:
        # Only now is known what each shared fixture reaches.
        channel.send(**message, reached=sorted(reached | SHARED.reached_by(item)))
    channel.send(imported=sorted(_imported(paths, root_of(session.config))))
    os._exit(0)


def _with_next(items: list[Any]) -> Iterable[tuple[Any, Any]]:
    """Return each test with the next one, by which pytest decides what to tear down."""
    return zip(items, [*items[1:], None])  # noqa: B905 - Python 3.10's


def _take_reached(path: Path) -> set[int]:
    """Return the mutants that Python processes started by a test have reached, and forget them."""
    if not path.exists():
        return set()
    found = {int(each) for each in path.read_text(encoding="ascii").split()}
    path.unlink()
    return found


def _imported(paths: set[str], root: str) -> set[str]:
    """Return those of `paths` that are loaded as modules in this process."""
    files = {getattr(each, "__file__", None) for each in list(sys.modules.values())}
    top = os.environ.get("GROUNDSWELL_TREE", root)
    known = {relative_path(os.path.realpath(each), os.path.realpath(top)) for each in files if each}
    return paths & known
