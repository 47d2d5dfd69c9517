"""An outcome is stored before it is published; after an interruption it is published later."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from services.validator.approval import usecases as approval
from services.validator.queue import transitions as outcomes
from shared.contracts.commands import DecideEnhancement
from shared.contracts.documents.enhancements import Rollback
from shared.contracts.events import (
    ApprovalRequested,
    EnhancementApplied,
    EnhancementApproved,
    EnhancementRejected,
    EnhancementRolledBack,
)
from shared.kernel.errors import Transient
from shared.targets.head import Head
from tests.support.builders import COMMIT, NOW, a_target, a_task, an_enhancement
from tests.support.buses import RecordingBus
from tests.support.stores import a_real_store
from tests.support.validator_deps import a_validator


class FlakyBus(RecordingBus):
    unavailable = False

    async def publish(self, message, *, key, wave=""):
        if self.unavailable:
            raise Transient("nobody took it")
        await super().publish(message, key=key, wave=wave)


@pytest.fixture
async def store(mongo_url):
    async with a_real_store(mongo_url) as made:
        yield made


@pytest.fixture
def bus():
    return FlakyBus()


@pytest.fixture
def make_deps(store, bus, tmp_path):
    return lambda now=NOW: a_validator(store, tmp_path, bus=bus, clock=lambda: now)


@pytest.fixture
async def change(store):
    change = an_enhancement(state="validating")
    await store.enhancements.insert(change)
    return change


async def test_an_outcome_that_was_not_published_is_published_once_later(make_deps, bus, change):
    deps = make_deps()
    bus.unavailable = True
    with pytest.raises(Transient):
        await outcomes.reject(change, "it breaks", deps, tests=("t::a",))
    bus.unavailable = False
    for _ in range(3):
        await outcomes.publish_unpublished(deps)
    [published] = bus.published
    assert isinstance(published.message, EnhancementRejected)
    assert (published.message.reason, published.message.tests) == ("it breaks", ("t::a",))


async def test_an_unpublished_outcome_is_published_before_the_next_one(make_deps, bus, store):
    """One process lands a change and ends before it publishes that; another rolls it back."""
    landed = an_enhancement(state="applied", commit=COMMIT, finished_at=NOW)
    await store.enhancements.insert(landed)
    rollback = Rollback(commit="b" * 40, reason="no", at=NOW)
    await outcomes.transition_and_publish(
        landed, "roll_back", make_deps(), landing__rollback=rollback
    )
    assert [type(each.message) for each in bus.published] == [
        EnhancementApplied,
        EnhancementRolledBack,
    ]


async def test_an_approval_request_that_was_not_published_is_published_before_the_approval(
    store, bus, tmp_path
):
    target = a_target()
    await store.targets.insert(target)
    asking = an_enhancement(
        a_task(target_id=target.id),
        state="needs_approval",
        approval_reason="why not",
        finished_at=NOW,
    )
    await store.enhancements.insert(asking)
    head = SimpleNamespace(refresh=lambda target: Head(COMMIT, COMMIT, None))
    deps = a_validator(store, tmp_path, bus=bus, clock=lambda: NOW, repository=lambda target: head)
    yes = DecideEnhancement(enhancement_id=asking.id, decision="approve", reason="looks right")
    await approval.decide(yes, deps)
    assert [type(each.message) for each in bus.published] == [
        ApprovalRequested,
        EnhancementApproved,
    ]


async def test_a_published_outcome_is_not_published_again_with_the_next_one(make_deps, bus, store):
    landing = an_enhancement(state="validated", commit=COMMIT)
    await store.enhancements.insert(landing)
    deps = make_deps()
    landed = await outcomes.transition_and_publish(landing, "land", deps)
    await outcomes.transition_and_publish(
        landed, "roll_back", deps, landing__rollback=Rollback(commit="b" * 40, reason="no", at=NOW)
    )
    assert len(bus.published) == 2


async def test_after_a_restart_recent_outcomes_are_published_under_the_same_key(
    make_deps, bus, change
):
    await outcomes.expire(change, "gone", make_deps())
    await outcomes.publish_unpublished(make_deps(NOW + timedelta(minutes=1)))
    first, second = bus.published
    assert first.identity == second.identity
    assert first.message == second.message


async def test_an_outcome_too_old_to_be_deduplicated_is_not_published_again(make_deps, bus, change):
    await outcomes.expire(change, "gone", make_deps())
    await outcomes.publish_unpublished(make_deps(NOW + timedelta(hours=1)))
    assert len(bus.published) == 1
