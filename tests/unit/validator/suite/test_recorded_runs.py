"""A recorded run reports like any other; the tests it selects for changes are counted."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from services.validator.impact.usecases.impacted import impact_of
from services.validator.impact.usecases.recall import count_recall, count_selected_tests, is_trusted
from services.validator.impact.usecases.recordings import is_recording_stale, latest_recording
from services.validator.prepared import PreparedHead
from services.validator.runs.domain.requests import RunRequest
from services.validator.runs.usecases.baseline import run_baseline
from services.validator.runs.usecases.reports import read_text
from services.validator.runs.usecases.request import run_key
from services.validator.suite.domain.imports import import_graph
from services.validator.suite.domain.recording import ImpactMap
from services.validator.suite.domain.reports import (
    Infrastructure,
    Outcome,
    Reported,
    TestReport,
    TestResult,
)
from shared.contracts.commands import RunBaseline
from shared.contracts.documents.runs import RunSpec, TestCounts, TestRun
from shared.contracts.work import RunTests
from shared.environments.ports import Environment
from shared.kernel.ids import uuid7
from tests.support.builders import NOW, a_task, a_test_run, a_wave, an_enhancement
from tests.support.landing import a_patch, a_yard
from tests.support.memory import a_store
from tests.support.profiles import a_profile
from tests.support.runs import execute_run
from tests.support.validator_deps import a_validator

FILES = {
    "m.py": "def one():\n    return 1\n\ndef two():\n    return 2\n",
    "tests/test_m.py": "import m\ndef test_one(): m.one()\ndef test_two(): m.two()\n",
}
TESTS = ("tests/test_m.py::test_one", "tests/test_m.py::test_two")
ONE, TWO = TESTS
RECORDED = ImpactMap(
    tests=TESTS,
    files=("tests/test_m.py",) * 2,
    reached={"m.py": {(1, "one"): 1, (4, "two"): 2}},
    at_import={path: frozenset({(1, "<module>")}) for path in FILES},
    imports=import_graph(FILES),
)


def a_report(**outcomes: Outcome) -> TestReport:
    ends = {test: outcomes.get(test.rpartition("_")[2], Outcome.PASSED) for test in TESTS}
    failed = any(each.bad for each in ends.values())
    return TestReport({t: TestResult(t, o) for t, o in ends.items()}, 1.0, int(failed))


@dataclass
class FakeSuite:
    """Answers in turn; `asked` are the tests of each run and whether it was recorded."""

    answers: list[Any]
    asked: list[tuple[tuple[str, ...], bool]] = field(default_factory=list)

    async def run(self, tree, profile, environment, tests=(), *, record, **_):
        self.asked.append((tests, record))
        answer = self.answers.pop(0)
        return Reported(answer) if isinstance(answer, TestReport) else answer


class FakeEnvironments:
    async def prepare(self, target_id, described, tree):
        return Environment("e", Path("/nowhere"), (), 0, True)


@pytest.fixture
def yard(tmp_path):
    return a_yard(tmp_path, **FILES)


@pytest.fixture
async def deps(yard, tmp_path):
    store = a_store()
    await store.targets.insert(yard.target)
    return a_validator(
        *(store, tmp_path / "home"),
        repository=lambda target: yard.repository,
        environments=FakeEnvironments(),
        suite=FakeSuite([]),
    )


def at(yard, head=""):
    environment = Environment("e", Path("/nowhere"), (), 0, True)
    return PreparedHead(yard.target, yard.mirror, head or yard.head(), a_profile(), environment)


async def carried_out(yard, deps, *answers, record=True) -> TestRun:
    deps.suite.answers[:] = answers
    place = at(yard)
    run = TestRun(
        id=uuid7(),
        key=uuid7(),
        target_id=yard.target.id,
        wave_id=uuid7(),
        request=RunSpec(
            purpose="baseline",
            tree=place.tree,
            head=place.head,
            environment="e",
            record=record,
        ),
        created_at=NOW,
    )
    await deps.store.runs.insert(run)
    await execute_run(RunTests(run_id=run.id, target_id=yard.target.id), deps)
    return await deps.store.runs.require(run.id)


def recorded(report: TestReport) -> Reported:
    return Reported(report, RECORDED.to_json())


async def test_what_was_recorded_is_kept_beside_the_report(yard, deps):
    run = await carried_out(yard, deps, recorded(a_report()))
    assert run.result.impact is not None
    assert await read_text(run.result.impact, deps) == RECORDED.to_json()
    assert (await deps.store.reports.require(run.result.impact)).kind == "impact"


async def test_what_fails_under_a_recording_is_run_once_more_without_one_and_that_counts(
    yard, deps
):
    failed = recorded(a_report(one=Outcome.FAILED, two=Outcome.ERROR))
    alone = TestReport(
        {ONE: TestResult(ONE, Outcome.PASSED), TWO: TestResult(TWO, Outcome.FAILED)}, 1.0, 1
    )
    run = await carried_out(yard, deps, failed, alone)
    assert deps.suite.asked == [((), True), (TESTS, False)]
    assert run.result.failing == (TWO,)
    assert run.result.impact is not None


async def test_what_was_not_recorded_after_all_is_not_run_again(yard, deps):
    run = await carried_out(yard, deps, a_report(one=Outcome.FAILED))
    assert deps.suite.asked == [((), True)]
    assert run.result.failing == (ONE,)


async def test_what_then_is_not_there_any_more_has_still_failed(yard, deps):
    failed = recorded(a_report(one=Outcome.FAILED))
    run = await carried_out(yard, deps, failed, TestReport({}, 1.0, 5))
    assert run.result.failing == (ONE,)


async def test_where_that_gives_no_report_the_first_one_counts(yard, deps):
    failed = recorded(a_report(one=Outcome.FAILED))
    run = await carried_out(yard, deps, failed, Infrastructure("killed"))
    assert run.result.outcome == "reported"
    assert run.result.failing == (ONE,)


async def test_a_recording_that_gives_no_report_is_tried_again_without(yard, deps):
    run = await carried_out(yard, deps, Infrastructure("killed"), a_report())
    assert [record for _, record in deps.suite.asked] == [True, False]
    assert (run.result.outcome, run.result.impact) == ("reported", None)


async def test_a_plain_run_is_run_once_whatever_fails(yard, deps):
    run = await carried_out(yard, deps, a_report(one=Outcome.FAILED), record=False)
    assert deps.suite.asked == [((), False)]
    assert run.result.failing == (ONE,)


async def test_the_baseline_of_a_wave_is_recorded(yard, deps):
    deps.suite.answers[:] = [recorded(a_report())]
    place = at(yard)
    key = run_key(place, RunRequest(place.tree, "baseline"))
    wave = uuid7()
    command = RunBaseline(wave_id=wave, target_id=yard.target.id, commit=place.head)
    run = TestRun(
        id=uuid7(),
        key=key,
        target_id=yard.target.id,
        wave_id=wave,
        request=RunSpec(purpose="baseline", tree=place.tree, head=place.head, environment="e"),
        created_at=NOW,
    )
    asked = []
    insert = deps.store.runs.insert

    async def seen(document):
        asked.append(document.request.record)
        await insert(run)
        await execute_run(RunTests(run_id=run.id, target_id=yard.target.id), deps)
        return False

    deps.store.runs.insert = seen
    await run_baseline(command, deps)
    assert asked == [True]


def a_change(yard, **fields):
    return an_enhancement(a_task(target_id=yard.target.id), component="m", **fields)


async def test_the_tests_of_a_change_are_those_that_the_newest_recording_names(yard, deps):
    await carried_out(yard, deps, recorded(a_report()))
    one, other = a_change(yard, key="a"), a_change(yard, key="b")
    text = FILES["m.py"]
    first = text.replace("return 1", "return 3")
    composed = yard.compose(
        (one.id, a_patch("m.py", text, first)),
        (other.id, a_patch("m.py", first, first.replace("return 2", "return 4"))),
    )
    found = await impact_of([one, other], composed.steps, at(yard), deps, TESTS)
    assert found == {one.id: {ONE}, other.id: {TWO}}
    new = await impact_of([other], composed.steps, at(yard), deps, (*TESTS, "new"))
    assert new == {other.id: {TWO, "new"}}


async def test_a_recording_serves_later_heads_until_their_tests_are_others(yard, deps):
    await carried_out(yard, deps, recorded(a_report()))
    text = FILES["m.py"]
    yard.land("m.py", text, "# moved\n" + text)
    assert (await latest_recording(at(yard), deps)).map.tests == TESTS
    tests = FILES["tests/test_m.py"]
    yard.land("tests/test_m.py", tests, tests + "def test_three(): pass\n")
    assert await latest_recording(at(yard), deps) is None


async def test_without_a_recording_all_tests_are_chosen(yard, deps):
    await carried_out(yard, deps, a_report(), record=False)
    change = a_change(yard)
    assert await impact_of([change], (), at(yard), deps) == {change.id: None}


async def test_a_change_that_was_not_composed_is_tested_by_all(yard, deps):
    await carried_out(yard, deps, recorded(a_report()))
    change = a_change(yard)
    assert await impact_of([change], (), at(yard), deps) == {change.id: None}


async def test_a_recording_is_stale_once_much_has_changed_since(yard, deps):
    assert not await is_recording_stale(None, at(yard)), "then the baseline is recorded"
    await carried_out(yard, deps, recorded(a_report()))
    known = await latest_recording(at(yard), deps)
    assert not await is_recording_stale(known, at(yard))
    text = FILES["m.py"]
    yard.land("m.py", text, text.replace("return 1", "return 3"))
    assert await is_recording_stale(known, at(yard)), "half of its functions changed"


async def test_recall_is_counted_once_per_run_and_change(yard, deps):
    change, other = a_change(yard, key="a"), a_change(yard, key="b")
    for _ in range(2):
        await count_recall(change, {ONE}, (ONE, TWO), "v1", deps)
    await count_recall(other, None, (ONE,), "v1", deps)
    await count_recall(change, {ONE}, (ONE,), "v2", deps)
    [known] = await deps.store.recall.find(target_id=yard.target.id)
    assert (known.id, known.caught, known.missed) == (f"{yard.target.id}:m", 3, 1)


async def test_shares_are_counted_once_per_run_and_component(yard, deps):
    one, two = a_change(yard, key="a"), a_change(yard, key="b")
    other = a_change(yard, key="c").updated(proposal__component="n")
    chosen = {one.id: frozenset({ONE}), two.id: frozenset({ONE, TWO}), other.id: frozenset()}
    run = a_full_run(yard, 10)
    for _ in range(2):
        await count_selected_tests((one, two, other), chosen, run, deps)
    known = {each.component: each for each in await deps.store.recall.find()}
    assert {
        name: (each.runs, each.selected, each.total, each.caught, each.missed)
        for name, each in known.items()
    } == {"m": (1, 2, 10, 0, 0), "n": (1, 0, 10, 0, 0)}


async def test_where_one_may_have_an_effect_on_all_tests_all_are_chosen(yard, deps):
    one, two = a_change(yard, key="a"), a_change(yard, key="b")
    chosen = {one.id: frozenset({ONE}), two.id: None}
    await count_selected_tests((one, two), chosen, a_full_run(yard, 10), deps)
    [known] = await deps.store.recall.find()
    assert (known.selected, known.total) == (10, 10)


def a_full_run(yard, tests):
    counts = TestCounts(tests=tests, passed=tests, failed=0, skipped=0)
    return a_test_run(a_wave(target_id=yard.target.id), counts=counts)


async def test_a_component_is_trusted_until_its_recall_is_bad(yard, deps):
    change, elsewhere = (
        a_change(yard),
        a_change(yard, key="b").updated(proposal__component="n"),
    )
    assert await is_trusted(yard.target.id, "m", deps)
    for number in range(5):
        await count_recall(change, set(), (ONE,), f"v{number}", deps)
        await count_recall(elsewhere, {ONE}, (ONE,), f"v{number}", deps)
    assert not await is_trusted(yard.target.id, "m", deps)
    assert await is_trusted(yard.target.id, "n", deps)


async def test_two_that_count_at_once_lose_nothing(yard, deps):
    save, late = deps.store.recall.save, []

    async def second(document):
        if not late:
            late.append(True)
            await count_recall(change, {ONE}, (ONE,), "v2", deps)
        return await save(document)

    change = a_change(yard)
    deps.store.recall.save = second
    await count_recall(change, {ONE}, (ONE,), "v1", deps)
    [known] = await deps.store.recall.find()
    assert known.caught == 2
