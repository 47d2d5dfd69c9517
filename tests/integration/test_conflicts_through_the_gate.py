"""Overlapping proposals from the resolver through the gate: what fits lands, and lands once."""

from types import SimpleNamespace

import pytest

from services.resolver.adapters import MirrorReader
from services.resolver.conflicts import place
from services.resolver.usecases import ResolverDeps, settle_conflicts
from shared.contracts.documents.conflicts import ConflictOutcome
from shared.contracts.events import ConflictResolved
from tests.integration.test_usecases_of_the_gate import House
from tests.support.overlapping import TEXT, Overlapping, edited


@pytest.fixture
async def line(tmp_path):
    """A gate over a real repository, the resolver before it, and two tasks on one file."""
    house = House(tmp_path, m_txt=TEXT)
    made = Overlapping(house.store, target=house.yard.target, commit=house.yard.head())
    deps = ResolverDeps(
        store=house.store,
        bus=house.bus,
        clock=house.deps.clock,
        reader=MirrorReader(tmp_path / "home"),
    )
    wave = await made.wave()
    # The gate asks nobody about the fixes of this type; that there are two tasks is what matters.
    tasks = [
        await made.task(wave, component=each, paths=("/m.txt", "/a.txt")) for each in ("one", "two")
    ]
    return SimpleNamespace(house=house, made=made, deps=deps, tasks=tasks)


async def through(line, *changes):
    """Have the resolver place these changes, and then both take turns until nothing moves."""
    for each in changes:
        await place(each, line.deps)
    for _ in range(3):
        await line.house.settle()
        await settle_conflicts(line.deps)
    stored = [await line.house.store.enhancements.require(each.id) for each in changes]
    return [str(each.state) for each in stored]


def landed(line):
    return line.house.yard.content(line.house.yard.head(), "m.txt").decode()


async def test_hunks_of_two_agents_in_one_file_both_land(line):
    one, two = line.tasks
    changes = [
        await line.made.propose(one, edited(3), path="m.txt"),
        await line.made.propose(two, edited(30), path="m.txt"),
    ]
    assert await through(line, *changes) == ["applied", "applied"]
    assert landed(line) == edited(3, 30)


async def test_identical_proposals_land_once(line):
    changes = [await line.made.propose(each, edited(3), path="m.txt") for each in line.tasks]
    assert sorted(await through(line, *changes)) == ["applied", "superseded"]
    assert landed(line) == edited(3)


async def test_of_two_on_the_same_lines_one_lands_and_the_gate_never_tries_the_other(line):
    one, two = line.tasks
    small = await line.made.propose(one, edited(3), path="m.txt", worth=1)
    large = await line.made.propose(two, edited(3, by="other"), path="m.txt", worth=5)
    assert await through(line, small, large) == ["expired", "applied"]
    assert landed(line) == edited(3, by="other")
    [record] = await line.house.store.conflicts.find()
    assert record.outcome is ConflictOutcome.REMADE
    [event] = line.house.bus.of(ConflictResolved)
    assert event.second == small.id
    runs = await line.house.store.runs.find()
    assert all(small.id not in each.request.changes for each in runs)


async def test_what_waited_lands_if_the_first_is_refused(line):
    one, two = line.tasks
    rest = {"path": "a.txt", "before": "a\n"}
    good = await line.made.propose(one, "good\n", worth=1, **rest)
    bad = await line.made.propose(two, "bad\n", worth=5, **rest)
    assert await through(line, good, bad) == ["applied", "rejected"]
    [record] = await line.house.store.conflicts.find()
    assert record.outcome is ConflictOutcome.SECOND_STANDS
