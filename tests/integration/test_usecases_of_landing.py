"""After a crash between validated and applied: the target's branch says what became of it."""

from dataclasses import dataclass, field

import pytest

from services.validator.landing import usecases as landing
from shared.contracts.documents.enhancements import Approval
from shared.contracts.documents.protection import Protection
from shared.contracts.events import EnhancementApplied
from shared.contracts.states import EnhancementState
from shared.kernel.errors import Transient
from shared.kernel.ids import uuid7
from tests.support.builders import (
    COMMIT,
    NOW,
    SHA,
    a_target,
    a_task,
    a_verdict,
    a_wave,
    an_enhancement,
)
from tests.support.desks import a_validator
from tests.support.stores import a_real_store

TARGET = a_target()
HALF = Protection(state="unprotected", planted=2, noticed=1, lines=2, protected_lines=1)
# A commit is one digit, many times; what each stands on.
PARENTS = ["10", "21", "32", "53"]


@dataclass
class FakeRepository:
    """`branch` is commit by enhancement on the landing branch, newest first."""

    branch: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    away: bool = False
    files: dict[str, bytes] = field(default_factory=dict)

    def refresh(self, target):
        self.asked.append("refresh")
        if self.away:
            raise Transient("It could not be fetched.")

    def parent(self, commit):
        return next((below for above, below in PARENTS if above == commit[0]), "0") * 40

    def base_file(self, target, path):
        return self.files.get(path)

    def landed(self, target, ids):
        self.asked.append("landed")
        assert self.asked[-2:] == ["refresh", "landed"], "only what was fetched is true"
        return {each: commit for each, commit in self.branch.items() if each in ids}


@pytest.fixture
def repository():
    return FakeRepository()


@pytest.fixture
async def desk(mongo_url, tmp_path, repository):
    async with a_real_store(mongo_url) as store:
        yield a_validator(store, tmp_path, repository=lambda target: repository)


async def validated(desk, count=1, **fields):
    task = a_task(target_id=fields.pop("target_id", TARGET.id))
    fields = {"state": "validated", "commit": COMMIT, **fields}
    changes = [an_enhancement(task, key=f"k{n}", order=n, **fields) for n in range(count)]
    await desk.store.enhancements.insert_missing(changes)
    return changes


async def test_what_is_on_the_branch_is_applied_under_the_commit_found_there(desk, repository):
    [change] = await validated(desk)
    repository.branch = {change.id: "f" * 40}
    await landing.recover(TARGET, desk)
    stored = await desk.store.enhancements.need(change.id)
    assert stored.state is EnhancementState.APPLIED
    assert (stored.commit, stored.branch) == ("f" * 40, TARGET.landing_branch)
    assert stored.finished_at == desk.clock()
    [said] = desk.bus.of(EnhancementApplied)
    assert (said.enhancement_id, said.commit, said.branch) == (
        change.id,
        "f" * 40,
        TARGET.landing_branch,
    )


async def test_what_is_not_on_the_branch_goes_back_into_the_pool_without_a_commit(desk):
    [change] = await validated(desk)
    await landing.recover(TARGET, desk)
    stored = await desk.store.enhancements.need(change.id)
    assert (stored.state, stored.commit) == (EnhancementState.CLEARED, None)
    assert stored.finished_at is None
    assert not desk.bus.said


async def test_of_a_batch_each_is_looked_for_and_said_in_the_order_it_stands(desk, repository):
    one, two, three = await validated(desk, 3)
    repository.branch = {two.id: "2" * 40, one.id: "1" * 40}
    await landing.recover(TARGET, desk)
    states = [
        str((await desk.store.enhancements.need(each.id)).state) for each in (one, two, three)
    ]
    assert states == ["applied", "applied", "cleared"]
    said = desk.bus.of(EnhancementApplied)
    assert [(each.enhancement_id, each.commit) for each in said] == [
        (one.id, "1" * 40),
        (two.id, "2" * 40),
    ]


async def recover_with_one_kept_before_anything_is_said(kept, desk):
    said = desk.bus.publish

    async def publish(message, **more):
        assert await kept.count() == 1
        await said(message, **more)

    desk.bus.publish = publish
    await landing.recover(TARGET, desk)
    assert desk.bus.of(EnhancementApplied)


async def test_what_is_recovered_is_watched_before_it_is_said_to_have_landed(desk, repository):
    """So whatever has landed is watched, wherever we were cut off."""
    one, two, _ = await validated(desk, 3)
    repository.branch = {two.id: "2" * 40, one.id: "1" * 40}
    await recover_with_one_kept_before_anything_is_said(desk.store.watches, desk)
    [watch] = await desk.store.watches.find()
    assert [each.enhancement_id for each in watch.changes] == [one.id, two.id]
    assert (watch.before, watch.after, watch.run) == ("0" * 40, "2" * 40, None)


async def test_what_is_recovered_counts_as_health_before_it_is_said_to_have_landed(
    desk, repository
):
    """As it is stored, whatever the gate knew when it was cut off; of what did not land nothing counts."""
    one, two, three = await validated(desk, 3)
    for each in (one, two, three):
        await desk.store.enhancements.patch(each.id, protection=HALF)
    repository.branch = {two.id: "2" * 40, one.id: "1" * 40}
    await recover_with_one_kept_before_anything_is_said(desk.store.health, desk)
    [kept] = await desk.store.health.find()
    assert (kept.id, kept.commit) == (f"{TARGET.id}:{'2' * 40}:{one.component}:trust", "2" * 40)
    assert kept.metrics == {"faults": 4, "noticed": 2, "lines": 4, "protected_lines": 2}


async def test_what_lands_beside_a_foreign_commit_is_watched_apart_from_what_is_below_it(
    desk, repository
):
    one, two = await validated(desk, 2)
    repository.branch = {two.id: "5" * 40, one.id: "1" * 40}
    await landing.recover(TARGET, desk)
    watches = await desk.store.watches.find()
    assert {(each.before[0], each.after[0]) for each in watches} == {("0", "1"), ("3", "5")}


async def test_found_on_the_branch_while_still_in_the_gate_they_are_watched_together(
    desk, repository
):
    repository.asked.append("refresh")
    changes = await validated(desk, 3, state="validating", commit=None)
    one, two, three = changes
    repository.branch = {two.id: "2" * 40, one.id: "1" * 40}
    assert await landing.find_landed(TARGET, changes, desk) == [three]
    said = desk.bus.of(EnhancementApplied)
    assert [each.enhancement_id for each in said] == [one.id, two.id]
    [watch] = await desk.store.watches.find()
    assert [each.commit[0] for each in watch.changes] == ["1", "2"]


async def test_recovering_twice_is_the_same_as_once(desk, repository):
    one, _ = await validated(desk, 2)
    repository.branch = {one.id: "1" * 40}
    await landing.recover(TARGET, desk)
    once, said = await desk.store.enhancements.find(), desk.bus.identities()
    desk.clock.go(minutes=1)
    await landing.recover(TARGET, desk)
    assert await desk.store.enhancements.find() == once
    assert desk.bus.identities() == said


@pytest.mark.parametrize("state", ["proposed", "cleared", "validating", "applied", "rejected"])
async def test_what_was_not_about_to_land_is_left_alone(desk, repository, state):
    [change] = await validated(desk, state=state)
    repository.branch = {change.id: "1" * 40}
    await landing.recover(TARGET, desk)
    assert await desk.store.enhancements.need(change.id) == change
    assert not repository.asked, "nothing was interrupted, so nothing is fetched"


async def test_another_targets_changes_are_its_own(desk, repository):
    [change] = await validated(desk, target_id=uuid7())
    await landing.recover(TARGET, desk)
    assert await desk.store.enhancements.need(change.id) == change


async def test_a_target_that_is_away_decides_nothing(desk, repository):
    [change] = await validated(desk)
    repository.away = True
    with pytest.raises(Transient):
        await landing.recover(TARGET, desk)
    assert await desk.store.enhancements.need(change.id) == change


async def test_a_persons_word_outlives_the_wave_also_where_the_others_of_the_batch_do_not(desk):
    """The wave ends while they are tried: what was let through is judged again without the others."""
    wave = a_wave(target_id=TARGET.id, state="stopped")
    task = a_task(wave)
    word = Approval(by="me", reason="r", patch=SHA, base=COMMIT, at=NOW)
    approved = an_enhancement(task, key="a", state="validating", approval=word)
    other = an_enhancement(task, key="b", state="validating")
    await desk.store.waves.insert(wave)
    await desk.store.enhancements.insert_missing([approved, other])
    verdict = a_verdict(wave)
    batch = landing.Batch(TARGET, None, [approved, other], {}, verdict)
    await landing.land(batch, desk)
    states = [(await desk.store.enhancements.need(each.id)).state for each in (approved, other)]
    assert states == [EnhancementState.CLEARED, EnhancementState.EXPIRED]
