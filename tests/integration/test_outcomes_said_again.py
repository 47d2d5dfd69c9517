"""An outcome is stored before it is said: cut off between the two, the validator says it later."""

from datetime import timedelta
from pathlib import Path

import pytest

from services.validator.usecases import outcomes
from shared.contracts.events import EnhancementRejected
from shared.kernel.errors import Transient
from tests.support.builders import NOW, an_enhancement
from tests.support.buses import RecordingBus
from tests.support.desks import a_validator
from tests.support.stores import a_real_store


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
def make_desk(store, bus):
    return lambda now=NOW: a_validator(store, Path("/nowhere"), bus=bus, clock=lambda: now)


@pytest.fixture
async def change(store):
    change = an_enhancement(state="validating")
    await store.enhancements.insert(change)
    return change


async def test_an_outcome_nobody_heard_of_is_said_once_more(make_desk, bus, change):
    desk = make_desk()
    bus.deaf = True
    with pytest.raises(Transient):
        await outcomes.reject(change, "it breaks", desk, tests=("t::a",))
    bus.deaf = False
    for _ in range(3):
        await outcomes.say_again(desk)
    [said] = bus.said
    assert isinstance(said.message, EnhancementRejected)
    assert (said.message.reason, said.message.tests) == ("it breaks", ("t::a",))


async def test_after_a_restart_recent_outcomes_are_said_under_the_same_key(make_desk, bus, change):
    await outcomes.expire(change, "gone", make_desk())
    await outcomes.say_again(make_desk(NOW + timedelta(minutes=1)))
    first, second = bus.said
    assert first.identity == second.identity
    assert first.message == second.message


async def test_what_the_stream_may_have_forgotten_is_not_said_again(make_desk, bus, change):
    await outcomes.expire(change, "gone", make_desk())
    await outcomes.say_again(make_desk(NOW + timedelta(hours=1)))
    assert len(bus.said) == 1
