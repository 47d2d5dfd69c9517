"""A history replayed over fakes of what runs: judged, told once, gone on with, stopped."""

import asyncio
import sys
import types
from collections import Counter

import pytest

from services.validator.backtest.adapters import GitHistory
from services.validator.backtest.usecases.backtest import (
    resume_backtests,
    start_backtest,
    stop_backtest,
)
from services.validator.backtest.usecases.replay import replay
from services.validator.findings.adapters import RegisteredDetectors
from services.validator.git.adapters.repository import GitRepository
from services.validator.suite.domain.reports import (
    Infrastructure,
    Outcome,
)
from shared.contracts.commands import BacktestTarget, StopBacktest
from shared.contracts.events import BacktestFinished, CommitReplayed
from shared.contracts.states import BacktestState
from shared.contracts.work import RunTests
from shared.environments.ports import Environment
from shared.kernel.errors import Rejected
from shared.kernel.ids import uuid7
from shared.mongo import leadership
from shared.targets.mirror import Mirror
from tests.support.buses import RecordingBus
from tests.support.fake_report import fake_report
from tests.support.histories import a_history
from tests.support.memory import a_store
from tests.support.repositories import a_repository, checkout_of, commit, git
from tests.support.runs import execute_run
from tests.support.validator_deps import a_validator

# Git takes this name, but no tree with it is written to disk.
UNSAFE = "a\\b.py"


class Suite:
    """Runs the base's `test_calc.py` over a tree's `calc.py`, here: both are ours."""

    def __init__(self, tree):
        self.tree = tree
        self.runs = Counter()
        self.breaks = None
        self.flaky = ""
        self.only = None
        self.wait = None

    async def run(
        self, tree_oid, profile, environment, tests=(), *, target_id, base_oid="", repeat=1, **_
    ):
        self.runs[tree_oid, base_oid, tests] += 1
        if self.wait is not None:
            await self.wait.wait()
        if self.breaks == tree_oid:
            return Infrastructure("it was cut off")
        code, judge = self.tree(target_id, tree_oid), self.tree(target_id, base_oid or tree_oid)
        found = outcomes(code.read("calc.py").decode(), judge.read("test_calc.py").decode())
        first = self.runs[tree_oid, base_oid, tests] == 1 and not tests
        if self.flaky in found and first and self.only in {None, tree_oid}:
            found[self.flaky] = Outcome.FAILED
        return fake_report(found, tests, repeat=repeat, each=1.0, seconds=2.0)


def outcomes(code, tests):
    calc = types.ModuleType("calc")
    known, sys.modules["calc"] = sys.modules.get("calc"), calc
    try:
        names = {"__name__": "test_calc"}
        try:
            exec(code, calc.__dict__)
            exec(tests, names)
        except (ImportError, SyntaxError):
            return {"test_calc.py": Outcome.ERROR}
        return {
            f"test_calc.py::{name}": _outcome(each)
            for name, each in names.items()
            if name.startswith("test_")
        }
    finally:
        sys.modules.pop("calc")
        if known is not None:
            sys.modules["calc"] = known


def _outcome(test):
    try:
        test()
    except Exception:  # noqa: BLE001
        return Outcome.FAILED
    return Outcome.PASSED


class Environments:
    def __init__(self):
        self.fails = ""

    async def prepare(self, target_id, profile, tree_oid):
        if self.fails:
            raise Rejected(self.fails, code="setup_failed")
        return Environment("e", None, (), 3.0, cached=False)


class Loopback(RecordingBus):
    """Carries out the runs that are asked for."""

    deps = None

    async def publish(self, message, *, key, wave=""):
        await super().publish(message, key=key, wave=wave)
        if isinstance(message, RunTests):
            self.runner = asyncio.create_task(execute_run(message, self.deps))


class Bench:
    def __init__(self, tmp_path):
        self.place = tmp_path / "target"
        self.home = tmp_path / "home"
        self.made = a_history(self.place)
        self.names = {oid: name for name, oid in self.made.items()}
        self.suite = Suite(lambda target, oid: Mirror.at(self.home, target).tree(oid))
        self.environments = Environments()
        self.store = a_store()
        self.deps = self.deps_of()

    def deps_of(self):
        bus = Loopback()
        bus.deps = a_validator(
            self.store,
            self.home,
            bus=bus,
            suite=self.suite,
            environments=self.environments,
            repository=lambda target: GitRepository(self.mirror(target)),
            history=lambda target: GitHistory(self.mirror(target)),
            detectors=RegisteredDetectors(
                self.home / "v", lambda target: Mirror.at(self.home, target)
            ),
        )
        return bus.deps

    def mirror(self, target):
        return Mirror.at(self.home, target.id)

    def command(self, since="start", **fields):
        known = {"limit": 200, "backtest_id": uuid7()}
        rev = self.made.get(since, since)
        return BacktestTarget(target=str(self.place), since=rev, **{**known, **fields})

    async def run(self, command=None, deps=None):
        deps = deps or self.deps
        command = command or self.command()
        await start_backtest(command, deps)
        await deps.process.running_backtests.get(command.backtest_id)
        return await self.store.backtests.require(command.backtest_id)

    def by_name(self, backtest):
        return {self.names[each.commit]: each for each in backtest.replayed}


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


async def test_each_commit_is_judged_on_its_parent_and_against_what_came_later(bench):
    backtest = await bench.run()
    assert backtest.state is BacktestState.COMPLETED, backtest.failure
    found = bench.by_name(backtest)
    assert {name: each.outcome for name, each in found.items()} == {
        "good": "fine",
        "broke": "caught",
        "fix": "fine",
        "tested": "asked",
        "unseen": "missed",
        "reverted": "fine",
        "both": "asked",
    }
    assert found["broke"].tests == found["broke"].broken_tests == ("test_calc.py::test_add",)
    assert [each.commit for each in found["broke"].later] == [bench.made["fix"]]
    assert [each.kind for each in found["unseen"].later] == ["reverted"]
    assert found["tested"].protected == ("test_calc.py",)
    assert found["tested"].code == ""
    assert found["both"].code == "refuse"
    assert (backtest.summary.caught, backtest.summary.missed, backtest.summary.asked) == (1, 1, 2)


async def test_it_is_told_commit_by_commit_and_at_the_end(bench):
    backtest = await bench.run()
    told = bench.deps.bus.of(CommitReplayed)
    assert [each.done for each in told] == [1, 2, 3, 4, 5, 6, 7]
    assert {each.total for each in told} == {7}
    [end] = bench.deps.bus.of(BacktestFinished)
    assert (end.backtest_id, end.state) == (backtest.id, "completed")


async def test_its_events_name_the_target_even_where_its_document_does_not_yet(bench):
    done = await bench.run()
    target = await bench.store.targets.require(done.target_id)
    fields = {
        "id": uuid7(),
        "state": BacktestState.RUNNING,
        "replayed": (),
        "target_id": None,
    }
    again = done.model_copy(update=fields)
    await bench.store.backtests.insert(again)
    assert await replay(again, target, bench.deps)
    told = [each for each in bench.deps.bus.of(CommitReplayed) if each.backtest_id == again.id]
    assert {each.target_id for each in told} == {target.id}


async def test_nothing_of_the_repository_is_touched_and_nothing_lands(bench):
    before = checkout_of(bench.place)
    await bench.run()
    assert checkout_of(bench.place) == before
    assert not await bench.store.enhancements.find()


async def test_a_commit_that_keeps_the_tests_costs_one_run_which_is_the_next_ones_base(bench):
    backtest = await bench.run()
    found = bench.by_name(backtest)
    assert (found["good"].full, found["good"].targeted) == (1, 0)
    # Seven commits and their start under their own tests, and the other part of one: no more full
    # runs.
    assert sum(not tests for _, _, tests in bench.suite.runs) <= 8
    assert found["broke"].targeted > 0


async def test_a_second_backtest_runs_nothing_again(bench):
    first = await bench.run()
    runs = bench.suite.runs.total()
    bench.deps.clock.go(seconds=1)
    second = await bench.run(bench.command(limit=199))
    assert bench.suite.runs.total() == runs
    assert [each.outcome for each in second.replayed] == [each.outcome for each in first.replayed]
    assert (first.summary.reused_runs, second.summary.reused_runs) == (0, runs)
    assert second.summary.full == first.summary.full


async def test_a_command_that_comes_twice_is_one_backtest(bench):
    command = bench.command()
    await asyncio.gather(start_backtest(command, bench.deps), start_backtest(command, bench.deps))
    assert len(bench.deps.process.running_backtests.all()) == 1
    await bench.deps.process.running_backtests.get(command.backtest_id)
    await start_backtest(command, bench.deps)
    assert len(await bench.store.backtests.find()) == 1
    assert len(bench.deps.bus.of(BacktestFinished)) == 1


async def test_one_whose_validator_was_killed_is_gone_on_with_and_nothing_is_told_twice(bench):
    command = bench.command()
    await start_backtest(command, bench.deps)
    while len((await bench.store.backtests.require(command.backtest_id)).replayed) < 3:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    bench.deps.process.running_backtests.get(command.backtest_id).cancel()
    await asyncio.gather(bench.deps.bus.runner, return_exceptions=True)
    runs = bench.suite.runs.copy()
    commit(bench.place, {"calc.py": "ZERO = 0\n"}, "what comes in between")
    other = bench.deps_of()
    await resume_backtests(other)
    await other.process.running_backtests.get(command.backtest_id)
    backtest = await bench.store.backtests.require(command.backtest_id)
    assert backtest.state is BacktestState.COMPLETED
    assert [bench.names[each.commit] for each in backtest.replayed][-1] == "both"
    # The key of a message follows from its content: the last stored result is published again
    # under its own key.
    published = [
        each
        for each in bench.deps.bus.published + other.bus.published
        if isinstance(each.message, CommitReplayed)
    ]
    assert len({each.key for each in published}) == 7
    assert len(published) <= 8
    again = [key for key, number in runs.items() if bench.suite.runs[key] != number]
    assert len(again) <= 1, "only the one that was cut off is made anew"


async def test_one_validator_at_a_time_works_on_a_backtest(bench, monkeypatch):
    monkeypatch.setattr(leadership, "RETRY_SECONDS", 0.01)
    command = bench.command()
    bench.suite.wait = asyncio.Event()
    await start_backtest(command, bench.deps)
    other = bench.deps_of()
    await resume_backtests(other)
    await asyncio.wait_for(other.process.running_backtests.get(command.backtest_id), 5)
    assert not other.bus.published
    bench.suite.wait.set()
    await bench.deps.process.running_backtests.get(command.backtest_id)
    await resume_backtests(other)
    backtest = await bench.store.backtests.require(command.backtest_id)
    assert backtest.state is BacktestState.COMPLETED
    assert not other.bus.published


async def test_one_that_is_stopped_ends_at_once_and_keeps_what_it_has(bench):
    command = bench.command()
    bench.suite.wait = asyncio.Event()
    await start_backtest(command, bench.deps)
    await asyncio.sleep(0.05)
    task = bench.deps.process.running_backtests.get(command.backtest_id)
    await stop_backtest(StopBacktest(backtest_id=command.backtest_id), bench.deps)
    await asyncio.wait([task], timeout=1)
    assert task.cancelled()
    backtest = await bench.store.backtests.require(command.backtest_id)
    assert backtest.state is BacktestState.STOPPED
    assert [each.state for each in bench.deps.bus.of(BacktestFinished)] == ["stopped"]
    await resume_backtests(bench.deps)
    assert not bench.deps.process.running_backtests.all()
    await stop_backtest(StopBacktest(backtest_id=command.backtest_id), bench.deps)
    assert len(bench.deps.bus.of(BacktestFinished)) == 1


async def test_one_that_another_validator_stopped_is_left_at_the_next_commit(bench):
    command = bench.command()
    bench.suite.wait = asyncio.Event()
    await start_backtest(command, bench.deps)
    await asyncio.sleep(0.05)
    await stop_backtest(StopBacktest(backtest_id=command.backtest_id), bench.deps_of())
    bench.suite.wait.set()
    await bench.deps.process.running_backtests.get(command.backtest_id)
    backtest = await bench.store.backtests.require(command.backtest_id)
    assert (backtest.state, backtest.replayed) == (BacktestState.STOPPED, ())


async def test_what_cannot_be_built_is_not_measurable_and_nothing_else(bench):
    bench.environments.fails = "no such Python"
    backtest = await bench.run()
    assert backtest.state is BacktestState.FAILED
    assert backtest.failure.code == "nothing_measured"
    assert "no such Python" in backtest.failure.hint
    assert {each.outcome for each in backtest.replayed} == {"unknown"}


async def test_a_parent_without_a_report_is_not_measurable_and_the_others_are(bench):
    target = (await bench.run(bench.command("both~1"))).target_id
    bench.suite.breaks = Mirror.at(bench.home, target).tree(bench.made["tested"]).oid
    found = bench.by_name(await bench.run())
    assert found["unseen"].outcome == "unknown"
    assert "cut off" in found["unseen"].why
    assert found["broke"].outcome == "caught"
    # Taken back, it is that very tree again.
    assert (found["reverted"].verdict, found["reverted"].outcome) == ("unknown", "unknown")


async def test_a_test_that_fails_once_and_passes_again_refuses_nothing(bench):
    bench.suite.flaky = "test_calc.py::test_zero"
    target = (await bench.run(bench.command("both~1"))).target_id
    bench.suite.only = Mirror.at(bench.home, target).tree(bench.made["good"]).oid
    found = bench.by_name(await bench.run())
    assert found["good"].verdict == "land"
    assert found["good"].targeted > 0
    assert found["good"].broken_tests == ()


async def test_a_rule_refuses_without_a_run(bench):
    was = (bench.place / "calc.py").read_text()
    commit(bench.place, {"calc.py": was + "\n\ndef run(x):\n    return eval(x)\n"}, "a door")
    commit(bench.place, {"calc.py": "def broken(:\n"}, "oops")
    backtest = await bench.run(bench.command("both"))
    door, syntax = backtest.replayed
    assert (door.verdict, door.outcome, door.full) == ("refuse", "rule", 0)
    assert door.rule == "findings: it adds S307 at calc.py:13"
    assert (syntax.verdict, syntax.outcome, syntax.full) == ("refuse", "rule", 0)
    assert "would not be valid Python" in syntax.rule


async def test_merges_are_no_proposals_and_only_the_newest_are_replayed(bench):
    git(bench.place, "switch", "--quiet", "-c", "side", bench.made["good"])
    commit(bench.place, {"side.py": "x = 1\n"}, "aside")
    git(bench.place, "switch", "--quiet", "main")
    git(bench.place, "merge", "--quiet", "--no-ff", "-m", "merge side", "side")
    backtest = await bench.run(bench.command(limit=2))
    assert [bench.names[each.commit] for each in backtest.replayed] == ["reverted", "both"]
    assert backtest.total == 2


@pytest.mark.parametrize(
    ("since", "code"),
    [("nonsense", "no_revision"), ("--all", "no_revision"), ("HEAD", "no_commits_since")],
)
async def test_what_cannot_be_replayed_is_said_in_words(bench, since, code):
    backtest = await bench.run(bench.command(since))
    assert backtest.state is BacktestState.FAILED
    assert backtest.failure.code == code
    assert [each.state for each in bench.deps.bus.of(BacktestFinished)] == ["failed"]


async def test_a_revision_that_the_branch_does_not_contain_is_refused(bench):
    git(bench.place, "switch", "--quiet", "-c", "side", bench.made["good"])
    side = commit(bench.place, {"side.py": "x = 1\n"}, "aside")
    git(bench.place, "switch", "--quiet", "main")
    backtest = await bench.run(bench.command(side))
    assert backtest.failure.code == "not_an_ancestor"


async def test_a_target_without_tests_is_refused(bench, tmp_path):
    place = a_repository(tmp_path / "bare", m_py="x = 1\n")
    start = commit(place, {}, "one")
    commit(place, {"m.py": "x = 2\n"}, "two")
    command = bench.command().model_copy(update={"target": str(place), "since": start})
    assert (await bench.run(command)).failure.code == "no_tests"


async def test_a_commit_that_cannot_be_read_is_unknown_and_the_others_are_judged(bench):
    calc = (bench.place / "calc.py").read_text()
    commit(bench.place, {UNSAFE: "x = 1\n"}, "unsafe")
    (bench.place / UNSAFE).unlink()
    commit(bench.place, {"calc.py": calc}, "fix: safe again")
    commit(bench.place, {"calc.py": calc + "\n\nONE = 1\n"}, "one")
    backtest = await bench.run(bench.command("both"))
    assert backtest.state is BacktestState.COMPLETED, backtest.failure
    unsafe, fixed, one = backtest.replayed
    assert (unsafe.verdict, fixed.verdict, one.verdict) == ("unknown", "unknown", "land")
    assert unsafe.why.startswith("it cannot be read: The repository has an entry")
    assert fixed.why.startswith("its parent cannot be measured: it cannot be read")


async def test_the_newest_commit_may_be_one_that_cannot_be_read(bench):
    git(bench.place, "switch", "--quiet", "-c", "side")
    commit(bench.place, {"side.py": "x = 1\n"}, "aside")
    git(bench.place, "switch", "--quiet", "main")
    commit(bench.place, {UNSAFE: "x = 1\n"}, "unsafe")
    git(bench.place, "merge", "--quiet", "--no-ff", "--no-commit", "side")
    git(bench.place, "rm", "--quiet", UNSAFE.replace("\\", "\\\\"))
    git(bench.place, "commit", "--quiet", "-m", "merge side")
    backtest = await bench.run(bench.command("reverted"))
    assert [each.verdict for each in backtest.replayed] == ["ask", "unknown"]


async def test_a_base_branch_that_cannot_be_read_fails_it_with_the_reason(bench):
    commit(bench.place, {UNSAFE: "x = 1\n"}, "unsafe")
    assert (await bench.run()).failure.code == "unsafe_tree"
