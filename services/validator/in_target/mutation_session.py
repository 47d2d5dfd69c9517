"""A pytest plugin that runs the tests once for each planted fault, as far as it takes to notice it.

It is used instead of `by_pytest`. The session collects and then runs nothing itself: it stays as it
was when all was just imported, and everything runs in forks of it. One of them runs every test without a fault, and
says which tests pass and which faults each of them reaches; then for each fault one runs the tests
that reach it, the quickest first, up to the first that fails. What runs at import is tried in forks of a process
that was put aside before anything was imported.

What is written is signed, as the other reports are: see `signing`.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from .by_pytest import Selection, _relative, _root
from .signing import Lines, may_report, selected, take_key
from .switch import REACHED, SWITCH, install

# A test under a fault may take so many times what it took without, and so many seconds more.
FACTOR, GRACE = 5.0, 2.0
# A test session needs this much to begin.
START = 60.0
# So many faults in what runs at import are tried, each in a test session that begins anew.
ANEW = 4
# What runs many tests once more for a few faults may take so much of what all of them took.
AFFORDABLE = 0.25
# What is worked out once and kept is reached by few tests.
KEPT = 2
LOOKED = "it runs at import, and was only looked at"
NOT_TRIED = {"noticed": None, "why": "there was no time left"}
# How a process with a fault ends: all its tests passed, one failed, or ended it or did not end.
PASSED, FAILED, ENDED, NO_TIME = "passed", "failed", "ended", "no time"
install()


def plan() -> dict[str, Any]:
    """What was planted, and how long trying it may take."""
    text = Path(os.environ["GROUNDSWELL_FAULTS"]).read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


class End(NamedTuple):
    """How a process with a fault ended: with its last test, or by which test."""

    by: str
    how: str


class Channel:
    """Lines of JSON from a fork to who waits for it."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        self.left = b""

    def say(self, **line: Any) -> None:
        data = json.dumps(line).encode() + b"\n"
        while data:
            data = data[os.write(self.writing, data) :]

    def hear(self, seconds: float) -> dict[str, Any] | None:
        """The next line; None where it did not come in time, and {} where none will come any more."""
        until = time.monotonic() + seconds
        while b"\n" not in self.left:
            wait = until - time.monotonic()
            if wait <= 0 or not select.select([self.reading], [], [], wait)[0]:
                return None
            data = os.read(self.reading, 65536)
            if not data:
                return {}
            self.left += data
        line, _, self.left = self.left.partition(b"\n")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def close(self) -> None:
        for each in (self.reading, self.writing):
            if each >= 0:
                os.close(each)
        self.reading = self.writing = -1

    def only_read(self) -> None:
        os.close(self.writing)
        self.writing = -1


class Results:
    """How the tests end that run in this process."""

    def __init__(self) -> None:
        self.failed = False
        self.passed = False

    @property
    def good(self) -> bool:
        return self.passed and not self.failed

    def clear(self) -> None:
        self.failed = self.passed = False

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.failed |= report.outcome == "failed"
        subtest = getattr(report, "context", None) is not None
        self.passed |= report.when == "call" and report.outcome == "passed" and not subtest


class Shared:
    """Which faults are reached by making a fixture that several tests share, of which only one makes it."""

    def __init__(self) -> None:
        self.by_fixture: dict[tuple[str, str], set[int]] = {}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        before = set(SWITCH.reached)
        SWITCH.reached.clear()
        yield
        if fixturedef.scope != "function":
            key = (fixturedef.argname, str(fixturedef.baseid))
            self.by_fixture.setdefault(key, set()).update(SWITCH.reached)
        SWITCH.reached |= before

    def of(self, item: Any) -> set[int]:
        found: set[int] = set()
        known = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
        for name in getattr(item, "fixturenames", ()):
            for each in known.get(name) or ():
                found |= self.by_fixture.get((name, str(each.baseid)), set())
        return found


RESULTS, SHARED = Results(), Shared()


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: Any) -> Iterator[None]:
    """Put a process aside before anything is imported, then go on."""
    key = take_key()
    # Measured code would be slow, and what it covers is no matter.
    if getattr(early_config.known_args_namespace, "cov_source", None):
        early_config.known_args_namespace.cov_source = []
    trials: Trials | Trial | None = None
    if key is not None and may_report():
        made = Trial.put_aside() if hasattr(os, "fork") else None
        trials = made if isinstance(made, Trial) else Trials(Lines(key), made, plan())
    outcome: Any = yield
    if trials is not None:
        # As early as this, or hooks that were asked for before would not know them.
        for name, each in (("trials", trials), ("results", RESULTS), ("shared", SHARED)):
            early_config.pluginmanager.register(each, "groundswell-" + name)
        if outcome.excinfo:
            trials.broke("conftest.py", str(outcome.excinfo[1]))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: Any) -> None:
    """One process, the suite's own order, nothing left out."""
    option = config.option
    option.maxfail = 0
    option.continue_on_collection_errors = True
    # Nobody reads how a fault made a test fail, and pytest's own telling takes longer than most tests.
    option.tbstyle = "native"
    option.showlocals = False
    for name, value in (
        *(("dist", "no"), ("tx", []), ("numprocesses", None), ("cov_source", [])),
        *(("cov_fail_under", 0), ("randomly_reorganize", False), ("randomly_seed", 0)),
    ):
        if getattr(option, name, None) is not None:
            setattr(option, name, value)
    os.environ.pop("PYTEST_ADDOPTS", None)
    trials = config.pluginmanager.get_plugin("groundswell-trials")
    only = selected() if trials is None else trials.selected()
    if only is not None:
        config.pluginmanager.register(Selection(_root(config), only), "groundswell-selection")


class Trial:
    """The process of one fault in what runs at import: it collects anew, and runs what it is told."""

    def __init__(self, channel: Channel, tests: list[str]) -> None:
        self.channel = channel
        self.tests = tests

    @classmethod
    def put_aside(cls) -> Trial | Aside:
        """Here what asks it; there, once for each time that it is asked, the process of a fault."""
        asking = Channel()
        answering = Channel()
        pid = os.fork()
        if pid:
            return Aside(pid, asking, answering)
        os.close(asking.writing)
        os.close(answering.reading)
        while True:
            asked = asking.hear(1e6)
            if not asked:
                os._exit(0)
            child = os.fork()
            if child == 0:
                os.setpgid(0, 0)
                answering.say(pid=os.getpid())
                SWITCH.turn_on(asked["faults"])
                return cls(answering, asked["tests"])
            os.waitpid(child, 0)
            answering.say(end=True)

    def selected(self) -> frozenset[str]:
        return frozenset(self.tests)

    def broke(self, by: str, why: str) -> None:
        """Here that is what was looked for."""
        del why
        self.channel.say(failed=by)
        os._exit(0)

    def pytest_collectreport(self, report: Any) -> None:
        if report.outcome == "failed":
            self.broke(report.nodeid or "(session)", "")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        by_id = {each.nodeid: each for each in session.items}
        gone = [each for each in self.tests if each not in by_id]
        if gone:
            self.broke(gone[0], "")
        run_until_failure([by_id[each] for each in self.tests], self.channel)
        return True


class Aside:
    """The process that was put aside, as seen from the session."""

    def __init__(self, pid: int, asking: Channel, answering: Channel) -> None:
        self.pid = pid
        self.asking = asking
        self.answering = answering
        os.close(asking.reading)
        answering.only_read()

    def begin(self, faults: Iterable[int], tests: Iterable[str]) -> tuple[Channel, int]:
        """Ask for a process of these faults, and who it is."""
        self.asking.say(faults=list(faults), tests=list(tests))
        said = self.answering.hear(START) or {}
        return self.answering, int(said["pid"])

    def end(self) -> None:
        os.close(self.asking.writing)
        os.waitpid(self.pid, 0)


def run_until_failure(items: list[Any], channel: Channel) -> None:
    """Run them one after the other, and end this process at the first failure or after the last."""
    for item, following in zip(items, [*items[1:], None]):  # noqa: B905 - Python 3.10's
        channel.say(begin=item.nodeid)
        RESULTS.clear()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if not RESULTS.good:
            channel.say(failed=item.nodeid)
            os._exit(0)
    channel.say(passed=True)
    os._exit(0)


class Trials:
    """The session: collects, and has everything tried in forks."""

    def __init__(self, lines: Lines, aside: Aside | None, told: dict[str, Any]) -> None:
        self.lines = lines
        self.aside = aside
        self.faults: list[dict[str, Any]] = told["faults"]
        self.seconds = float(told["seconds"])
        self.longest = float(told["longest"])
        self.usable: dict[str, float] = {}
        self.reach: dict[int, list[str]] = {}
        self.imported: set[str] = set()
        self.steady: dict[str, bool] = {}
        self.anew = 0
        # Seconds: until everything was collected, and what the tests took without a fault.
        self.began = time.monotonic()
        self.took = 0.0
        self.items: dict[str, Any] = {}
        self.at_import: set[int] = set()
        lines.write({"event": "start", "pytest": pytest.__version__})

    def selected(self) -> frozenset[str] | None:
        return selected()

    def broke(self, by: str, why: str) -> None:
        self.stop("%s could not be imported: %s" % (by, why[:300]))  # noqa: UP031

    def stop(self, why: str) -> None:
        """Nothing can be tried."""
        for each in self.faults:
            self.say(each, None, why=why)
        self.finish()

    def say(self, fault: dict[str, Any], noticed: bool | None, **more: Any) -> None:
        line = {"event": "fault", "id": fault["id"], "noticed": noticed}
        self.lines.write({**line, "by": "", "tests": 0, "reached": False, "why": "", **more})

    def finish(self) -> None:
        line = {"event": "finish", "stopped": "", "collected": len(self.items)}
        self.lines.write({**line, "usable": len(self.usable)})
        if self.aside is not None:
            self.aside.end()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        """Instead of running the tests here."""
        self.items = {each.nodeid: each for each in session.items}
        self.at_import = set(SWITCH.reached)
        if self.aside is None:
            self.stop("this system cannot fork a test session")
            return True
        self.began = time.monotonic() - self.began
        # What is there stays as it is: a fork need not copy it for being counted.
        gc.collect()
        gc.freeze()
        if not self.run_without(session):
            self.stop("the tests ended before their end without any fault")
            return True
        now = time.monotonic()
        until = {True: now + self.longest, False: now + min(self.seconds, self.longest)}
        found = {each["id"]: self.try_out(each, until[each["first"]]) for each in self.faults}
        self.try_together(found, until[True])
        for fault in self.faults:
            self.say(fault, **found[fault["id"]])
        self.finish()
        return True

    def run_without(self, session: Any) -> bool:
        """Every test once without a fault, in a fork; whether it came to its end."""
        started = time.monotonic()
        channel = Channel()
        pid = fork(channel)
        if pid == 0:
            probe(session, channel, {each["path"] for each in self.faults})
        ended = False
        while True:
            said = channel.hear(1e6)
            if not said:
                break
            if "test" in said and said["passed"]:
                self.usable[said["test"]] = said["seconds"]
                for number in said["reached"]:
                    self.reach.setdefault(number, []).append(said["test"])
            if "imported" in said:
                self.imported = set(said["imported"])
                ended = True
        stop(pid)
        channel.close()
        self.took = time.monotonic() - started
        return ended

    def try_out(self, fault: dict[str, Any], until: float) -> dict[str, Any]:
        """What becomes of one fault, as far as the time goes."""
        number, when = fault["id"], fault["when"]
        at_import, tests = number in self.at_import, self.reach.get(number, [])
        if when in {"reach", "imported"}:
            there = at_import if when == "reach" else fault["path"] in self.imported
            there = bool((there and self.usable) or tests)
            return {"noticed": there, "reached": there}
        if when == "import" and tests and not at_import:
            # What imports it need not be what uses it.
            tests = list(self.usable)
        found: dict[str, Any] = {"noticed": False, "reached": bool(tests), "tests": len(tests)}
        if when == "call" or not at_import:
            found |= self.notice(number, tests, until)
        if at_import and found["noticed"] is False and self.usable:
            found |= {"reached": True, "tests": len(self.usable)}
            found |= self.notice_anew(fault, until)
        return found

    def notice(self, number: int, tests: list[str], until: float) -> dict[str, Any]:
        """Whether a test notices it, which, and why that is not known; the quickest first.

        A test that fails without the fault too, or only sometimes, has noticed nothing.
        """
        left = sorted(tests, key=lambda each: (self.usable[each], each))
        left = [each for each in left if self.steady.get(each, True)]
        while left:
            end = self.run([number], left, until)
            if end.how == PASSED:
                break
            if end.how == NO_TIME:
                return dict(NOT_TRIED)
            steady = self.is_steady(end.by, until)
            if steady is None:
                return dict(NOT_TRIED)
            if steady:
                return {"noticed": True, "by": end.by}
            left = left[left.index(end.by) + 1 :]
        return {"noticed": False}

    def notice_anew(self, fault: dict[str, Any], until: float) -> dict[str, Any]:
        """The same in a session that begins anew, with all tests, since any may use what is imported.

        Where that would take long, what runs at import is only looked at, as most of it is.
        """
        if self.anew >= ANEW:
            return {"noticed": True, "why": LOOKED}
        self.anew += 1
        near = {
            _file(test)
            for each in self.faults
            if each["path"] == fault["path"]
            for test in self.reach.get(each["id"], ())
        }
        tests = sorted(self.usable, key=lambda each: _file(each) not in near)
        until = min(until, self.afford(self.began))
        end = self.run([fault["id"]], tests, until, anew=True)
        if end.how == PASSED:
            return {"noticed": False}
        if end.how != NO_TIME:
            place = next((n for n, each in enumerate(tests) if each.startswith(end.by)), 0)
            without = self.run([], tests[: place + 1], until + GRACE, anew=True)
            if without.how == PASSED:
                return {"noticed": True, "by": end.by}
            if without.how != NO_TIME:
                why = "a test session that begins anew fails without the fault too"
                return {"noticed": None, "why": why}
        return {"noticed": True, "why": LOOKED}

    def afford(self, more: float = 0.0) -> float:
        """Until when one thing may take: what runs the tests again may not do so for ever."""
        return time.monotonic() + more + GRACE + AFFORDABLE * self.took

    def try_together(self, found: dict[int, dict[str, Any]], until: float) -> None:
        """Once more what stayed green and few tests reach, at once and with the tests beside those.

        Of what is worked out once and kept, only the first test was seen to reach it; another may notice.
        """
        green = [
            number
            for number, each in found.items()
            if each["noticed"] is False and 0 < len(self.reach.get(number, ())) <= KEPT
        ]
        files = {_file(test) for each in green for test in self.reach[each]}
        left = [
            each for each in self.usable if _file(each) in files and self.steady.get(each, True)
        ]
        until = min(until, self.afford())
        while green and left:
            end = self.run(green, left, until)
            if end.how in {PASSED, NO_TIME}:
                return
            if self.is_steady(end.by, until):
                for number in [each for each in green if self.fails(each, end.by, until)]:
                    found[number] = {**found[number], "noticed": True, "by": end.by}
                    green.remove(number)
            left = left[left.index(end.by) + 1 :]

    def fails(self, number: int, test: str, until: float) -> bool:
        """Whether a test fails under a fault."""
        return self.run([number], [test], until).how in {FAILED, ENDED}

    def is_steady(self, test: str, until: float) -> bool | None:
        """Whether it passes without a fault, alone; None where there is no time to know."""
        if test not in self.steady:
            end = self.run([], [test], until)
            if end.how == NO_TIME:
                return None
            self.steady[test] = end.how == PASSED
        return self.steady[test]

    def run(self, faults: list[int], tests: list[str], until: float, *, anew: bool = False) -> End:
        """These tests with these faults, up to the first that fails."""
        if anew and self.aside is not None:
            channel, pid = self.aside.begin(faults, tests)
        else:
            channel = Channel()
            pid = fork(channel)
            if pid == 0:
                SWITCH.turn_on(faults)
                run_until_failure([self.items[each] for each in tests], channel)
        try:
            return self.wait(channel, tests[0], until, START if anew else GRACE)
        finally:
            stop(pid, reap=not anew)
            if anew:
                while (said := channel.hear(START)) and "end" not in said:
                    pass
            else:
                channel.close()

    def wait(self, channel: Channel, first: str, until: float, patience: float) -> End:
        """What became of a process; a test that does not end, or ends it, has noticed."""
        test, limit = first, patience
        while True:
            left = until - time.monotonic()
            said = channel.hear(min(limit, left))
            if said is None:
                return End(test, NO_TIME if left <= limit else ENDED)
            if not said or "end" in said:
                return End(test, ENDED)
            if "failed" in said:
                return End(str(said["failed"]), FAILED)
            if "passed" in said:
                return End("", PASSED)
            if "begin" in said:
                test = said["begin"]
                limit = FACTOR * self.usable.get(test, 0.0) + GRACE


def _file(test: str) -> str:
    return test.partition("::")[0]


def fork(channel: Channel) -> int:
    """A process group of its own; the channel leads from it to here."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        os.close(channel.reading)
        channel.reading = -1
    else:
        channel.only_read()
    return pid


def stop(pid: int, *, reap: bool = True) -> None:
    """End a process and what it started."""
    for end in (os.killpg, os.kill):
        with suppress(OSError):
            end(pid, signal.SIGKILL)
    if reap:
        os.waitpid(pid, 0)


def probe(session: Any, channel: Channel, paths: set[str]) -> None:
    """Run every test, say how it ended and which faults it reached, and end this process."""
    SWITCH.asked = os.getpid()
    told = Path(os.environ["GROUNDSWELL_FAULTS"]).with_name("reached")
    os.environ[REACHED] = str(told)
    found: list[tuple[Any, dict[str, Any]]] = []
    for item, following in zip(session.items, [*session.items[1:], None]):  # noqa: B905
        RESULTS.clear()
        SWITCH.reached.clear()
        began = time.perf_counter()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        seconds = time.perf_counter() - began
        line = {"test": item.nodeid, "passed": RESULTS.good, "seconds": seconds}
        found.append((item, {**line, "reached": SWITCH.reached | _told(told)}))
    for item, line in found:
        channel.say(**{**line, "reached": sorted(line["reached"] | SHARED.of(item))})
    channel.say(imported=sorted(_imported(paths, _root(session.config))))
    os._exit(0)


def _told(path: Path) -> set[int]:
    """What the Pythons that a test started have reached."""
    if not path.exists():
        return set()
    found = {int(each) for each in path.read_text(encoding="ascii").split()}
    path.unlink()
    return found


def _imported(paths: set[str], root: str) -> set[str]:
    """Those of these files that are modules here."""
    files = {getattr(each, "__file__", None) for each in list(sys.modules.values())}
    top = os.environ.get("GROUNDSWELL_TREE", root)
    known = {_relative(os.path.realpath(each), os.path.realpath(top)) for each in files if each}
    return paths & known
