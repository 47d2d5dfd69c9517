"""A pytest plugin that reports each result as a line of JSON in the file GROUNDSWELL_REPORT.

It is copied beside the target's tree and loaded there by name, so it needs nothing but pytest (6 or
later) and Python 3.8. If GROUNDSWELL_SELECT names a file with a JSON list of node ids, only these
tests run, by the same command line as a full run, so that configuration and ids stay the same.
GROUNDSWELL_REPEAT is how many times each test runs, with everything set up again each time.

How the lines are signed is in `signing`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .pytest_reach import PytestReachPlugin
from .reach import start_recording
from .signing import (
    MAX_DETAIL_CHARACTERS,
    ReportWriter,
    SigningKey,
    may_report,
    repeat,
    selected,
    take_key,
)

# What is imported from here on is recorded, if recording is wanted.
RECORDER = start_recording()
# The version in which pytest_ignore_collect got the argument it has today.
FIRST_VERSION_WITH_PATHLIB_HOOKS = 7


@pytest.hookimpl(hookwrapper=True)
def pytest_load_initial_conftests(early_config: Any) -> Iterator[None]:
    """Take the key; report a conftest.py that cannot be imported, which ends pytest at once."""
    key = take_key()
    outcome: Any = yield
    if key is not None:
        early_config.pluginmanager.register(key, "groundswell-key")
    error = outcome.excinfo and outcome.excinfo[1]
    if type(error).__name__ == "ConftestImportFailure" and may_report() and key is not None:
        reporter = PytestReporter(key, frozenset())
        reporter.conftest_failed(relative_path(str(error.path), root_of(early_config)), error)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: Any) -> None:
    """Report from the process that began the session; workers of xdist select and record only."""
    only = selected()
    if only is not None:
        config.pluginmanager.register(Selection(root_of(config), only), "groundswell-selection")
    key = config.pluginmanager.unregister(name="groundswell-key")
    if not hasattr(config, "workerinput") and may_report() and key is not None:
        _run_everything(config.option)
        if only is not None:
            _drop_coverage_thresholds(config)
        reporter = PytestReporter(key, only or frozenset())
        config.pluginmanager.register(reporter, "groundswell-reporter")
        if repeat() > 1:
            config.pluginmanager.register(Repetition(repeat()), "groundswell-repetition")
    if RECORDER is not None:
        config.pluginmanager.register(PytestReachPlugin(RECORDER, config), "groundswell-recorder")
    # A pytest that a test starts must not look for this plugin; a worker of xdist must.
    if not _has_workers(config.option):
        os.environ.pop("PYTEST_ADDOPTS", None)


def _has_workers(option: Any) -> bool:
    """Return true if pytest-xdist's options ask for worker processes."""
    return bool(getattr(option, "numprocesses", None) or getattr(option, "tx", None))


def _run_everything(option: Any) -> None:
    """Set options: never stop at a failure, keep the suite's order, repeat in this process only."""
    option.maxfail = 0
    option.continue_on_collection_errors = True
    if repeat() > 1 and _has_workers(option):
        # A worker sets up what several tests share only once.
        option.dist, option.tx, option.numprocesses = "no", [], None
    # pytest-randomly: no shuffling, and the same seed in every run.
    if hasattr(option, "randomly_reorganize"):
        option.randomly_reorganize = False
        option.randomly_seed = 0


def _drop_coverage_thresholds(config: Any) -> None:
    """Let no run of a part of the tests fail because it covers little.

    pytest-cov has options of its own, and takes a threshold of coverage's configuration later.
    """
    plugin = config.pluginmanager.getplugin("_cov")
    options: Any
    for options in (config.option, getattr(plugin, "options", None)):
        if hasattr(options, "cov_fail_under"):
            options.cov_fail_under = 0


def root_of(config: Any) -> str:
    """Return the directory that node ids are relative to."""
    return str(getattr(config, "rootpath", None) or config.rootdir)


def relative_path(path: str, root: str) -> str:
    """Return `path` relative to `root`, with slashes."""
    return os.path.relpath(path, root).replace(os.sep, "/")


class PytestReporter(ReportWriter):
    """A pytest plugin that reports what pytest reports."""

    def __init__(self, key: SigningKey, only: frozenset[str]) -> None:
        super().__init__(key)
        self.selected = only
        self.write({"event": "start", "pytest": pytest.__version__})

    def pytest_collectreport(self, report: Any) -> None:
        """Report a module that fails or is skipped as it is collected, or was itself selected."""
        if report.outcome != "passed" or report.nodeid in self.selected:
            self.report("collect", report, "collect", 0.0)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Report each phase of a test, and failed subtests, which need not fail their test."""
        context = getattr(report, "context", None)
        if context is None:
            self.report("test", report, report.when, report.duration)
        elif report.outcome == "failed":
            self.report("subtest", report, report.when, 0.0, f"{context}\n")

    def report(self, event: str, report: Any, when: str, seconds: float, before: str = "") -> None:
        """Write one result; `before` goes before the detail of a failure."""
        line = {"event": event, "id": report.nodeid, "when": when, "outcome": report.outcome}
        line["seconds"] = round(seconds, 6)
        if hasattr(report, "wasxfail"):
            line["xfail"] = str(report.wasxfail)
        if report.outcome != "passed":
            line["detail"] = before + _text(report.longrepr)[-MAX_DETAIL_CHARACTERS:]
        self.write(line)

    def conftest_failed(self, name: str, error: Any) -> None:
        """Write the whole report of a session that a conftest.py has prevented."""
        cause = getattr(error, "cause", None) or error
        line = {"event": "collect", "id": name, "when": "collect", "outcome": "failed"}
        self.write({**line, "seconds": 0.0, "detail": repr(cause)[-MAX_DETAIL_CHARACTERS:]})
        self.write({"event": "finish", "stopped": "", "collected": 0})

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: Any) -> None:
        """Write the end of the report, and whether the session was stopped before its end."""
        stopped = str(session.shouldstop or session.shouldfail or "")
        self.write({"event": "finish", "stopped": stopped, "collected": session.testscollected})


class Selection:
    """A pytest plugin that leaves out other tests, and does not even import their modules."""

    def __init__(self, root: str, selected: frozenset[str]) -> None:
        self.root = root
        self.selected = selected
        self.files = {each.partition("::")[0] for each in selected}

    # Older versions import every module, which is only slower.
    if int(pytest.__version__.partition(".")[0]) >= FIRST_VERSION_WITH_PATHLIB_HOOKS:

        @pytest.hookimpl(tryfirst=True)
        def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
            """Return True to ignore a file or folder without a selected test, else None."""
            name = relative_path(str(collection_path), self.root)
            if name.startswith("..") or collection_path.name == "__init__.py":
                return None
            if collection_path.is_dir():
                below = "" if name == "." else f"{name}/"
                return None if any(each.startswith(below) for each in self.files) else True
            return None if name in self.files else True

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> None:
        """Deselect the tests that were not selected."""
        left_out = [item for item in items if not self.includes(item.nodeid)]
        items[:] = [item for item in items if self.includes(item.nodeid)]
        if left_out:
            config.hook.pytest_deselected(items=left_out)

    def includes(self, nodeid: str) -> bool:
        """Return true if a test was selected, itself or by its file."""
        return nodeid in self.selected or nodeid.partition("::")[0] in self.selected


class Repetition:
    """A pytest plugin that runs all tests several times, and tears down all fixtures in between."""

    def __init__(self, times: int) -> None:
        self.times = times

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool | None:
        """Run all tests `times` times, each pass ended as a session is; None if only collecting."""
        if session.config.option.collectonly:
            return None
        for _ in range(self.times):
            for item, following in zip(session.items, [*session.items[1:], None]):  # noqa: B905
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if session.shouldstop or session.shouldfail:
                    raise session.Interrupted(session.shouldstop or session.shouldfail)
        return True


def _text(longrepr: Any) -> str:
    """Return the text of a failure or a skip; a skip has (file, line, reason)."""
    return str(longrepr[2] if isinstance(longrepr, tuple) else longrepr)
