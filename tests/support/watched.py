"""A target with landed changes and a clock that advances: the suite is a fake, git is real."""

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from services.validator.deps import ValidatorDeps
from services.validator.landing import usecases as landing
from services.validator.prepared import prepare_head
from services.validator.runs.domain.requests import RunRequest
from services.validator.runs.usecases.request import run_tests
from services.validator.suite.domain.reports import (
    Infrastructure,
    Outcome,
    Reported,
    TestReport,
    TestResult,
)
from services.validator.watch.usecases.watching import start_due_checks
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.storage import Patch
from shared.contracts.documents.watches import Watch
from shared.contracts.events import HealthChecked, HealthRegressed
from shared.contracts.work import RunTests
from shared.environments.ports import Environment
from shared.mongo.collections import Store
from tests.support.builders import a_task, a_wave, an_enhancement
from tests.support.buses import RecordingBus
from tests.support.landing import Yard, a_patch, a_yard
from tests.support.repositories import git
from tests.support.runs import execute_run
from tests.support.stores import Watch as Clock
from tests.support.validator_deps import a_validator

# A file with this word fails once its time has come, and one with the other from the beginning.
EXPIRES, BAD = "expires", "bad"
AFTER = timedelta(minutes=10)


@dataclass
class FakeSuite:
    """A suite with one test per file. `rules` make more of them fail, by (files, test)."""

    yard: Yard
    clock: Clock
    doom: Any
    rules: list[Callable[[dict[str, str], str], bool]] = field(default_factory=list)
    runs: list[tuple[str, tuple[str, ...], int]] = field(default_factory=list)
    silent: bool = False

    async def run(self, tree_oid, profile, environment, tests=(), *, repeat=1, **_):
        self.runs.append((tree_oid, tests, repeat))
        if self.silent:
            return Infrastructure("no report")
        tree = self.yard.mirror.tree(tree_oid)
        files = {path: (tree.read(path) or b"").decode() for path in tree.files()}
        asked = [path for path in files if not tests or path in tests]
        failing = {each for each in asked if any(self._fails(files, each) for _ in range(repeat))}
        outcomes = {each: Outcome.FAILED if each in failing else Outcome.PASSED for each in asked}
        return Reported(TestReport({each: TestResult(each, o) for each, o in outcomes.items()}))

    def _fails(self, files, test):
        expired = EXPIRES in files[test] and self.clock() >= self.doom
        return expired or BAD in files[test] or any(rule(files, test) for rule in self.rules)


class FakeEnvironments:
    async def prepare(self, *_):
        return Environment("e", None, (), 0.0, True)


class RunningBus(RecordingBus):
    """A bus that executes a run as soon as it is requested, in this process."""

    deps: ValidatorDeps | None = None

    async def publish(self, message, *, key, wave=""):
        await super().publish(message, key=key, wave=wave)
        if isinstance(message, RunTests):
            assert self.deps is not None
            await execute_run(message, self.deps)


@dataclass
class Street:
    """A target on which changes land and are watched."""

    yard: Yard
    store: Store
    deps: ValidatorDeps
    suite: FakeSuite
    clock: Clock

    def __post_init__(self):
        self.wave = a_wave(target_id=self.yard.target.id, state="running", commit=self.yard.head())

    async def open(self):
        await self.store.targets.insert(self.yard.target)
        await self.store.waves.insert(self.wave)
        return self

    async def land(
        self, *edits: tuple[str, str], approved: tuple[str, ...] = (), **fields: Any
    ) -> list[Enhancement]:
        """(path, what is in it after that), each as a change of its own, all in one batch."""
        deps, yard = self.deps, self.yard
        place = await prepare_head(deps, yard.target, yard.head())
        changes, patches, texts = [], [], {}
        for number, (path, after) in enumerate(edits):
            before = texts.get(path) or (place.mirror.tree(place.head).read(path) or b"").decode()
            texts[path] = after
            patch = a_patch(path, before or None, after)
            change = self._change(number, path, patch, **fields)
            await self.store.patches.insert(
                Patch(id=change.proposal.patch.digest, text=patch, created_at=self.clock())
            )
            await self.store.enhancements.insert(change)
            changes.append(change)
            patches.append((change.id, patch))
        composed = yard.repository.compose(place.head, patches)
        assert not composed.failed, composed.failed
        ids = [each.id for each in changes]
        order = RunRequest(composed.tree, "full run", ids, approved=approved)
        run = await run_tests(deps, place, order, wave_id=self.wave.id)
        batch = landing.Batch(yard.target, place, changes, dict(composed.steps), run)
        async with deps.leadership.hold_leadership(yard.target.id):
            await landing.land(batch, deps)
        return [await self.store.enhancements.require(each.id) for each in changes]

    def _change(self, number: int, path: str, patch: str, **fields: Any) -> Enhancement:
        return an_enhancement(
            a_task(self.wave, component=path.partition(".")[0]),
            key=f"{path}{number}",
            order=number,
            title=f"change {number + 1} of {path}",
            patch=hashlib.sha256(patch.encode()).hexdigest(),
            files=(path,),
            state="validating",
            target_id=self.yard.target.id,
            **fields,
        )

    async def end_wave(self) -> None:
        for trigger in ("finish", "complete"):
            wave = await self.store.waves.require(self.wave.id)
            await self.store.waves.transition(wave, trigger)

    async def watch(self) -> Watch:
        """The newest."""
        found = await self.store.watches.first(sort="-_id")
        assert found is not None
        return found

    async def look(self, deps: ValidatorDeps | None = None) -> None:
        """One round of the loop, and what it set going."""
        deps = deps or self.deps
        await start_due_checks(deps)
        for task in deps.process.running_checks.all():
            await task

    async def later(self, deps: ValidatorDeps | None = None, **time: float) -> None:
        self.clock.go(**time)
        await self.look(deps)

    def checked(self) -> list[HealthChecked]:
        return self.deps.bus.of(HealthChecked)

    def regressed(self) -> list[HealthRegressed]:
        return self.deps.bus.of(HealthRegressed)

    def commits(self) -> list[str]:
        """The subjects on the landing branch above the base, newest first."""
        branch = self.yard.target.landing_branch
        return git(self.yard.place, "log", "--format=%s", f"main..{branch}").splitlines()

    def texts(self) -> dict[str, str]:
        """The files at the landing branch's tip."""
        tree = self.yard.mirror.tree(self.yard.head())
        return {path: (tree.read(path) or b"").decode() for path in tree.files()}

    async def states(self, changes: Collection[Enhancement]) -> list[str]:
        return [str((await self.store.enhancements.require(e.id)).state) for e in changes]


def another_validator(street: Street, **given: Any) -> ValidatorDeps:
    """Make a validator that is started after another one ended."""
    bus = RunningBus()
    known = {
        "bus": bus,
        "identity": street.deps.identity,
        "repository": lambda target: street.yard.repository,
        "environments": FakeEnvironments(),
        "suite": street.suite,
        "clock": street.clock,
    }
    home = given.pop("home", street.deps.home)
    deps = a_validator(street.store, home, **{**known, **given})
    bus.deps = deps
    return deps


async def a_street(tmp_path, store: Store, **files: str) -> Street:
    """A target with these files, of which each is tested by itself."""
    yard, clock = a_yard(tmp_path, **files), Clock()
    suite = FakeSuite(yard, clock, clock.now + AFTER)
    bus = RunningBus()
    deps = a_validator(
        store,
        tmp_path / "home",
        bus=bus,
        repository=lambda target: yard.repository,
        environments=FakeEnvironments(),
        suite=suite,
        clock=clock,
    )
    bus.deps = deps
    return await Street(yard, store, deps, suite, clock).open()
