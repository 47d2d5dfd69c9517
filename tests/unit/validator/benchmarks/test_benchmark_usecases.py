"""Benchmarks asked for once and carried out, on a store in memory and a real repository."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from services.validator.benchmarks.domain import reports as bench_reports
from services.validator.benchmarks.domain.benchmarks import SamplingPlan
from services.validator.benchmarks.domain.measurements import BenchmarkUnit, Measurement, PairedRun
from services.validator.benchmarks.domain.reports import BenchmarkReport, measured
from services.validator.benchmarks.usecases import compare, read_benchmarks
from services.validator.prepared import prepare_head
from services.validator.suite.domain.reports import Infrastructure
from shared.contracts.base import RunKind
from shared.contracts.events import RunFinished
from shared.contracts.states import RunState
from shared.contracts.work import RunTests
from shared.environments.ports import Environment
from shared.kernel.errors import Transient
from shared.kernel.ids import uuid7
from shared.targets.config import BenchSection
from tests.support.landing import a_patch, a_yard
from tests.support.memory import a_store
from tests.support.runs import execute_run
from tests.support.validator_deps import a_validator

CONFIG = '[bench]\ncommand = "python perf.py"\nformat = "lines"\ntolerance = 0.05\n'
WAVE = uuid7()
FILES = {"m.py": "x = 1\n", "groundswell.toml": CONFIG}


def a_report(ratio, **fields):
    one = PairedRun(
        {"work": Measurement(1.0, BenchmarkUnit.SECONDS)},
        {"work": Measurement(ratio, BenchmarkUnit.SECONDS)},
    )
    return BenchmarkReport(SamplingPlan(0.05), (one,) * 11, **fields)


@dataclass
class FakeBenchmarks:
    """The `Benchmarks` port: what it finds, and what it was asked."""

    found: object = field(default_factory=lambda: a_report(1.5))
    asked: list = field(default_factory=list)

    async def compare(self, trees, profile, environment, bench, names=(), *, target_id):
        self.asked.append((trees, bench, names, target_id))
        return self.found


class FakeEnvironments:
    def __init__(self, home):
        self.home = home

    async def prepare(self, *_):
        return Environment("e", self.home, (), 0, True)


class Office:
    """A target with a change composed on its head, and a validator that asks and runs."""

    def __init__(self, home):
        self.yard = a_yard(home, **FILES)
        self.benchmarks = FakeBenchmarks()
        self.deps = a_validator(
            a_store(),
            home / "home",
            repository=lambda _: self.yard.repository,
            environments=FakeEnvironments(home),
            benchmarks=self.benchmarks,
        )
        patch = a_patch("m.py", "x = 1\n", "x = 2\n")
        self.head = self.yard.head()
        self.tree = self.yard.compose(("e", patch)).tree

    async def place(self):
        return await prepare_head(self.deps, self.yard.target, self.head)

    async def compared(self, *names, deliveries=1, place=None, **more):
        """Ask, and deliver the run that is asked for."""
        place = place or await self.place()
        asking = asyncio.create_task(
            compare(
                self.deps, place, self.tree, changes=[uuid7()], wave_id=WAVE, names=names, **more
            )
        )
        known = len(self.deps.bus.of(RunTests))
        for _ in range(200):
            await asyncio.sleep(0.01)
            if asking.done() or len(self.deps.bus.of(RunTests)) > known:
                break
        try:
            for message in self.deps.bus.of(RunTests)[known:] * deliveries:
                await execute_run(message, self.deps)
            return await read_benchmarks(await asking, self.deps)
        finally:
            asking.cancel()

    async def only_run(self):
        [found] = await self.deps.store.runs.find()
        return found


@pytest.fixture
async def office(tmp_path):
    office = Office(tmp_path)
    await office.deps.store.targets.insert(office.yard.target)
    return office


async def test_what_got_worse_is_failing_and_the_report_is_kept(office):
    report = await office.compared()
    assert report == a_report(1.5)
    run = await office.only_run()
    assert run.request.kind is RunKind.BENCHMARKS
    assert run.request.kind.exclusive
    assert (run.state, run.result.outcome) == (RunState.FINISHED, "reported")
    assert run.result.failing == run.result.worse == ("bench::work",)
    assert run.result.counts is None
    assert "1 worse; work costs 50.0 % more" in run.result.detail
    assert [(each.name, each.answer) for each in run.result.benchmarks] == [("work", "worse")]
    assert run.result.benchmarks[0].ratio == pytest.approx(1.5)
    assert await read_benchmarks(run, office.deps) == report


def test_what_each_benchmark_said_is_kept_the_worst_first_and_not_without_end(monkeypatch):
    ratios = {"a": 1.0, "b": 2.0, "c": 0.5, "d": 1.0}
    head = {name: Measurement(1.0, BenchmarkUnit.SECONDS) for name in ratios}
    candidate = {name: Measurement(ratio, BenchmarkUnit.SECONDS) for name, ratio in ratios.items()}
    report = BenchmarkReport(SamplingPlan(0.05), (PairedRun(head, candidate),) * 30)
    said = [(each.name, each.answer) for each in measured(report)]
    assert said == [("b", "worse"), ("c", "better"), ("a", "same"), ("d", "same")]
    monkeypatch.setattr(bench_reports, "MAX_LISTED", 2)
    assert [each.name for each in measured(report)] == ["b", "c"]


async def test_both_trees_and_what_the_target_says_are_told_to_who_runs(office):
    await office.compared("bench::work", "other")
    [(trees, bench, names, target_id)] = office.benchmarks.asked
    place = await office.place()
    assert trees == (place.tree, office.tree)
    assert (bench.command, bench.format, bench.tolerance) == ("python perf.py", "lines", 0.05)
    assert names == ("other", "work")
    assert target_id == office.yard.target.id


async def test_delivered_twice_it_is_run_once_and_said_as_one(office):
    await office.compared(deliveries=2)
    assert len(office.benchmarks.asked) == 1
    finished = [each for each in office.deps.bus.published if isinstance(each.message, RunFinished)]
    assert len(finished) == 2
    assert len({each.identity for each in finished}) == 1


async def test_what_is_known_is_not_run_again_but_other_names_and_another_try_are(office):
    await office.compared()
    await office.compared()
    assert len(office.benchmarks.asked) == 1
    await office.compared("work")
    await office.compared("work", repetition=1)
    assert len(office.benchmarks.asked) == 3


async def test_what_the_target_says_of_its_benchmarks_makes_another_run_and_is_kept_for_it(office):
    await office.compared()
    place = await office.place()
    bench = BenchSection(command="python perf.py", tolerance=0.5)
    config = place.profile.config.model_copy(update={"bench": bench})
    profile = place.profile.model_copy(update={"config": config})
    await office.compared(place=replace(place, profile=profile))
    assert [asked[1].tolerance for asked in office.benchmarks.asked] == [0.05, 0.5]


async def test_without_a_report_there_is_no_answer(office):
    office.benchmarks.found = Infrastructure("On the head: The command ended with 1.", "no file")
    with pytest.raises(Transient, match="no report"):
        await office.compared()
    run = await office.only_run()
    assert (run.result.outcome, run.result.failing) == ("infrastructure", ())
    assert run.result.detail == "On the head: The command ended with 1.\nno file"


async def test_what_was_not_measured_is_reported_with_the_run(office):
    office.benchmarks.found = a_report(1.0, notes=("Instructions were not counted: no valgrind.",))
    await office.compared()
    assert (
        (await office.only_run()).result.detail.splitlines()[1].startswith("Instructions were not")
    )


async def test_a_validator_that_runs_no_benchmarks_leaves_them_to_others(office):
    object.__setattr__(office.deps, "benchmarks", None)
    with pytest.raises(Transient, match="runs no benchmarks"):
        await office.compared()
    assert (await office.only_run()).state is RunState.REQUESTED


def test_only_what_takes_times_needs_the_machine_for_itself():
    assert [each for each in RunKind if each.exclusive] == [RunKind.BENCHMARKS, RunKind.GAIN]
