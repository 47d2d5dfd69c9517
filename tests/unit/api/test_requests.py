"""Requests on the bus do what the HTTP API does, by the same use cases."""

import pytest

from services.api.handlers import answers
from services.api.ports import ApiDeps
from shared.contracts.commands import BacktestTarget, DecideEnhancement, RollbackEnhancement
from shared.kernel.errors import Conflict
from shared.kernel.ids import uuid7
from tests.support.builders import NOW, an_enhancement
from tests.support.buses import RecordingBus
from tests.support.memory import a_store


@pytest.fixture
def deps():
    bus = RecordingBus()
    return ApiDeps(store=a_store(), bus=bus, ping_database=None, clock=lambda: NOW, new_id=uuid7)


async def ask(deps, request):
    [endpoint] = [each for each in answers(deps) if each.request is type(request)]
    return await endpoint.handler(request)


async def test_a_landed_change_is_rolled_back(deps):
    change = an_enhancement(state="applied")
    await deps.store.enhancements.insert(change)
    request = RollbackEnhancement(enhancement_id=change.id, reason="slow", dependents=True)
    assert (await ask(deps, request)).enhancement_id == change.id
    assert [each.message for each in deps.bus.published] == [request]


async def test_what_is_not_landed_is_not_rolled_back(deps):
    change = an_enhancement(state="cleared")
    await deps.store.enhancements.insert(change)
    with pytest.raises(Conflict):
        await ask(deps, RollbackEnhancement(enhancement_id=change.id))
    assert deps.bus.published == []


async def test_a_change_is_decided_about(deps):
    change = an_enhancement(state="needs_approval")
    await deps.store.enhancements.insert(change)
    request = DecideEnhancement(
        enhancement_id=change.id, decision="approve", reason="read", by="somebody"
    )
    assert (await ask(deps, request)).wave_id == change.wave_id
    published = deps.bus.published[0].message
    assert (published.decision, published.by, published.reason) == ("approve", "somebody", "read")


async def test_a_backtest_is_started(deps):
    accepted = await ask(deps, BacktestTarget(target="/srv/shop", since="v1"))
    assert [each.message.backtest_id for each in deps.bus.published] == [accepted.backtest_id]
