"""A pytest plugin that writes one line of JSON per thing that happened to GROUNDSWELL_REPORT.

It is copied beside the target's tree and loaded there by name, so it needs nothing but pytest (6 or
later) and Python 3.8. GROUNDSWELL_SELECT names a file with a JSON list of node ids: then only these
are run, by the very command line of a full run, so that configuration and ids stay the same.
"""

import json
import os

import pytest

DETAIL = 2000
OWNER = "GROUNDSWELL_REPORT_OWNER"


def pytest_configure(config):
    """Report from the process that began the session; xdist's workers only select."""
    selected = _selected()
    if selected is not None:
        config.pluginmanager.register(Selection(config, selected), "groundswell-selection")
    # A pytest that a test starts must neither write into this report nor look for this plugin.
    path = os.environ.get("GROUNDSWELL_REPORT")
    if path and OWNER not in os.environ and not hasattr(config, "workerinput"):
        os.environ[OWNER] = str(os.getpid())
        os.environ.pop("PYTEST_ADDOPTS", None)
        config.pluginmanager.register(Reporter(path, selected), "groundswell-reporter")
        # Measured coverage is no test: a threshold must not fail a run of a few tests.
        if getattr(config.option, "cov_fail_under", None) is not None:
            config.option.cov_fail_under = 0


def _selected():
    path = os.environ.get("GROUNDSWELL_SELECT")
    if not path:
        return None
    with open(path, encoding="utf-8") as file:
        return frozenset(json.load(file))


class Reporter:
    """Every line is written at once and by this process alone, whatever the tests fork or break."""

    def __init__(self, path, selected):
        self.selected = selected or frozenset()
        self.pid = os.getpid()
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.write({"event": "start", "pytest": pytest.__version__})

    def write(self, line):
        if os.getpid() == self.pid:
            data = json.dumps(line).encode() + b"\n"
            while data:
                data = data[os.write(self.fd, data) :]

    def pytest_collectreport(self, report):
        """A module that cannot be collected is a result; one that can, only when asked for."""
        if report.outcome != "passed" or report.nodeid in self.selected:
            self.report("collect", report, "collect", 0.0)

    def pytest_runtest_logreport(self, report):
        """All phases of a test; of a subtest only what did not pass, since the rest says nothing."""
        context = getattr(report, "context", None)
        if context is None:
            self.report("test", report, report.when, report.duration)
        elif report.outcome == "failed":
            self.report("subtest", report, report.when, 0.0, _describe(context))

    def report(self, event, report, when, seconds, prefix=""):
        line = {"event": event, "id": report.nodeid, "when": when, "outcome": report.outcome}
        line["seconds"] = round(seconds, 6)
        if hasattr(report, "wasxfail"):
            line["xfail"] = str(report.wasxfail)
        if report.outcome != "passed":
            line["detail"] = prefix + _text(report.longrepr)[-DETAIL:]
        self.write(line)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session):
        """A run that was told to stop early says so: what it did not run has no result."""
        stopped = str(session.shouldstop or session.shouldfail or "")
        self.write({"event": "finish", "stopped": stopped, "collected": session.testscollected})


class Selection:
    """Leaves out everything but the selected tests, and does not even import the other modules."""

    def __init__(self, config, selected):
        self.selected = selected
        self.files = {each.partition("::")[0] for each in selected}
        self.root = str(getattr(config, "rootpath", None) or config.rootdir)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config, items):
        kept = [item for item in items if self.has(item.nodeid)]
        left_out = [item for item in items if not self.has(item.nodeid)]
        items[:] = kept
        if left_out:
            config.hook.pytest_deselected(items=left_out)

    def has(self, nodeid):
        return nodeid in self.selected or nodeid.partition("::")[0] in self.selected


def _describe(context):
    name = getattr(context, "msg", None)
    values = dict(getattr(context, "kwargs", None) or {})
    return "subtest {} {}\n".format(name or "", values)


def _text(longrepr):
    if isinstance(longrepr, tuple) and len(longrepr) == 3:
        return str(longrepr[2])
    return str(longrepr)
