"""How a command reaches an API: a given one, the home's running stack, or one of its own."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from cli.client import Api
from cli.text import warn
from deploy.local import Stack, local_stack, lock_is_held, running_stack
from shared.kernel.errors import Conflict, NotFound, Transient
from shared.targets.home import default_home

# Another command may be just starting the stack that we are to use.
PATIENCE = 30.0


@asynccontextmanager
async def api(*, own: bool = True) -> AsyncIterator[Api]:
    """An API to talk to; where none is up, a stack for as long as this lasts.

    Without `own` there has to be one already: what is started there must go on without us.
    """
    async with AsyncExitStack() as exits:
        ours = False
        url = os.environ.get("GROUNDSWELL_API_URL")
        if not url:
            home = default_home()
            stack = await _running(home)
            if stack is None and not own:
                raise NotFound("No stack is up.", hint="Start one: groundswell up", code="no_stack")
            if stack is None:
                try:
                    stack = await exits.enter_async_context(local_stack(home, warn))
                    ours = True
                except Conflict as error:
                    # Another command was quicker: its stack is ours too.
                    stack = await _running(home)
                    if stack is None:
                        raise error from None
            url = stack.api_url
        talker = Api(url, ours=ours)
        exits.push_async_callback(talker.close)
        yield talker
        if ours:
            await _wait_for_others(talker)


async def _running(home: Path) -> Stack | None:
    """The home's stack; waits while somebody is just bringing it up."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    while True:
        stack = running_stack(home)
        if stack is not None or not lock_is_held(home):
            return stack
        if loop.time() > deadline:
            raise Conflict(
                f"Somebody holds {home / 'stack.lock'}, and no stack comes up.",
                hint="End that process, or set GROUNDSWELL_HOME to another directory.",
                code="stack_stuck",
            )
        await asyncio.sleep(0.1)


async def _wait_for_others(own: Api) -> None:
    """Others may have begun waves on our stack: they are not cut off."""
    said = False
    while True:
        try:
            waves = (await own.status()).waves
        except Transient:
            return
        if not waves:
            return
        if not said:
            warn(f"Another wave is running on this stack ({sum(waves.values())}); waiting for it.")
            said = True
        await asyncio.sleep(0.5)
