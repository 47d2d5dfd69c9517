"""Random rounds: up to three validators race for the same landings and are killed at random points.

There are two hundred rounds, of which a sample is run (all of them: `make soak`). The validators
are forked processes that talk to MongoDB over a real connection and use real repositories; only the
suite is fake, as it is the same for all of them. The invariants are checked from MongoDB and git
alone.
"""

import asyncio
import contextlib
import hashlib
import os
import random
import signal
import sys
import traceback
from pathlib import Path

import pytest

from services.validator.deps import ValidatorDeps
from services.validator.findings.domain import MeasuredPair
from services.validator.gate.loop import settle
from services.validator.git.adapters.repository import GitRepository
from services.validator.rollback.usecases.rollbacks import roll_back
from services.validator.suite.domain.reports import Outcome
from shared.contracts.commands import RollbackEnhancement
from shared.contracts.documents.storage import Patch
from shared.contracts.states import EnhancementState
from shared.contracts.work import RunTests
from shared.environments.ports import Environment
from shared.kernel import failpoints
from shared.kernel.clock import utc_now
from shared.kernel.errors import GroundswellError
from shared.kernel.ids import uuid7
from shared.mongo.client import connected
from shared.mongo.collections import ensure_indexes, open_store
from shared.sandbox.choice import NoSandbox
from shared.targets.home import identity_of
from shared.targets.mirror import Mirror
from tests.support.builders import a_target, a_task, a_wave, an_enhancement
from tests.support.checker import check_branch, check_locks, connect
from tests.support.fake_report import fake_report
from tests.support.landing import a_patch
from tests.support.repositories import a_repository, checkout_of, git
from tests.support.runs import execute_run
from tests.support.validator_deps import a_validator

# All of them take four minutes of two cores (`make soak`); CI draws a sample.
ALL_ROUNDS, SHARDS = 200, 8
SAMPLED = int(os.environ.get("GROUNDSWELL_ROUNDS", "16"))
SEEDS = sorted(random.Random("rounds").sample(range(ALL_ROUNDS), SAMPLED))
BETWEEN_HOMES = range(10_000, 10_000 + max(SAMPLED * 16 // ALL_ROUNDS, 2))
ATTEMPTS = 12
PATIENCE = 60
LANDING = [each for each in failpoints.FAILPOINTS if each.startswith(("landing", "run"))]
ROLLING = [each for each in failpoints.FAILPOINTS if each.startswith("rollback")]
BAD = "bad"


class FakeSuite:
    """A suite with one test per file; the test of a file that says it is bad fails."""

    def __init__(self, mirror: Mirror) -> None:
        self.mirror = mirror

    async def run(self, tree_oid, profile, environment, tests=(), *, repeat=1, **_):
        tree = self.mirror.tree(tree_oid)
        outcomes = {
            path: Outcome.FAILED if BAD in (tree.read(path) or b"").decode() else Outcome.PASSED
            for path in tree.files()
        }
        return fake_report(outcomes, tests, repeat=repeat)


class FakeEnvironments:
    async def prepare(self, *_):
        return Environment("e", Path("/nowhere"), (), 0.0, True)


class FakeDetectors:
    """Detectors that find nothing."""

    async def measure_pairs(self, target_id, head, profile, pairs):
        return [MeasuredPair() for _ in pairs]


class Trusted(NoSandbox):
    trusted = True


class RunningBus:
    """A bus that executes a run as soon as it is requested, in this process."""

    def __init__(self) -> None:
        self.deps: ValidatorDeps | None = None
        self.tasks: set[asyncio.Task[None]] = set()

    async def publish(self, message, **_):
        if isinstance(message, RunTests):
            assert self.deps is not None
            task = asyncio.create_task(execute_run(message, self.deps))
            self.tasks.add(task)


@contextlib.asynccontextmanager
async def deps_of(mongo_url, name, home):
    async with connected(mongo_url, name) as database:
        bus = RunningBus()
        deps = a_validator(
            open_store(database),
            home,
            identity=identity_of(home),
            bus=bus,
            repository=lambda target: GitRepository(Mirror.at(home, target.id)),
            environments=FakeEnvironments(),
            detectors=FakeDetectors(),
            sandbox=Trusted(()),
            clock=utc_now,
        )
        [target] = await deps.store.targets.find()
        object.__setattr__(deps, "suite", FakeSuite(deps.mirror(target)))
        bus.deps = deps
        yield deps, target


async def prepare(mongo_url, name, place, rnd):
    """Store a wave whose few changes are in the gate.

    Most change a file of their own; some change the same file, and now and then one is bad.
    """
    async with connected(mongo_url, name) as database:
        await ensure_indexes(database)
        store = open_store(database)
        head = git(place, "rev-parse", "main")
        root = git(place, "rev-list", "--max-parents=0", "HEAD")
        target = a_target(location=str(place), root_commit=root)
        wave = a_wave(target_id=target.id, state="running", commit=head, base_commit=head)
        await store.targets.insert(target)
        await store.waves.insert(wave)
        for number in range(rnd.randint(2, 5)):
            path = f"{'abc'[number % 3]}.txt"
            text = (place / path).read_text()
            line = rnd.randrange(10)
            word = BAD if rnd.random() < 0.2 else f"changed by {number}"
            after = text.replace(f"line {line}\n", f"{word}\n")
            patch = a_patch(path, text, after)
            digest = hashlib.sha256(patch.encode()).hexdigest()
            task = a_task(wave, component=f"c{number}", paths=(f"/{path}",), state="proposed")
            change = an_enhancement(
                task,
                key=f"k{number}",
                patch=digest,
                files=(path,),
                base_commit=head,
                state="cleared",
            )
            await store.tasks.insert(task)
            await store.patches.insert(Patch(id=digest, text=patch, created_at=utc_now()))
            await store.enhancements.insert(change)


def validator(mongo_url, name, home, undo):
    """What one validator process does until nothing is left to do for it."""

    async def work():
        async with deps_of(mongo_url, name, home) as (deps, target):
            while True:
                try:
                    if undo:
                        await roll_back(
                            RollbackEnhancement(enhancement_id=undo, dependents=True), deps
                        )
                    else:
                        await settle(target.id, deps)
                except GroundswellError:
                    await asyncio.sleep(0.02)
                open_ = await deps.store.enhancements.count(
                    target_id=target.id, state=["cleared", "validating", "validated"]
                )
                if undo or not open_:
                    return

    asyncio.run(work())


def forked(action, *arguments, fault):
    """Run it in a process of its own, which may die at a fault point."""
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.alarm(PATIENCE)
        os.environ[failpoints.ENVIRONMENT_VARIABLE] = fault
        action(*arguments)
        os._exit(0)
    except BaseException:  # noqa: BLE001 - a forked copy must never come back into pytest
        traceback.print_exc(file=sys.stderr)
        os._exit(1)


def race(rnd, action, points, marker, homes, mongo_url, name, undo):
    """One to three at once, each in one of the homes and perhaps killed; then one that is not."""
    for attempt in range(ATTEMPTS):
        last = attempt == ATTEMPTS - 1 or rnd.random() < 0.3
        pids = []
        for number in range(1 if last else rnd.randint(1, 3)):
            point = (
                ""
                if last
                else f"{rnd.choice(points)}:{rnd.randint(1, 2)}:{marker}-{attempt}-{number}"
            )
            home = rnd.choice(homes)
            pids.append(forked(action, mongo_url, name, home, undo, fault=point))
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
        assert set(codes) <= {0, -signal.SIGKILL}, codes
        if last:
            return


@contextlib.contextmanager
def noted(seed):
    """A round that fails names the seed that makes it again."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"seed {seed}")
        raise


def a_round(seed, mongo_url, folder, homes=1):
    rnd = random.Random(seed)
    ten = "".join(f"line {n}\n" for n in range(10))
    place = a_repository(folder / "target", a_txt=ten, b_txt=ten, c_txt=ten)
    before, name = checkout_of(place), "round_" + uuid7().replace("-", "")
    homes = [folder / f"home-{number}" for number in range(homes)]
    asyncio.run(prepare(mongo_url, name, place, rnd))
    race(rnd, validator, LANDING, folder / "m", homes, mongo_url, name, None)
    database = connect(mongo_url, name)
    applied = [each["_id"] for each in database["enhancements"].find({"state": "applied"})]
    if applied and rnd.random() < 0.5:
        undo = rnd.choice(applied)
        race(rnd, validator, ROLLING, folder / "r", homes, mongo_url, name, undo)
    changes = list(database["enhancements"].find())
    ended = {"applied", "rejected", "expired", "rolled_back"}
    assert {each["state"] for each in changes} <= ended, [each["state"] for each in changes]
    bad = [
        each
        for each in changes
        if BAD in database["patches"].find_one({"_id": each["proposal"]["patch"]["digest"]})["text"]
    ]
    assert all(each["state"] != EnhancementState.APPLIED for each in bad)
    check_branch(place, "groundswell/main", changes, database)
    for home in homes:
        check_locks(home, place)
    assert checkout_of(place) == before
    database.client.drop_database(name)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_each_lands_exactly_once_whatever_happens(shard, mongo_url, tmp_path):
    for seed in SEEDS[shard::SHARDS]:
        with noted(seed):
            a_round(seed, mongo_url, tmp_path / str(seed))


@pytest.mark.parametrize("shard", range(2))
def test_so_it_is_between_homes_which_share_no_lock(shard, mongo_url, tmp_path, monkeypatch):
    # What has died is waited for; not for long here.
    monkeypatch.setattr("shared.mongo.leadership.LEASE_TTL_SECONDS", 2.0)
    monkeypatch.setattr("shared.mongo.leadership.RETRY_SECONDS", 0.05)
    for seed in BETWEEN_HOMES[shard::2]:
        with noted(seed):
            a_round(seed, mongo_url, tmp_path / str(seed), homes=3)
