"""Running tests under mutants, to find out which mutants they kill."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from .channel import Channel, fork, kill_group
from .fork_server import START_TIMEOUT_SECONDS, MutantForkServer
from .outcomes import run_until_failure
from .switch import SWITCH

# A test under a mutant may take so many times its usual time, and so many seconds more.
TIMEOUT_FACTOR, TIMEOUT_EXTRA_SECONDS = 5.0, 2.0
# What runs many tests again for a few mutants may take this share of the whole suite's time.
MAX_RERUN_SHARE = 0.25
# The result of a cached function is computed in the first of its tests, so few tests reach it.
MAX_TESTS_OF_CACHED = 2
NO_TIME_LEFT = {"killed": None, "why": "the time for mutants was up ([test] extra)"}
# How a process under a mutant ended: all its tests passed, one failed, one ended the process or did
# not end itself, the time for all of it was up, or the process did not start.
PASSED, FAILED, CRASHED, NO_TIME = "passed", "failed", "crashed", "no time"
NOT_STARTED = "not started"
# The result of a mutant whose fresh session came to no end.
WITHOUT_END: dict[str, dict[str, Any] | None] = {
    NO_TIME: None,
    NOT_STARTED: {"killed": None, "why": "no fresh test session could be started"},
}


class ProcessEnd(NamedTuple):
    """How a process under a mutant ended, and the test (or file) that decided it."""

    test: str
    how: str


class MutantRunner:
    """Runs tests under mutants in forks of this process, or in fresh sessions of the fork server.

    `usable` are the tests that pass without a mutant, with their seconds, and `failing` those that
    fail without one; `reaching` has for each
    mutant the usable tests that reach it. Deadlines are times of the monotonic clock.
    """

    def __init__(self, server: MutantForkServer | None) -> None:
        self.server = server
        self.items: dict[str, Any] = {}
        self.usable: dict[str, float] = {}
        self.failing: list[str] = []
        self.reaching: dict[int, list[str]] = {}
        self.stable: dict[str, bool] = {}
        self.seconds_to_collect = 0.0
        self.suite_seconds = 0.0

    def add_passing_test(self, message: dict[str, Any]) -> None:
        """Add a test that passes without a mutant: its id, seconds, and the mutants it reaches."""
        self.usable[message["test"]] = message["seconds"]
        for number in message["reached"]:
            self.reaching.setdefault(number, []).append(message["test"])

    def kill(self, number: int, tests: list[str], deadline: float) -> dict[str, Any]:
        """Run tests under a mutant, quickest first, until one kills it; return the result's fields.

        These are `killed`, with `by` if it was; `killed` is None if the time was up, as `why` says.
        A test that also fails without the mutant, or only sometimes, has not killed it.
        """
        left = sorted(tests, key=lambda each: (self.usable[each], each))
        left = [each for each in left if self.stable.get(each, True)]
        while left:
            end = self._run([number], left, deadline)
            if end.how == PASSED:
                break
            stable = None if end.how == NO_TIME else self._is_stable(end.test, deadline)
            if stable is None:
                return dict(NO_TIME_LEFT)
            if stable:
                return {"killed": True, "by": end.test}
            left = left[left.index(end.test) + 1 :]
        return {"killed": False}

    def kill_in_fresh_session(
        self, number: int, same_file: list[int], deadline: float
    ) -> dict[str, Any] | None:
        """Run all tests under a mutant in a session that imports everything again.

        Those near the tests that reach mutants of the `same_file` run first. Returns None where
        the time does not suffice to know.
        """
        near = {_file(test) for each in same_file for test in self.reaching.get(each, ())}
        tests = sorted(self.usable, key=lambda each: _file(each) not in near)
        deadline = min(deadline, self._affordable_until(self.seconds_to_collect))
        end = self._run([number], tests, deadline, fresh=True)
        if end.how == PASSED:
            return {"killed": False}
        if end.how in WITHOUT_END:
            return WITHOUT_END[end.how]
        place = next((n for n, each in enumerate(tests) if each.startswith(end.test)), 0)
        until = deadline + TIMEOUT_EXTRA_SECONDS
        without = self._run([], tests[: place + 1], until, fresh=True)
        if without.how == PASSED:
            return {"killed": True, "by": end.test}
        if without.how in WITHOUT_END:
            return WITHOUT_END[without.how]
        return {"killed": None, "why": "a fresh test session fails without the mutant too"}

    def kill_together(self, results: dict[int, dict[str, Any]], deadline: float) -> None:
        """Try the survivors that few tests reach once more, together, with the tests beside those.

        Where a result is cached, only the first test is seen to reach the code that computes it,
        and another may kill its mutant. Updates `results`.
        """
        survivors = [
            number
            for number, each in results.items()
            if each["killed"] is False
            and 0 < len(self.reaching.get(number, ())) <= MAX_TESTS_OF_CACHED
        ]
        files = {_file(test) for each in survivors for test in self.reaching[each]}
        left = [
            each for each in self.usable if _file(each) in files and self.stable.get(each, True)
        ]
        deadline = min(deadline, self._affordable_until())
        while survivors and left:
            end = self._run(survivors, left, deadline)
            if end.how in {PASSED, NO_TIME}:
                return
            if self._is_stable(end.test, deadline):
                for number in [each for each in survivors if self._kills(end.test, each, deadline)]:
                    results[number] = {**results[number], "killed": True, "by": end.test}
                    survivors.remove(number)
            left = left[left.index(end.test) + 1 :]

    def _affordable_until(self, extra_seconds: float = 0.0) -> float:
        """Return the deadline of a step that runs many tests again, by the suite's time."""
        allowed = TIMEOUT_EXTRA_SECONDS + MAX_RERUN_SHARE * self.suite_seconds
        return time.monotonic() + extra_seconds + allowed

    def _kills(self, test: str, number: int, deadline: float) -> bool:
        """Return true if a test fails or crashes under a mutant."""
        return self._run([number], [test], deadline).how in {FAILED, CRASHED}

    def _is_stable(self, test: str, deadline: float) -> bool | None:
        """Return whether a test passes alone without a mutant; None where no time is left."""
        if test not in self.stable:
            end = self._run([], [test], deadline)
            if end.how == NO_TIME:
                return None
            self.stable[test] = end.how == PASSED
        return self.stable[test]

    def _run(
        self, mutants: list[int], tests: list[str], deadline: float, *, fresh: bool = False
    ) -> ProcessEnd:
        """Run tests in a new process with these mutants on until one fails; return how it ended."""
        if fresh and self.server is not None:
            session = self.server.start_session(mutants, tests)
            if session is None:
                return ProcessEnd("", NOT_STARTED)
            channel, pid = session
            try:
                return self._wait(channel, tests[0], deadline, START_TIMEOUT_SECONDS)
            finally:
                # The server is its parent, and reaps it.
                kill_group(pid, reap=False)
                self.server.wait_for_end()
        channel = Channel()
        pid = fork(channel)
        if pid == 0:
            SWITCH.turn_on(mutants)
            run_until_failure([self.items[each] for each in tests], channel)
        try:
            return self._wait(channel, tests[0], deadline, TIMEOUT_EXTRA_SECONDS)
        finally:
            kill_group(pid)
            channel.close()

    def _wait(
        self, channel: Channel, first: str, deadline: float, start_timeout: float
    ) -> ProcessEnd:
        """Return how a process ended; a test that takes too long, or ends it, has crashed."""
        test, timeout = first, start_timeout
        while True:
            left = deadline - time.monotonic()
            message = channel.receive(min(timeout, left))
            if message is None:
                return ProcessEnd(test, NO_TIME if left <= timeout else CRASHED)
            if not message or "end" in message:
                return ProcessEnd(test, CRASHED)
            if "failed" in message:
                return ProcessEnd(str(message["failed"]), FAILED)
            if "passed" in message:
                return ProcessEnd("", PASSED)
            if "begin" in message:
                test = message["begin"]
                timeout = TIMEOUT_FACTOR * self.usable.get(test, 0.0) + TIMEOUT_EXTRA_SECONDS


def _file(test: str) -> str:
    """Return the file of a pytest node id."""
    return test.partition("::")[0]
