"""An outcome is stored before it is said: cut off between the two, the validator says it later."""

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
    deaf = False

    async def publish(self, message, *, key, wave=""):
        if self.deaf:
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
def make_desk(store, bus, tmp_path):
    return lambda now=NOW: a_validator(store, tmp_path, bus=bus, clock=lambda: now)


@pytest.fixture
async def change(store):
    change = an_enhancement(state="validating")
    await store.enhancements.insert(change)
    return change


async def test_an_outcome_nobody_heard_of_is_said_once_more(make_desk, bus, change):
    deps = make_desk()
    bus.deaf = True
    with pytest.raises(Transient):
        await outcomes.reject(change, "it breaks", deps, tests=("t::a",))
    bus.deaf = False
    for _ in range(3):
        await outcomes.publish_unpublished(deps)
    [said] = bus.said
    assert isinstance(said.message, EnhancementRejected)
    assert (said.message.reason, said.message.tests) == ("it breaks", ("t::a",))


async def test_what_nobody_heard_of_is_said_before_something_else_becomes_of_it(
    make_desk, bus, store
):
    """Cut off between landing and saying so, and rolled back by another one at once."""
    landed = an_enhancement(state="applied", commit=COMMIT, finished_at=NOW)
    await store.enhancements.insert(landed)
    taken_off = Rollback(commit="b" * 40, reason="no", at=NOW)
    await outcomes.transition_and_publish(
        landed, "roll_back", make_desk(), landing__rollback=taken_off
    )
    assert [type(each.message) for each in bus.said] == [
        EnhancementApplied,
        EnhancementRolledBack,
    ]


async def test_what_is_approved_before_anybody_heard_it_asked_is_said_to_have_asked(
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
    assert [type(each.message) for each in bus.said] == [ApprovalRequested, EnhancementApproved]


async def test_what_was_said_is_not_said_again_when_something_else_becomes_of_it(
    make_desk, bus, store
):
    landing = an_enhancement(state="validated", commit=COMMIT)
    await store.enhancements.insert(landing)
    deps = make_desk()
    landed = await outcomes.transition_and_publish(landing, "land", deps)
    await outcomes.transition_and_publish(
        landed, "roll_back", deps, landing__rollback=Rollback(commit="b" * 40, reason="no", at=NOW)
    )
    assert len(bus.said) == 2


async def test_after_a_restart_recent_outcomes_are_said_under_the_same_key(make_desk, bus, change):
    await outcomes.expire(change, "gone", make_desk())
    await outcomes.publish_unpublished(make_desk(NOW + timedelta(minutes=1)))
    first, second = bus.said
    assert first.identity == second.identity
    assert first.message == second.message


async def test_what_the_stream_may_have_forgotten_is_not_said_again(make_desk, bus, change):
    await outcomes.expire(change, "gone", make_desk())
    await outcomes.publish_unpublished(make_desk(NOW + timedelta(hours=1)))
    assert len(bus.said) == 1
