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
    a_test_run,
    a_wave,
    an_enhancement,
)
from tests.support.memory import a_store
from tests.support.stores import a_real_store
from tests.support.validator_deps import a_validator
from tests.support.watched import a_street

TARGET = a_target()
HALF = Protection(state="unprotected", mutants=2, killed=1, lines=2, protected_lines=1)
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

    def landed_commits(self, target, ids):
        self.asked.append("landed_commits")
        assert self.asked[-2:] == ["refresh", "landed_commits"], "only what was fetched is true"
        return {each: commit for each, commit in self.branch.items() if each in ids}


@pytest.fixture
def repository():
    return FakeRepository()


@pytest.fixture
async def deps(mongo_url, tmp_path, repository):
    async with a_real_store(mongo_url) as store:
        yield a_validator(store, tmp_path, repository=lambda target: repository)


async def validated(deps, count=1, **fields):
    task = a_task(target_id=fields.pop("target_id", TARGET.id))
    fields = {"state": "validated", "commit": COMMIT, **fields}
    changes = [an_enhancement(task, key=f"k{n}", order=n, **fields) for n in range(count)]
    await deps.store.enhancements.insert_missing(changes)
    return changes


async def test_what_is_on_the_branch_is_applied_under_the_commit_found_there(deps, repository):
    [change] = await validated(deps)
    repository.branch = {change.id: "f" * 40}
    await landing.recover(TARGET, deps)
    stored = await deps.store.enhancements.require(change.id)
    assert stored.state is EnhancementState.APPLIED
    assert (stored.landing.commit, stored.landing.branch) == ("f" * 40, TARGET.landing_branch)
    assert stored.finished_at == deps.clock()
    [said] = deps.bus.of(EnhancementApplied)
    assert (said.enhancement_id, said.commit, said.branch) == (
        change.id,
        "f" * 40,
        TARGET.landing_branch,
    )


async def test_what_is_not_on_the_branch_goes_back_into_the_pool_without_a_commit(deps):
    [change] = await validated(deps)
    await landing.recover(TARGET, deps)
    stored = await deps.store.enhancements.require(change.id)
    assert (stored.state, stored.landing.commit) == (EnhancementState.CLEARED, None)
    assert stored.finished_at is None
    assert not deps.bus.published


async def test_changes_of_a_batch_are_looked_up_and_published_in_their_order(deps, repository):
    one, two, three = await validated(deps, 3)
    repository.branch = {two.id: "2" * 40, one.id: "1" * 40}
    await landing.recover(TARGET, deps)
    states = [
        str((await deps.store.enhancements.require(each.id)).state) for each in (one, two, three)
    ]
    assert states == ["applied", "applied", "cleared"]
    published = deps.bus.of(EnhancementApplied)
    assert [(each.enhancement_id, each.commit) for each in published] == [
        (one.id, "1" * 40),
        (two.id, "2" * 40),
    ]


async def recover_with_one_stored_before_anything_is_published(kept, deps):
    publish_as_usual = deps.bus.publish

    async def publish(message, **more):
        assert await kept.count() == 1
        await publish_as_usual(message, **more)

    deps.bus.publish = publish
    await landing.recover(TARGET, deps)
    assert deps.bus.of(EnhancementApplied)


async def test_a_recovered_landing_is_watched_before_it_is_published(deps, repository):
    """Whatever has landed is watched, wherever the process was interrupted."""
    one, two, _ = await validated(deps, 3)
    repository.branch = {two.id: "2" * 40, one.id: "1" * 40}
    await recover_with_one_stored_before_anything_is_published(deps.store.watches, deps)
    [watch] = await deps.store.watches.find()
    assert [each.enhancement_id for each in watch.changes] == [one.id, two.id]
    assert (watch.before, watch.after, watch.run) == ("0" * 40, "2" * 40, None)


async def test_a_recovered_landing_counts_as_health_before_it_is_published(deps, repository):
    """What is stored counts, whatever the gate knew when it was killed; only for landed changes."""
    one, two, three = await validated(deps, 3)
    for each in (one, two, three):
        await deps.store.enhancements.set_fields(each.id, decision__protection=HALF)
    repository.branch = {two.id: "2" * 40, one.id: "1" * 40}
    await recover_with_one_stored_before_anything_is_published(deps.store.health, deps)
    [kept] = await deps.store.health.find()
    assert (kept.id, kept.commit) == (
        f"{TARGET.id}:{'2' * 40}:{one.proposal.component}:protection",
        "2" * 40,
    )
    assert kept.metrics == {"mutants": 4, "killed": 2, "lines": 4, "protected_lines": 2}


async def test_what_lands_beside_a_foreign_commit_is_watched_apart_from_what_is_below_it(
    deps, repository
):
    one, two = await validated(deps, 2)
    repository.branch = {two.id: "5" * 40, one.id: "1" * 40}
    await landing.recover(TARGET, deps)
    watches = await deps.store.watches.find()
    assert {(each.before[0], each.after[0]) for each in watches} == {("0", "1"), ("3", "5")}


async def test_found_on_the_branch_while_still_in_the_gate_they_are_watched_together(
    deps, repository
):
    repository.asked.append("refresh")
    changes = await validated(deps, 3, state="validating", commit=None)
    one, two, three = changes
    repository.branch = {two.id: "2" * 40, one.id: "1" * 40}
    assert await landing.find_landed(TARGET, changes, deps) == [three]
    said = deps.bus.of(EnhancementApplied)
    assert [each.enhancement_id for each in said] == [one.id, two.id]
    [watch] = await deps.store.watches.find()
    assert [each.commit[0] for each in watch.changes] == ["1", "2"]


async def test_recovering_twice_is_the_same_as_once(deps, repository):
    one, _ = await validated(deps, 2)
    repository.branch = {one.id: "1" * 40}
    await landing.recover(TARGET, deps)
    once, said = await deps.store.enhancements.find(), deps.bus.identities()
    deps.clock.go(minutes=1)
    await landing.recover(TARGET, deps)
    assert await deps.store.enhancements.find() == once
    assert deps.bus.identities() == said


@pytest.mark.parametrize("state", ["proposed", "cleared", "validating", "applied", "rejected"])
async def test_what_was_not_about_to_land_is_left_alone(deps, repository, state):
    [change] = await validated(deps, state=state)
    repository.branch = {change.id: "1" * 40}
    await landing.recover(TARGET, deps)
    assert await deps.store.enhancements.require(change.id) == change
    assert not repository.asked, "nothing was interrupted, so nothing is fetched"


async def test_another_targets_changes_are_its_own(deps, repository):
    [change] = await validated(deps, target_id=uuid7())
    await landing.recover(TARGET, deps)
    assert await deps.store.enhancements.require(change.id) == change


async def test_a_target_that_is_away_decides_nothing(deps, repository):
    [change] = await validated(deps)
    repository.away = True
    with pytest.raises(Transient):
        await landing.recover(TARGET, deps)
    assert await deps.store.enhancements.require(change.id) == change


async def test_a_persons_word_outlives_the_wave_also_where_the_others_of_the_batch_do_not(deps):
    """The wave ends meanwhile: approved changes are judged again without the others."""
    wave = a_wave(target_id=TARGET.id, state="stopped")
    task = a_task(wave)
    word = Approval(by="me", reason="r", patch=SHA, base=COMMIT, at=NOW)
    approved = an_enhancement(task, key="a", state="validating", approval=word)
    other = an_enhancement(task, key="b", state="validating")
    await deps.store.waves.insert(wave)
    await deps.store.enhancements.insert_missing([approved, other])
    run = a_test_run(wave)
    batch = landing.Batch(TARGET, None, [approved, other], {}, run)
    await landing.land(batch, deps)
    states = [(await deps.store.enhancements.require(each.id)).state for each in (approved, other)]
    assert states == [EnhancementState.CLEARED, EnhancementState.EXPIRED]


@pytest.mark.parametrize("approved", [(), ("tests/test_m.py",)])
async def test_no_protected_file_lands_that_its_run_did_not_have(tmp_path, approved):
    street = await a_street(tmp_path, a_store(), **{"tests/test_m.py": "one"})
    [change] = await street.land(("tests/test_m.py", "two"), approved=approved)
    if approved:
        assert change.state is EnhancementState.APPLIED
        assert street.texts() == {"tests/test_m.py": "two"}
    else:
        assert change.state is EnhancementState.EXPIRED
        assert change.decision.reason == "no run had tests/test_m.py as it would land"
        assert street.texts() == {"tests/test_m.py": "one"}
