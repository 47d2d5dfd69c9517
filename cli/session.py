"""Where a command finds its API: a given url, the home's running stack, or a stack of its own."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from cli.client import ApiClient
from cli.text import warn
from deploy.homes import Stack, find_running_stack, lock_is_held
from deploy.local import local_stack
from shared.kernel.errors import Conflict, NotFound, Transient
from shared.targets.home import default_home

# Another command may just be starting the stack that this one is to use.
STACK_START_TIMEOUT_SECONDS = 30.0
STACK_POLL_SECONDS = 0.1
WAVES_POLL_SECONDS = 0.5


@asynccontextmanager
async def connect(*, start_stack: bool = True) -> AsyncIterator[ApiClient]:
    """Connect to the API; if no stack is up, start one for this context and others' waves on it.

    Raises `NotFound` instead if `start_stack` is false, for commands whose work has to go on after
    they end.
    """
    async with AsyncExitStack() as exits:
        url, key = os.environ.get("GROUNDSWELL_API_URL"), os.environ.get("GROUNDSWELL_API_KEY", "")
        ours = False
        if not url:
            stack, ours = await _find_or_start(exits, start_stack=start_stack)
            url, key = stack.api_url, stack.api_key
        client = ApiClient(url, key, ours=ours)
        exits.push_async_callback(client.close)
        yield client
        if ours:
            await _wait_for_other_waves(client)


async def _find_or_start(exits: AsyncExitStack, *, start_stack: bool) -> tuple[Stack, bool]:
    """Return the stack, and whether it was started for this command. Raises as `connect` does."""
    home = default_home()
    stack = await _running(home)
    if stack is not None:
        return stack, False
    if not start_stack:
        raise NotFound("No stack is up.", hint="Start one: groundswell up", code="no_stack")
    try:
        return await exits.enter_async_context(local_stack(home, warn)), True
    except Conflict:
        # Another command started one in the meantime.
        stack = await _running(home)
        if stack is None:
            raise
        return stack, False


async def _running(home: Path) -> Stack | None:
    """Return the home's stack, waiting for one that is being started; None if there is none.

    Raises `Conflict` if the one that is being started does not come up.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + STACK_START_TIMEOUT_SECONDS
    while True:
        stack = find_running_stack(home)
        if stack is not None or not lock_is_held(home):
            return stack
        if loop.time() > deadline:
            raise Conflict(
                f"Another process holds {home / 'stack.lock'}, but no stack comes up.",
                hint="End that process, or set GROUNDSWELL_HOME to another directory.",
                code="stack_stuck",
            )
        await asyncio.sleep(STACK_POLL_SECONDS)


async def _wait_for_other_waves(client: ApiClient) -> None:
    """Wait for waves that others have started on our stack, so that they are not cut off."""
    warned = False
    while True:
        try:
            waves = (await client.status()).waves
        except Transient:
            return
        if not waves:
            return
        if not warned:
            number = sum(waves.values())
            warn(f"Another wave is running on this stack ({number}); waiting for it to finish.")
            warned = True
        await asyncio.sleep(WAVES_POLL_SECONDS)
