"""A pytest plugin that writes one line of JSON per thing that happened to GROUNDSWELL_REPORT.

It is copied beside the target's tree and loaded there by name, so it needs nothing but pytest (6 or
later) and Python 3.8. GROUNDSWELL_SELECT names a file with a JSON list of node ids: then only these
are run, by the very command line of a full run, so that configuration and ids stay the same.
GROUNDSWELL_REPEAT says how often, with everything set up anew each time.

How the lines are signed is in `signing`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .pytest_reach import Recorder
from .reach import begin
from .signing import DETAIL, Key, Lines, may_report, repeat, selected, take_key

# What is imported from here on is recorded, where that is asked for.
RECORDING = begin()
# Where pytest_ignore_collect got the argument it has today.
PATHLIB_HOOKS = 7


@pytest.hookimpl(hookwrapper=True)
def pytest_load_initial_conftests(early_config: Any) -> Iterator[None]:
    """A conftest.py that cannot be imported ends pytest before it begins: that is a result too."""
    key = take_key()
    outcome: Any = yield
    if key is not None:
        early_config.pluginmanager.register(key, "groundswell-key")
    error = outcome.excinfo and outcome.excinfo[1]
    if type(error).__name__ == "ConftestImportFailure" and may_report() and key is not None:
        reporter = Reporter(key, frozenset())
        reporter.conftest_failed(_relative(str(error.path), _root(early_config)), error)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: Any) -> None:
    """Report from the process that began the session; xdist's workers only select."""
    only = selected()
    if only is not None:
        config.pluginmanager.register(Selection(_root(config), only), "groundswell-selection")
    key = config.pluginmanager.unregister(name="groundswell-key")
    if not hasattr(config, "workerinput") and may_report() and key is not None:
        _run_everything(config.option)
        reporter = Reporter(key, only or frozenset())
        config.pluginmanager.register(reporter, "groundswell-reporter")
        if repeat() > 1:
            config.pluginmanager.register(Repetition(repeat()), "groundswell-repetition")
    if RECORDING is not None:
        config.pluginmanager.register(Recorder(RECORDING, config), "groundswell-recorder")
    # A pytest that a test starts must not look for this plugin; a worker of xdist must.
    if not _has_workers(config.option):
        os.environ.pop("PYTEST_ADDOPTS", None)


def _has_workers(option: Any) -> bool:
    return bool(getattr(option, "numprocesses", None) or getattr(option, "tx", None))


def _run_everything(option: Any) -> None:
    """Never stop at a failure; a coverage threshold is no test, and would fail a run of a few."""
    option.maxfail = 0
    option.continue_on_collection_errors = True
    if repeat() > 1 and _has_workers(option):
        # A worker never sets up anew what more than one test shares.
        option.dist, option.tx, option.numprocesses = "no", [], None
    if getattr(option, "cov_fail_under", None) is not None:
        option.cov_fail_under = 0
    # pytest-randomly: the order is the suite's own, and chance is the same in every run.
    if hasattr(option, "randomly_reorganize"):
        option.randomly_reorganize = False
        option.randomly_seed = 0


def _root(config: Any) -> str:
    return str(getattr(config, "rootpath", None) or config.rootdir)


def _relative(path: str, root: str) -> str:
    return os.path.relpath(path, root).replace(os.sep, "/")


class Reporter(Lines):
    """Says what pytest says."""

    def __init__(self, key: Key, only: frozenset[str]) -> None:
        super().__init__(key)
        self.selected = only
        self.write({"event": "start", "pytest": pytest.__version__})

    def pytest_collectreport(self, report: Any) -> None:
        """A module that cannot be collected is a result; one that can, only when asked for."""
        if report.outcome != "passed" or report.nodeid in self.selected:
            self.report("collect", report, "collect", 0.0)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """All phases of a test; of a subtest only its failure, which need not fail its test."""
        context = getattr(report, "context", None)
        if context is None:
            self.report("test", report, report.when, report.duration)
        elif report.outcome == "failed":
            self.report("subtest", report, report.when, 0.0, f"{context}\n")

    def report(self, event: str, report: Any, when: str, seconds: float, before: str = "") -> None:
        line = {"event": event, "id": report.nodeid, "when": when, "outcome": report.outcome}
        line["seconds"] = round(seconds, 6)
        if hasattr(report, "wasxfail"):
            line["xfail"] = str(report.wasxfail)
        if report.outcome != "passed":
            line["detail"] = before + _text(report.longrepr)[-DETAIL:]
        self.write(line)

    def conftest_failed(self, name: str, error: Any) -> None:
        cause = getattr(error, "cause", None) or error
        line = {"event": "collect", "id": name, "when": "collect", "outcome": "failed"}
        self.write({**line, "seconds": 0.0, "detail": repr(cause)[-DETAIL:]})
        self.write({"event": "finish", "stopped": "", "collected": 0})

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: Any) -> None:
        """A run that was told to stop early says so: what it did not run has no result."""
        stopped = str(session.shouldstop or session.shouldfail or "")
        self.write({"event": "finish", "stopped": stopped, "collected": session.testscollected})


class Selection:
    """Leaves out everything but the selected tests, and does not even import the other modules."""

    def __init__(self, root: str, selected: frozenset[str]) -> None:
        self.root = root
        self.selected = selected
        self.files = {each.partition("::")[0] for each in selected}

    # Older ones import every module, which is only slower.
    if int(pytest.__version__.partition(".")[0]) >= PATHLIB_HOOKS:

        @pytest.hookimpl(tryfirst=True)
        def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
            name = _relative(str(collection_path), self.root)
            if name.startswith("..") or collection_path.name == "__init__.py":
                return None
            if collection_path.is_dir():
                below = "" if name == "." else f"{name}/"
                return None if any(each.startswith(below) for each in self.files) else True
            return None if name in self.files else True

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> None:
        left_out = [item for item in items if not self.has(item.nodeid)]
        items[:] = [item for item in items if self.has(item.nodeid)]
        if left_out:
            config.hook.pytest_deselected(items=left_out)

    def has(self, nodeid: str) -> bool:
        return nodeid in self.selected or nodeid.partition("::")[0] in self.selected


class Repetition:
    """Runs all tests so often; in between nothing stays set up, of whatever scope it is."""

    def __init__(self, times: int) -> None:
        self.times = times

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool | None:
        """The loop of pytest itself, but that each round is a session's last."""
        if session.config.option.collectonly:
            return None
        for _ in range(self.times):
            for item, following in zip(session.items, [*session.items[1:], None]):  # noqa: B905
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if session.shouldstop or session.shouldfail:
                    raise session.Interrupted(session.shouldstop or session.shouldfail)
        return True


def _text(longrepr: Any) -> str:
    """A skip has (file, line, reason)."""
    return str(longrepr[2] if isinstance(longrepr, tuple) else longrepr)
