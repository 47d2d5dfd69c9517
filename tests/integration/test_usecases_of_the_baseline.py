"""The baseline: how tests are run is found out where a target's files do not tell it."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services.validator.deps import ValidatorDeps
from services.validator.prepared import prepare_head
from services.validator.runs.usecases import request
from services.validator.runs.usecases.adjusting import find_out_suite
from services.validator.runs.usecases.baseline import run_baseline
from services.validator.suite.domain.reports import (
    Infrastructure,
    Outcome,
    Reported,
    TestReport,
    TestResult,
)
from shared.contracts.commands import RunBaseline
from shared.contracts.documents.waves import Wave
from shared.contracts.events import BaselineMeasured, EnvironmentBuilt, MeasurementFailed
from shared.contracts.work import RunTests
from shared.environments.ports import Environment, PytestPlugin
from shared.targets.profile import TargetProfile
from tests.support.builders import a_wave
from tests.support.buses import RecordingBus
from tests.support.landing import Yard, a_yard
from tests.support.memory import a_store
from tests.support.runs import execute_run
from tests.support.validator_deps import a_validator

FLAKE8 = PytestPlugin("pytest_flake8", "flake8", "pytest_flake8")
CASE = "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): pass\n"
PASSING = {"tests/test_a.py::T::test_a": Outcome.PASSED}
IMPORT_ERROR = "E   ImportError: cannot import name 'gone' from 'library'"


@dataclass
class Environments:
    """Environments that exist at once; `profiles` are those that were asked for."""

    profiles: list[TargetProfile] = field(default_factory=list)

    async def prepare(self, _target: str, profile: TargetProfile, _tree: str) -> Environment:
        self.profiles.append(profile)
        plan = profile.environment
        key = f"{plan.as_of}{plan.namespace}"
        return Environment(key or "today", Path("/nowhere"), (), 1, True, plugins=(FLAKE8,))


@dataclass
class ScriptedSuite:
    """A suite whose report depends on the command, and on the time of its packages."""

    outcomes: dict[str, object]

    async def run(self, _tree: str, profile: TargetProfile, *_: object, **__: object) -> object:
        words = " ".join(profile.test.command)
        dated = f"{words} as of {profile.environment.as_of[:10]}"
        found = self.outcomes.get(dated, self.outcomes.get(words, {}))
        if isinstance(found, str):
            return Infrastructure("pytest itself failed.", found)
        assert isinstance(found, dict)
        detail = IMPORT_ERROR if "dated" not in words else ""
        results = {name: TestResult(name, outcome, 0, detail) for name, outcome in found.items()}
        return Reported(TestReport(results))


class ExecutingBus(RecordingBus):
    """A bus whose runs are executed at once."""

    deps: object = None

    async def publish(self, message, *, key: str, wave: str = "") -> None:
        await super().publish(message, key=key, wave=wave)
        if isinstance(message, RunTests):
            asyncio.get_running_loop().create_task(execute_run(message, self.deps))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "POLL_INTERVAL_SECONDS", 0.02)


@dataclass
class Place:
    """A target with a wave and a validator, whose suite gives scripted outcomes."""

    yard: Yard
    deps: ValidatorDeps
    wave: Wave

    @property
    def command(self) -> RunBaseline:
        return RunBaseline(
            wave_id=self.wave.id, target_id=self.yard.target.id, commit=self.yard.head()
        )


@pytest.fixture
def a_place(tmp_path: Path):
    async def a_place(files: dict[str, str], outcomes: dict[str, object]) -> Place:
        yard = a_yard(tmp_path, **files)
        yard.head()
        store, bus = a_store(), ExecutingBus()
        await store.targets.insert(yard.target)
        environments = Environments()
        deps = a_validator(
            store,
            tmp_path / "home",
            bus=bus,
            repository=lambda _: yard.repository,
            environments=environments,
            suite=ScriptedSuite(outcomes),
        )
        bus.deps = deps
        wave = a_wave(target_id=yard.target.id, commit=yard.head())
        await store.waves.insert(wave)
        return Place(yard, deps, wave)

    return a_place


@pytest.fixture
def measure(a_place):
    async def measure(files: dict[str, str], outcomes: dict[str, object]) -> "Measured":
        place = await a_place(files, outcomes)
        deps = place.deps
        await run_baseline(place.command, deps)
        target = await deps.store.targets.require(place.yard.target.id)
        messages = [each.message for each in deps.bus.published]
        return Measured(messages, target.adjustment, deps.environments)

    return measure


@dataclass
class Measured:
    """The events of a baseline, and what it left on the target."""

    messages: list[object]
    adjustment: object
    environments: Environments

    def only(self, kind: type) -> object:
        return next(each for each in self.messages if isinstance(each, kind))

    @property
    def notes(self) -> list[str]:
        built = [each for each in self.messages if isinstance(each, EnvironmentBuilt)]
        return [note for each in built for note in each.notes]


async def test_a_suite_that_runs_is_left_as_it_is(measure):
    found = await measure({"tests/test_a.py": CASE}, {"python -m pytest": PASSING})
    assert found.only(BaselineMeasured).tests == 1
    assert found.adjustment is None
    assert found.notes == []


async def test_where_pytest_finds_nothing_unittest_is_tried_and_said(measure):
    found = await measure(
        {"tests/test_a.py": CASE}, {"python -m pytest": {}, "python -m unittest": PASSING}
    )
    assert found.only(BaselineMeasured).tests == 1
    assert found.adjustment.framework == "unittest"
    assert "Tests are run by `python -m unittest`" in found.notes[0]
    assert "`python -m pytest` ran 0 tests" in found.notes[0]


@pytest.mark.parametrize("baselines", [0, 1])
async def test_changes_are_tried_only_once_it_is_known_how_the_tests_run(a_place, baselines):
    outcomes = {"python -m pytest": {}, "python -m unittest": PASSING}
    place = await a_place({"tests/test_a.py": CASE}, outcomes)
    deps, head = place.deps, place.yard.head()
    prepared = await prepare_head(deps, place.yard.target, head)
    known, *_ = await asyncio.gather(
        find_out_suite(prepared, place.wave.id, deps),
        *(run_baseline(place.command, deps) for _ in range(baselines)),
    )
    assert known.profile.test.framework == "unittest"
    runs = len(await deps.store.runs.find())
    again = await find_out_suite(prepared, place.wave.id, deps)
    assert again.profile == known.profile
    assert len(await deps.store.runs.find()) == runs == 2


async def test_a_runner_that_the_project_names_counts_more_than_a_few_tests(measure):
    few = {f"tests/test_a.py::test_{n}": Outcome.PASSED for n in range(5)}
    many = {f"t.{n}": Outcome.PASSED for n in range(1000)}
    found = await measure(
        {"tests/test_a.py": CASE, "runtests.py": ""},
        {"python -m pytest": few, "python runtests.py": many},
    )
    assert found.only(BaselineMeasured).tests == 1000
    assert found.adjustment.command == ("python", "runtests.py")
    assert "a runner script" in found.notes[0]


async def test_a_named_runner_is_not_taken_where_pytest_finds_more(measure):
    many = {f"t.{n}": Outcome.PASSED for n in range(1000)}
    few = {"t": Outcome.PASSED}
    kept = await measure(
        {"tests/test_a.py": CASE, "runtests.py": ""},
        {"python -m pytest": many, "python runtests.py": few},
    )
    assert kept.adjustment is None


async def test_a_plugin_that_breaks_pytest_is_disabled_and_named_with_its_requirement(measure):
    broken = "PluginValidationError: Plugin 'flake8' for hook 'pytest_collect_file'"
    found = await measure(
        {"tests/test_a.py": CASE},
        {"python -m pytest": broken, "python -m pytest -p no:flake8": PASSING},
    )
    assert found.only(BaselineMeasured).tests == 1
    assert "plugin flake8 (of the requirement pytest_flake8)" in found.notes[0]


async def test_an_old_commit_is_tested_with_the_packages_of_its_time(measure, monkeypatch):
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2020-02-03T04:05:06+00:00")
    broken = {"tests/test_a.py": Outcome.ERROR}
    found = await measure(
        {"tests/test_a.py": CASE},
        {"python -m pytest": broken, "python -m pytest as of 2020-02-03": PASSING},
    )
    assert found.only(BaselineMeasured).tests == 1
    assert found.adjustment.as_of == "2020-02-03T04:05:06Z"
    assert "the packages of 2020-02-03" in found.notes[0]
    assert "cannot import name 'gone'" in found.notes[0]


@pytest.mark.parametrize(
    ("as_of", "expected"), [("2021-01-01", "2021-01-01"), ("latest", ""), ("commit", "2020-02-03")]
)
async def test_the_time_of_the_packages_may_be_configured(measure, monkeypatch, as_of, expected):
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2020-02-03T04:05:06+00:00")
    config = f'[environment]\nas_of = "{as_of}"\n'
    found = await measure({"tests/test_a.py": CASE, "groundswell.toml": config}, {})
    dates = {each.environment.as_of[:10] for each in found.environments.profiles}
    assert dates == {expected}


async def test_a_baseline_that_fails_says_the_error_and_what_was_tried(measure):
    broken = {"tests/test_a.py": Outcome.ERROR, "tests/test_b.py::t": Outcome.FAILED}
    found = await measure({"tests/test_a.py": CASE}, {"python -m pytest": broken})
    failed = found.only(MeasurementFailed)
    assert "None of the 2 tests passes" in failed.reason
    assert "in tests/test_a.py: ImportError: cannot import name 'gone'" in failed.reason
    assert "Tried without success: `python -m unittest`" in failed.hint
    assert found.adjustment is None


async def test_a_baseline_without_a_report_says_what_was_printed(measure):
    found = await measure({"tests/test_a.py": CASE}, {"python -m pytest": "OSError: no disk"})
    failed = found.only(MeasurementFailed)
    assert "pytest itself failed.\nOSError: no disk" in failed.reason


async def test_a_file_that_cannot_be_imported_is_told_with_its_error(measure):
    some = {"tests/test_a.py::T::test_a": Outcome.PASSED, "tests/test_b.py": Outcome.ERROR}
    found = await measure({"tests/test_a.py": CASE}, {"python -m pytest": some})
    assert found.notes == [
        "tests/test_b.py cannot be imported: ImportError: cannot import name 'gone' from 'library'"
    ]
