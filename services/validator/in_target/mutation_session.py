"""A pytest plugin that runs the tests under each mutant, until one of them kills it.

It replaces `by_pytest`. The session collects, and runs no test itself, so that it stays as it is
after the imports; every test runs in a fork of it. One fork runs all tests without a mutant, which
tells which tests pass and which mutants each of them reaches. Then each mutant has a fork, with
the tests that reach it, quickest first, until one fails. A mutant in code that runs at import is
tried in a session of the fork server (`fork_server`), which imports everything again.

The results are signed lines, as those of the other reporters are: see `signing`.
"""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .by_pytest import Selection, root_of
from .channel import FOREVER, Channel, fork, kill_group
from .fork_server import FreshSession, MutantForkServer, start_fork_server
from .mutant_runner import MutantRunner
from .outcomes import CURRENT, SHARED, run_and_report_all
from .signing import ReportWriter, may_report, selected, take_key
from .switch import SWITCH

# Mutants in code that runs at import each need a session; so many of them get one.
MAX_FRESH_SESSIONS = 4
# So many tests that fail without a mutant are named.
MAX_LISTED_FAILURES = 50
ONLY_EXECUTION_CHECKED = "it runs at import, and only that it runs was checked"


def _plan() -> dict[str, Any]:
    """Return the plan: the mutants, and how long trying them may take, in seconds."""
    text = Path(os.environ["GROUNDSWELL_MUTANTS"]).read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: Any) -> Iterator[None]:
    """Fork the server before anything of the target is imported, and register the session."""
    key = take_key()
    # Measuring coverage would be slow, and nobody reads it here.
    if getattr(early_config.known_args_namespace, "cov_source", None):
        early_config.known_args_namespace.cov_source = []
    session: MutationSession | FreshSession | None = None
    if key is not None and may_report():
        made = start_fork_server() if hasattr(os, "fork") else None
        if isinstance(made, FreshSession):
            session = made
        else:
            session = MutationSession(ReportWriter(key), made, _plan())
    outcome: Any = yield
    if session is not None:
        # Any later, and hooks that were asked for before would not know these plugins.
        for name, each in (("session", session), ("current", CURRENT), ("shared", SHARED)):
            early_config.pluginmanager.register(each, "groundswell-" + name)
        if outcome.excinfo:
            session.fail("conftest.py", str(outcome.excinfo[1]))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: Any) -> None:
    """Run everything, or the selected tests, in one process and in the suite's own order."""
    option = config.option
    option.maxfail = 0
    option.continue_on_collection_errors = True
    # Nobody reads how a mutant made a test fail, and pytest's own tracebacks take longer than most
    # tests.
    option.tbstyle = "native"
    option.showlocals = False
    for name, value in (
        *(("dist", "no"), ("tx", []), ("numprocesses", None), ("cov_source", [])),
        *(("cov_fail_under", 0), ("randomly_reorganize", False), ("randomly_seed", 0)),
    ):
        if getattr(option, name, None) is not None:
            setattr(option, name, value)
    os.environ.pop("PYTEST_ADDOPTS", None)
    session = config.pluginmanager.get_plugin("groundswell-session")
    only = selected() if session is None else session.selected()
    if only is not None:
        config.pluginmanager.register(Selection(root_of(config), only), "groundswell-selection")


class MutationSession:
    """The main session: it collects the tests, has every mutant tried, and reports the results."""

    def __init__(
        self, report: ReportWriter, server: MutantForkServer | None, plan: dict[str, Any]
    ) -> None:
        self.report = report
        self.server = server
        self.mutants: list[dict[str, Any]] = plan["mutants"]
        # After `seconds` only the first mutant of each change is tried, after `longest` none.
        self.seconds = float(plan["seconds"])
        self.longest = float(plan["longest"])
        self.runner = MutantRunner(server)
        self.imported: set[str] = set()
        self.reached_at_import: set[int] = set()
        self.fresh_sessions = 0
        self.collected = 0
        self.began = time.monotonic()
        report.write({"event": "start", "pytest": pytest.__version__})

    def selected(self) -> frozenset[str] | None:
        """Return the ids of the tests to collect; None for all."""
        return selected()

    def fail(self, culprit: str, reason: str) -> None:
        """Report that no mutant can be tried, as `culprit` could not be imported."""
        self._stop("%s could not be imported: %s" % (culprit, reason[:300]))  # noqa: UP031

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        """Try every mutant in forks, instead of running the tests here."""
        self.runner.items = {each.nodeid: each for each in session.items}
        self.collected = len(session.items)
        self.reached_at_import = set(SWITCH.reached)
        if self.server is None:
            self._stop("this system cannot fork a test session")
            return True
        self.runner.seconds_to_collect = time.monotonic() - self.began
        # Frozen objects are not touched by the collector, so a fork need not copy their pages.
        gc.collect()
        gc.freeze()
        if self._run_without_mutants(session):
            self._try_all()
        else:
            self._stop("the test session ended early without any mutant")
        return True

    def _try_all(self) -> None:
        """Try every mutant within the time that there is, and report the results."""
        now = time.monotonic()
        last = now + self.longest
        usual = now + min(self.seconds, self.longest)
        results = {
            each["id"]: self._try(each, last if each["first"] else usual) for each in self.mutants
        }
        self.runner.kill_together(results, last)
        for mutant in self.mutants:
            self._write(mutant, results[mutant["id"]])
        self._finish()

    def _run_without_mutants(self, session: Any) -> bool:
        """Run every test once in a fork and note how each ends; return whether it ended itself."""
        started = time.monotonic()
        channel = Channel()
        pid = fork(channel)
        if pid == 0:
            run_and_report_all(session, channel, {each["path"] for each in self.mutants})
        ended = False
        while True:
            message = channel.receive(FOREVER)
            if not message:
                break
            if message.get("passed"):
                self.runner.add_passing_test(message)
            elif message.get("failed"):
                self.runner.failing.append(message["test"])
            if "imported" in message:
                self.imported = set(message["imported"])
                ended = True
        kill_group(pid)
        channel.close()
        self.runner.suite_seconds = time.monotonic() - started
        return ended

    def _try(self, mutant: dict[str, Any], deadline: float) -> dict[str, Any]:
        """Return the result fields of one mutant, tried until a deadline of the monotonic clock."""
        number, when = mutant["id"], mutant["when"]
        at_import = number in self.reached_at_import
        usable, tests = self.runner.usable, self.runner.reaching.get(number, [])
        if when in {"reach", "imported"}:
            loaded = at_import if when == "reach" else mutant["path"] in self.imported
            executed = bool((loaded and usable) or tests)
            return {"killed": executed, "reached": executed}
        if when == "import" and tests and not at_import:
            # The test that imports the code first need not be the one that depends on it.
            tests = list(usable)
        found: dict[str, Any] = {"killed": False, "reached": bool(tests), "tests": len(tests)}
        if when == "call" or not at_import:
            found.update(self.runner.kill(number, tests, deadline))
        if at_import and found["killed"] is False and usable:
            found.update({"reached": True, "tests": len(usable)})
            found.update(self._kill_at_import(mutant, deadline))
        return found

    def _kill_at_import(self, mutant: dict[str, Any], deadline: float) -> dict[str, Any]:
        """Try a mutant in a fresh session with all tests, as any may depend on what is imported.

        Where that would take too long, the mutant counts as killed, because the code does run; most
        of what runs at import could only be checked for that.
        """
        result = None
        if self.fresh_sessions < MAX_FRESH_SESSIONS:
            self.fresh_sessions += 1
            same_file = [each["id"] for each in self.mutants if each["path"] == mutant["path"]]
            result = self.runner.kill_in_fresh_session(mutant["id"], same_file, deadline)
        return result or {"killed": True, "why": ONLY_EXECUTION_CHECKED}

    def _stop(self, why: str) -> None:
        """Report for every mutant that it cannot be tried, and why; then finish."""
        for each in self.mutants:
            self._write(each, {"killed": None, "why": why})
        self._finish()

    def _write(self, mutant: dict[str, Any], result: dict[str, Any]) -> None:
        """Write the signed line with the result of one mutant."""
        line = {"event": "mutant", "id": mutant["id"], "by": "", "tests": 0, "reached": False}
        self.report.write({**line, "why": "", **result})

    def _finish(self) -> None:
        """Write the last line of the report, with the number of usable tests; stop the server."""
        line = {"event": "finish", "stopped": "", "collected": self.collected}
        usable, failing = len(self.runner.usable), self.runner.failing[:MAX_LISTED_FAILURES]
        self.report.write({**line, "usable": usable, "failing": failing})
        if self.server is not None:
            self.server.stop()
