"""Waiting for a change of state, for clients that cannot be called back."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from typing import TypeVar

from services.api.ports import ApiDeps
from shared.contracts.states import Machine

T = TypeVar("T")


async def wait_for_change(
    read: Callable[[], Awaitable[T]],
    state: Callable[[T], str],
    machine: Machine,
    seconds: int,
    deps: ApiDeps,
) -> T:
    """Return what is read once its state changes or is final; after `seconds` in any case.

    It is read again at every event.
    """
    after = await deps.bus.last_sequence() if seconds else 0
    found = await read()
    before = state(found)
    if not seconds or machine.terminal(before):
        return found
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds), aclosing(deps.bus.events(after=after)) as events:
            async for _ in events:
                found = await read()
                if state(found) != before:
                    return found
    return await read()
