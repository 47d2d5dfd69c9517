"""Runs: asked for, carried out by whoever has room, taken over, dropped, and wanted after all."""

import asyncio
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.validator.main import RUN_HANDLERS
from services.validator.prepared import PreparedHead
from services.validator.runs.domain.requests import RunRequest
from services.validator.runs.usecases import execute, request, runners
from services.validator.runs.usecases.request import run_tests, supersede
from services.validator.runs.usecases.runners import (
    announce,
    drain,
    has_room,
    live_runners,
    max_concurrent_runs,
)
from services.validator.suite.adapters.suite import SandboxedSuite
from services.validator.suite.domain.reports import Outcome, Reported, TestReport, TestResult
from shared.contracts.base import RunKind
from shared.contracts.documents.runs import TestCounts
from shared.contracts.events import RunFinished, RunSuperseded
from shared.contracts.states import RunState
from shared.contracts.work import RunTests
from shared.environments.interpreters import running_interpreter
from shared.environments.ports import Environment
from shared.kernel.errors import Rejected, Transient
from shared.kernel.ids import uuid7
from shared.machine.slots import MachineSlots, ensure_private
from shared.sandbox.metering import record_cpu_time
from shared.sandbox.scratch import Scratch
from tests.support.builders import a_test_run, a_wave
from tests.support.landing import a_yard
from tests.support.memory import a_store
from tests.support.profiles import a_profile
from tests.support.runs import execute_run
from tests.support.sandboxes import a_sandbox, processes_of
from tests.support.validator_deps import a_validator

BIN = Path(sys.executable).parent
PATIENCE = 20


@dataclass
class FakeSuite:
    """A suite whose runs last until `end` is set if `held`; each uses a second of CPU time."""

    held: bool = False
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    end: asyncio.Event = field(default_factory=asyncio.Event)
    runs: int = 0
    stopped: int = 0
    outcome: Outcome = Outcome.PASSED

    async def run(self, *_, **__):
        self.runs += 1
        self.begun.set()
        try:
            if self.held:
                await self.end.wait()
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        record_cpu_time(1.0)
        return Reported(TestReport({"t": TestResult("t", self.outcome)}))


class FakeEnvironments:
    async def prepare(self, *_):
        return Environment(
            "e", BIN, (BIN.parent, *running_interpreter().required_directories), 0, True
        )


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(runners, "CHECK_INTERVAL_SECONDS", 0.02)
    monkeypatch.setattr(request, "POLL_INTERVAL_SECONDS", 0.02)
    monkeypatch.setattr(request, "POLLS_PER_REQUEST", 5)


@pytest.fixture
def yard(tmp_path):
    return a_yard(tmp_path, **{"m.py": "x = 1\n", "tests/test_m.py": "def test_m(): pass\n"})


@pytest.fixture
async def make(yard, tmp_path):
    """Make validators with fake suites.

    They share a store, a mirror and the machine's cores.
    """
    yard.head()
    store = a_store()
    await store.targets.insert(yard.target)

    def made(name="one", **given):
        known = {
            "runner": f"here/{name}",
            "identity": name,
            "repository": lambda _: yard.repository,
            "environments": FakeEnvironments(),
            "suite": FakeSuite(),
        }
        return a_validator(store, tmp_path / "home", **{**known, **given})

    return made


@pytest.fixture
def deps(make):
    return make()


@pytest.fixture
async def run(yard, deps):
    """A requested run."""
    return await asked_for(yard, deps)


async def asked_for(yard, deps, **fields):
    head = yard.head()
    wave = a_wave(target_id=yard.target.id, commit=head)
    made = a_test_run(wave, tree=yard.mirror.tree(head).oid, **fields)
    assert await deps.store.runs.insert(made)
    return made


def command(run, **fields):
    return RunTests(run_id=run.id, target_id=run.target_id, **fields)


def carried_out(deps, run, **fields):
    return asyncio.create_task(execute_run(command(run, **fields), deps))


def a_place(yard):
    environment = Environment("e", BIN, (), 0, True)
    return PreparedHead(yard.target, yard.mirror, yard.head(), a_profile(), environment)


def wanted(yard, deps, **order):
    place = a_place(yard)
    asking = run_tests(deps, place, RunRequest(place.tree, "full run", **order), wave_id=uuid7())
    return asyncio.create_task(asking)


async def within(awaitable):
    return await asyncio.wait_for(awaitable, PATIENCE)


async def until(happened):
    async with asyncio.timeout(PATIENCE):
        while not happened():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def the_run(deps):
    [run] = await deps.store.runs.find()
    return run


async def test_a_run_names_its_runner_and_what_it_cost(deps, run):
    await execute_run(command(run), deps)
    done = await deps.store.runs.require(run.id)
    assert (done.state, done.result.outcome, done.execution.runner) == (
        RunState.FINISHED,
        "reported",
        "here/one",
    )
    assert (done.execution.cpu_seconds, done.execution.beside) == (1.0, 0)
    assert deps.slots.free() == deps.slots.cores


def fails_of(monkeypatch, *errors):
    """Make the handler of test runs raise each of `errors` once, before it works as usual.

    Return the list of its calls, which grows with each of them.
    """
    handler, left, calls = RUN_HANDLERS[RunKind.TESTS], [*errors], []

    async def handle(*about):
        calls.append(about)
        if left:
            raise left.pop(0)
        return await handler(*about)

    monkeypatch.setitem(RUN_HANDLERS, RunKind.TESTS, handle)
    return calls


@pytest.mark.parametrize("error", [ValueError("no number"), Rejected("no such plan")])
async def test_a_run_that_fails_of_a_defect_each_time_ends_without_a_report_and_is_logged(
    yard, deps, monkeypatch, error
):
    fails_of(monkeypatch, *[error] * execute.MAX_ATTEMPTS)
    asking = wanted(yard, deps)
    await until(lambda: deps.bus.of(RunTests))
    with capture_logs() as said:
        await execute_run(deps.bus.of(RunTests)[0], deps)
    run = await within(asking)
    assert (run.state, run.result.outcome) == (RunState.FINISHED, "infrastructure")
    assert (run.result.report, run.result.failing, run.result.counts) == (
        None,
        (),
        None,
    )
    assert repr(error) in run.result.detail
    logged = [each for each in said if each["event"] == "run_failed"]
    assert [(each["log_level"], each["exc_info"]) for each in logged] == [
        ("error", True)
    ] * execute.MAX_ATTEMPTS
    assert [each.run_id for each in deps.bus.of(RunFinished)] == [run.id]


async def test_a_defect_that_shows_once_costs_only_time(deps, run, monkeypatch):
    fails_of(monkeypatch, ValueError("once"))
    await execute_run(command(run), deps)
    assert (await deps.store.runs.require(run.id)).result.outcome == "reported"


async def test_what_is_only_not_possible_now_is_left_to_the_next_delivery(deps, run, monkeypatch):
    calls = fails_of(monkeypatch, Transient("not now"))
    with pytest.raises(Transient):
        await execute_run(command(run), deps)
    assert len(calls) == 1
    assert (await deps.store.runs.require(run.id)).state is RunState.REQUESTED


async def test_a_run_is_said_with_why_it_was_made_and_what_was_worse_as_far_as_that_is_known(
    deps, run
):
    await deps.store.runs.set_fields(run.id, request__why="check the base")
    await execute_run(command(run), deps)
    await deps.store.runs.set_fields(run.id, result__worse=("t::a", "t::b"))
    await execute_run(command(run), deps)
    said = [(each.why, each.tests_worse) for each in deps.bus.of(RunFinished)]
    assert said == [("check the base", None), ("check the base", 2)]


async def test_a_run_that_was_never_measured_has_the_whole_machine(deps, run):
    deps.suite.held = True
    task = carried_out(deps, run)
    await within(deps.suite.begun.wait())
    assert deps.slots.free() == 0
    deps.suite.end.set()
    await within(task)


async def a_measured_suite(yard, deps, **fields):
    """Of one core, on this machine."""
    counts = TestCounts(tests=1, passed=1, failed=0, skipped=0)
    known = {"state": "finished", "outcome": "reported", "runner": "here/before", "seconds": 9.0}
    return await asked_for(yard, deps, **{**known, "cpu_seconds": 9.0, "counts": counts, **fields})


async def test_runs_of_one_core_go_side_by_side_and_say_so(yard, deps, run):
    await a_measured_suite(yard, deps)
    other = await asked_for(yard, deps)
    deps.suite.held = True
    tasks = [carried_out(deps, each) for each in (run, other)]
    await until(lambda: deps.suite.runs == 2)
    assert deps.slots.free() == 0
    await asyncio.sleep(40 * runners.CHECK_INTERVAL_SECONDS)
    deps.suite.end.set()
    await within(asyncio.gather(*tasks))
    assert [(await deps.store.runs.require(each.id)).execution.beside for each in (run, other)] == [
        1,
        1,
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": RunKind.BENCHMARKS},
        {"runner": "there/before"},
        {"tests": ("t",)},
        {"outcome": "infrastructure"},
    ],
)
async def test_what_was_measured_elsewhere_or_of_a_part_says_nothing(yard, deps, run, fields):
    await a_measured_suite(yard, deps, **fields)
    deps.suite.held = True
    task = carried_out(deps, run)
    await within(deps.suite.begun.wait())
    assert deps.slots.free() == 0
    deps.suite.end.set()
    await within(task)


async def test_benchmarks_wait_until_nobody_else_runs(yard, deps, run, monkeypatch):
    monkeypatch.setitem(RUN_HANDLERS, RunKind.BENCHMARKS, RUN_HANDLERS[RunKind.TESTS])
    await a_measured_suite(yard, deps)
    benchmarks = await asked_for(yard, deps, kind=RunKind.BENCHMARKS)
    deps.suite.held = True
    first = carried_out(deps, run)
    await within(deps.suite.begun.wait())
    second = carried_out(deps, benchmarks)
    await until(lambda: (benchmarks.id, 0) in deps.process.claimed_runs)
    await asyncio.sleep(0.2)
    assert (deps.suite.runs, deps.slots.free()) == (1, 1)
    assert not has_room(2, deps), "one of its own waits already"
    deps.suite.end.set()
    await within(asyncio.gather(first, second))
    assert deps.suite.runs == 2


async def test_there_is_room_as_long_as_all_that_was_taken_has_begun(yard, deps, run):
    assert has_room(0, deps)
    assert not has_room(1, deps), "what was just taken is not looked at yet"
    await a_measured_suite(yard, deps)
    deps.suite.held = True
    task = carried_out(deps, run)
    await within(deps.suite.begun.wait())
    assert has_room(1, deps)
    deps.process.draining.set()
    assert not has_room(1, deps)
    deps.suite.end.set()
    await within(task)


async def test_a_superseded_run_is_stopped_and_says_nothing(deps, run):
    deps.suite.held = True
    task = carried_out(deps, run)
    await within(deps.suite.begun.wait())
    assert (await supersede(deps, run)).state is RunState.SUPERSEDED
    await within(task)
    assert deps.suite.stopped == 1
    assert (await deps.store.runs.require(run.id)).state is RunState.SUPERSEDED
    assert deps.bus.of(RunFinished) == []
    assert [each.run_id for each in deps.bus.of(RunSuperseded)] == [run.id]
    assert (deps.slots.free(), len(deps.process.claimed_runs)) == (deps.slots.cores, 0)


async def test_one_that_waits_for_its_cores_is_stopped_as_well(deps, run):
    async with deps.slots.acquire(2):
        task = carried_out(deps, run)
        await until(lambda: deps.process.claimed_runs)
        await supersede(deps, run)
        await within(task)
    assert deps.suite.runs == 0


async def test_one_that_nobody_has_begun_is_not_begun(deps, run):
    await supersede(deps, run)
    await execute_run(command(run), deps)
    assert deps.suite.runs == 0


async def test_nothing_of_a_superseded_run_is_left(yard, make, tmp_path):
    """A real sandbox kills a real suite whose test would take minutes; all tiers kill alike."""
    yard.land("tests/test_m.py", "def test_m(): pass\n", SLOW)
    async with a_sandbox("rlimits") as sandbox:
        scratch = Scratch(tmp_path / "work", uuid7)
        suite = SandboxedSuite(sandbox, scratch, lambda _, oid: yard.mirror.tree(oid))
        deps = make(suite=suite, sandbox=sandbox)
        run = await asked_for(yard, deps)
        task = carried_out(deps, run)
        await until(lambda: processes_of(Path("/"), MARK))
        await supersede(deps, run)
        await within(task)
        assert processes_of(Path("/"), MARK) == []
        scratch.close()
        assert [each.name for each in (tmp_path / "work").iterdir()] == [".lock"]


MARK = f"mark-{uuid7()}"
SLOW = f"""
import subprocess, sys

def test_m():
    subprocess.run([sys.executable, "-c", "import time; time.sleep(300)", {MARK!r}])
"""


async def test_a_finished_run_stays_finished(deps, run):
    await execute_run(command(run), deps)
    assert (await supersede(deps, run)).state is RunState.FINISHED
    assert deps.bus.of(RunSuperseded) == []


async def test_of_two_results_of_a_run_the_first_is_kept(make, run):
    """A runner stood still so long that another one got its message."""
    lost, other = make("lost"), make("other")
    lost.suite.held = True
    lost.suite.outcome = Outcome.FAILED
    late = carried_out(lost, run)
    await within(lost.suite.begun.wait())
    # It is on another machine, whose cores are others.
    await within(execute_run(command(run), replace(other, slots=elsewhere(other))))
    lost.suite.end.set()
    await within(late)
    done = await other.store.runs.require(run.id)
    assert (done.execution.runner, done.result.failing) == ("here/other", ())


async def test_a_result_that_comes_too_late_changes_nothing(make, run, monkeypatch):
    """As above, but the first one does not even notice before it is done."""
    monkeypatch.setattr(runners, "CHECK_INTERVAL_SECONDS", 60)
    lost, other = make("lost"), make("other")
    lost.suite.held = True
    lost.suite.outcome = Outcome.FAILED
    late = carried_out(lost, run)
    await within(lost.suite.begun.wait())
    await within(execute_run(command(run), replace(other, slots=elsewhere(other))))
    first = await other.store.runs.require(run.id)
    lost.suite.end.set()
    await within(late)
    assert lost.suite.stopped == 0
    assert await other.store.runs.require(run.id) == first


async def test_a_result_of_before_it_was_dropped_and_wanted_again_changes_nothing(
    deps, run, monkeypatch
):
    monkeypatch.setattr(runners, "CHECK_INTERVAL_SECONDS", 60)
    deps.suite.held = True
    late = carried_out(deps, run)
    await within(deps.suite.begun.wait())
    dropped = await supersede(deps, run)
    again = await deps.store.runs.transition(dropped, "request")
    deps.suite.end.set()
    await within(late)
    assert await deps.store.runs.require(run.id) == again


async def test_one_wanted_again_before_its_runner_has_noticed_is_made_anew(deps, run):
    deps.suite.held = True
    first = carried_out(deps, run)
    await within(deps.suite.begun.wait())
    again = await deps.store.runs.transition(await supersede(deps, run), "request")
    second = carried_out(deps, again)
    await within(first)
    await until(lambda: deps.suite.runs == 2)
    deps.suite.end.set()
    await within(second)
    done = await deps.store.runs.require(run.id)
    assert (done.state, deps.suite.stopped, len(deps.process.claimed_runs)) == (
        RunState.FINISHED,
        1,
        0,
    )


def elsewhere(deps):
    return MachineSlots(ensure_private(deps.home / "other-slots"), range(2))


async def test_a_run_that_another_one_has_is_not_begun_because_it_was_asked_for_again(make, run):
    one, two = make("one"), make("two")
    one.suite.held = True
    task = carried_out(one, run)
    await within(one.suite.begun.wait())
    await within(execute_run(command(run, repeated=True), two))
    assert two.suite.runs == 0
    one.suite.end.set()
    await within(task)


async def test_one_that_only_a_dead_runner_has_is(make, run, monkeypatch):
    dead, two = make("dead"), make("two")
    dead.process.claimed_runs.add((run.id, run.version))
    await announce(dead)
    assert [each.id for each in await live_runners(two)] == ["here/dead"]
    monkeypatch.setattr(runners, "HEARTBEAT_TTL_SECONDS", 0.0)
    await within(execute_run(command(run, repeated=True), two))
    assert two.suite.runs == 1


async def test_a_message_that_comes_twice_to_one_process_makes_one_run(deps, run):
    deps.suite.held = True
    task = carried_out(deps, run)
    await within(deps.suite.begun.wait())
    await within(execute_run(command(run), deps))
    deps.suite.end.set()
    await within(task)
    assert deps.suite.runs == 1
    await within(execute_run(command(run), deps))
    assert deps.suite.runs == 1


async def test_who_no_longer_waits_for_a_run_drops_it(yard, deps):
    asking = wanted(yard, deps)
    await until(lambda: deps.bus.of(RunTests))
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await the_run(deps)).state is RunState.SUPERSEDED
    assert not deps.process.run_waiters


async def test_not_while_somebody_else_here_waits_for_it_too(yard, deps):
    first, second = wanted(yard, deps), wanted(yard, deps)
    await until(lambda: len(deps.process.run_waiters) == 2)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    run = await the_run(deps)
    assert run.state is RunState.REQUESTED
    await execute_run(command(run), deps)
    assert (await within(second)).state is RunState.FINISHED


async def test_a_process_that_ends_leaves_its_runs_to_others(yard, deps):
    await announce(deps)
    asking = wanted(yard, deps)
    await until(lambda: deps.bus.of(RunTests))
    await drain(deps)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await the_run(deps)).state is RunState.REQUESTED
    await announce(deps)
    assert await live_runners(deps) == []


async def test_a_dropped_run_is_asked_for_again_by_who_wants_it_after_all(yard, deps):
    asking = wanted(yard, deps)
    await until(lambda: deps.bus.of(RunTests))
    await supersede(deps, await the_run(deps))
    await until(lambda: len(deps.bus.of(RunTests)) > 1)
    keys = [each.key for each in deps.bus.published if isinstance(each.message, RunTests)]
    assert len(set(keys)) == len(keys), "a stream stores the same key once"
    await execute_run(deps.bus.of(RunTests)[-1], deps)
    done = await within(asking)
    assert done.state is RunState.FINISHED
    assert await deps.store.runs.count() == 1


async def test_who_waits_long_asks_again_and_says_that_it_does(yard, deps):
    asking = wanted(yard, deps)
    await until(lambda: len(deps.bus.of(RunTests)) > 2)
    assert [each.repeated for each in deps.bus.of(RunTests)[:3]] == [False, True, True]
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def test_the_width_is_what_all_live_runners_take(yard, make, monkeypatch):
    one, two = make("one"), make("two")
    assert await max_concurrent_runs(one, yard.target) == 1
    three = make("three", runner="there/three")
    three = replace(three, slots=elsewhere(three))
    await a_measured_suite(yard, one)
    for each in (one, two, three):
        await announce(each)
    assert await max_concurrent_runs(one, yard.target) == 2 + 1, (
        "never measured there, so the whole machine"
    )
    await a_measured_suite(yard, one, runner="there/before")
    assert await max_concurrent_runs(one, yard.target) == 2 + 2
    monkeypatch.setattr(runners, "HEARTBEAT_TTL_SECONDS", 0.05)
    await asyncio.sleep(0.1)
    await announce(one)
    assert await max_concurrent_runs(one, yard.target) == 2
    monkeypatch.setattr(runners, "REMOVE_RUNNER_AFTER_SECONDS", 0.05)
    await announce(one)
    assert [each.id for each in await one.store.runners.find()] == ["here/one"]


async def test_a_runner_that_was_forgotten_by_mistake_is_there_again(make):
    one, two = make("one"), make("two")
    await announce(one)
    assert await two.store.runners.remove("here/one")
    await announce(one)
    assert [each.id for each in await live_runners(two)] == ["here/one"]
