"""Test sessions that import and collect everything again with a mutant switched on.

A process is forked before anything of the target is imported. It waits for requests, and forks one
session for each: so a mutant in code that runs at import is on while that code runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import pytest

from .channel import FOREVER, Channel, kill_group
from .outcomes import run_until_failure
from .switch import SWITCH

# To import and collect everything.
START_TIMEOUT_SECONDS = 60.0


class MutantForkServer:
    """The server process, as the main session sees it."""

    def __init__(self, pid: int, requests: Channel, replies: Channel) -> None:
        self.pid = pid
        self.is_killed = False
        self.requests = requests
        self.replies = replies
        requests.close_reading()
        replies.close_writing()

    def start_session(
        self, mutants: Iterable[int], tests: Iterable[str]
    ) -> tuple[Channel, int] | None:
        """Start a session that runs `tests` under `mutants`; return its channel and process id.

        Returns None, and ends the server, if it is gone or does not answer in time.
        """
        with suppress(OSError):
            self.requests.send(mutants=list(mutants), tests=list(tests))
            reply = self.replies.receive(START_TIMEOUT_SECONDS) or {}
            if "pid" in reply:
                return self.replies, int(reply["pid"])
        # What it might still answer must not be taken for the answer to a later request.
        self._kill()
        return None

    def wait_for_end(self) -> None:
        """Read what a killed session still sent, until the server says it ended or says nothing."""
        while True:
            reply = self.replies.receive(START_TIMEOUT_SECONDS)
            if not reply or "end" in reply:
                return

    def stop(self) -> None:
        """End the server process, unless it has been killed."""
        self.requests.close_writing()
        if not self.is_killed:
            os.waitpid(self.pid, 0)

    def _kill(self) -> None:
        """Kill the server process, once."""
        self.requests.close_writing()
        if not self.is_killed:
            self.is_killed = True
            kill_group(self.pid)


class FreshSession:
    """A pytest plugin for one session of the fork server: it runs the requested tests and ends."""

    def __init__(self, channel: Channel, tests: list[str]) -> None:
        self.channel = channel
        self.tests = tests

    def selected(self) -> frozenset[str]:
        """Return the ids of the tests to collect."""
        return frozenset(self.tests)

    def fail(self, culprit: str, reason: str) -> None:
        """Report that `culprit`, a test or a file, failed, and end the process."""
        del reason
        self.channel.send(failed=culprit)
        os._exit(0)

    def pytest_collectreport(self, report: Any) -> None:
        """Report a module that cannot be imported as a failure, and end the process."""
        if report.outcome == "failed":
            self.fail(report.nodeid or "(session)", "")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        """Run the requested tests in their order and end the process; one that is gone failed."""
        by_id = {each.nodeid: each for each in session.items}
        gone = [each for each in self.tests if each not in by_id]
        if gone:
            self.fail(gone[0], "")
        run_until_failure([by_id[each] for each in self.tests], self.channel)
        return True


def start_fork_server() -> MutantForkServer | FreshSession:
    """Fork the server. Returns its handle here, and a session in each process it forks."""
    requests, replies = Channel(), Channel()
    pid = os.fork()
    if pid:
        return MutantForkServer(pid, requests, replies)
    requests.close_writing()
    replies.close_reading()
    while True:
        request = requests.receive(FOREVER)
        if not request:
            os._exit(0)
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            replies.send(pid=os.getpid())
            SWITCH.turn_on(request["mutants"])
            return FreshSession(replies, request["tests"])
        os.waitpid(child, 0)
        replies.send(end=True)
