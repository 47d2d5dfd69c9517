"""A gain asked for, measured in a run of its own, and stored; the measuring itself is faked."""

import asyncio

import pytest

from services.validator.benchmarks.domain.benchmarks import SamplingPlan
from services.validator.benchmarks.domain.measurements import BenchmarkUnit, Measurement, PairedRun
from services.validator.benchmarks.domain.reports import BenchmarkReport
from services.validator.gains.usecases import NO_FUNCTION, NO_TEST, measure_gain
from services.validator.prepared import prepare_head
from services.validator.suite.domain.reports import Infrastructure
from shared.contracts.base import RunKind
from shared.contracts.work import RunTests
from shared.environments.ports import Environment
from tests.support.builders import a_task, a_wave, an_enhancement
from tests.support.landing import a_patch, a_yard
from tests.support.memory import a_store
from tests.support.runs import execute_run
from tests.support.validator_deps import a_validator

CODE = "X = 1\n\n\ndef find(n):\n    return n in [1, 2]\n"
FASTER = CODE.replace("[1, 2]", "{1, 2}")
BENCH = '[bench]\ncommand = "python perf.py"\n'


def a_report(name, ratio, **fields):
    one = PairedRun(
        {name: Measurement(1.0, BenchmarkUnit.SECONDS)},
        {name: Measurement(ratio, BenchmarkUnit.SECONDS)},
    )
    return BenchmarkReport(SamplingPlan(0.02), (one,) * 11, **fields)


NOTHING = BenchmarkReport(SamplingPlan(0.02), (), notes=("no test calls it",))


class FakeComparison:
    """The ports `FunctionBenchmarks` and `Benchmarks`: what is found, and what was asked."""

    def __init__(self, found):
        self.found = found
        self.asked = []

    async def compare(self, *asked, **more):
        self.asked.append((asked, more))
        return self.found


class House:
    """A target, one change of it, and a validator that measures."""

    def __init__(self, home, after=FASTER, bench=""):
        self.yard = a_yard(home, **{"m.py": CODE, "groundswell.toml": bench})
        self.functions = FakeComparison(a_report("m.py::find (3 calls)", 0.5))
        self.benchmarks = FakeComparison(a_report("load", 0.9))
        self.home = home
        self.deps = a_validator(
            a_store(),
            home / "home",
            repository=lambda _: self.yard.repository,
            environments=self,
            benchmarks=self.benchmarks,
            function_benchmarks=self.functions,
        )
        wave = a_wave(target_id=self.yard.target.id)
        self.change = an_enhancement(a_task(wave), files=("m.py",), state="validating")
        self.tree = self.yard.compose((self.change.id, a_patch("m.py", CODE, after))).tree

    async def prepare(self, *_):
        return Environment("e", self.home, (), 0, True)

    async def measured(self, tests=("t::a",)):
        """Ask, and execute each run that is asked for, as a runner would."""
        await self.deps.store.targets.insert(self.yard.target)
        await self.deps.store.enhancements.insert(self.change)
        prepared = await prepare_head(self.deps, self.yard.target, self.yard.head())
        asking = asyncio.create_task(
            measure_gain(
                self.change,
                (prepared.tree, self.tree),
                prepared,
                self.deps,
                changes=[self.change.id],
                tests=tests,
            )
        )
        executed = 0
        while not asking.done():
            await asyncio.sleep(0.01)
            orders = self.deps.bus.of(RunTests)
            for each in orders[executed:]:
                await execute_run(each, self.deps)
            executed = len(orders)
        return await asking


async def test_the_functions_are_compared(tmp_path):
    house = House(tmp_path)
    gain = await house.measured(tests=("t::b", "t::a"))
    assert gain.state == "measured"
    assert gain.best.inputs == 3
    [(asked, more)] = house.functions.asked
    tree, plan, _, _, tests = asked
    assert (tree, tests) == (house.tree, ("t::a", "t::b"))
    assert [each.label for each in plan.functions] == ["m.py::find"]
    assert plan.before == more["base_oid"] != house.tree
    [run] = await house.deps.store.runs.find()
    assert run.request.kind is RunKind.GAIN
    assert run.id == gain.run
    assert run.result.detail == gain.summary
    assert run.result.benchmarks[0].answer == "better"


@pytest.mark.parametrize(
    ("after", "tests", "why"),
    [
        (CODE.replace("X = 1", "X = 2"), ("t::a",), NO_FUNCTION),
        (FASTER, (), NO_TEST),
    ],
)
async def test_where_nothing_can_be_compared_nothing_is_run(tmp_path, after, tests, why):
    house = House(tmp_path, after)
    gain = await house.measured(tests)
    assert (gain.state, gain.summary) == ("unknown", why)
    assert not house.functions.asked


async def test_a_broken_measurement_is_no_answer(tmp_path):
    house = House(tmp_path)
    house.functions.found = Infrastructure("It timed out.", "tail")
    gain = await house.measured()
    assert (gain.state, gain.summary) == ("unknown", "It timed out.")


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (a_report("load", 0.9), "measured"),
        (a_report("load", 1.0), "unknown"),
        (a_report("load", 1.1), "unknown"),
        (Infrastructure("It timed out."), "unknown"),
    ],
)
async def test_benchmarks_of_the_target_stand_in_for_functions(tmp_path, found, state):
    house = House(tmp_path, bench=BENCH)
    house.functions.found, house.benchmarks.found = NOTHING, found
    gain = await house.measured()
    assert gain.state == state
    assert ("load takes 0.90 times as long" in gain.summary) == (state == "measured")
    assert len(house.benchmarks.asked) == 1


async def test_they_are_not_asked_where_functions_give_an_answer(tmp_path):
    house = House(tmp_path, bench=BENCH)
    house.functions.found = a_report("m.py::find (3 calls)", 1.0)
    assert (await house.measured()).state == "none"
    assert not house.benchmarks.asked
