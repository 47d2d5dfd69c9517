"""A client that goes before its body ends: what it may have asked for is not done."""

import pytest

from services.api.domain.access import EVERYTHING
from services.api.routes.guard import Guard
from services.api.routes.rates import RateLimits
from services.api.settings import DEFAULT_RATE
from tests.support.builders import NOW

SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/api/v1/waves/1/rollback",
    "headers": [(b"host", b"localhost"), (b"authorization", b"Bearer key")],
}


async def seen_by_the_application(*messages):
    """Send these messages through the guard; return the bodies that the application reads."""
    coming, bodies = iter(messages), []

    async def application(scope, receive, send):
        bodies.append((await receive())["body"])

    async def receive():
        return next(coming)

    async def authenticate(key):
        return EVERYTHING

    rates = RateLimits(DEFAULT_RATE, clock=lambda: NOW)
    guard = Guard(application, authenticate=authenticate, hosts=["localhost"], rates=rates)
    await guard({**SCOPE}, receive, None)
    return bodies


@pytest.mark.parametrize(
    "sent", [(), ({"type": "http.request", "body": b'{"dry_', "more_body": True},)]
)
async def test_a_request_that_was_cut_off_does_not_reach_the_application(sent):
    assert await seen_by_the_application(*sent, {"type": "http.disconnect"}) == []


async def test_a_body_in_parts_arrives_whole_and_none_as_an_empty_one():
    parts = ({"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.request"})
    assert await seen_by_the_application(*parts) == [b"a"]
    assert await seen_by_the_application({"type": "http.request"}) == [b""]
