"""Runs a command to its end and exits with the code that says how it ended."""

import asyncio
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from cli.text import fail, warn
from shared.kernel.errors import GroundswellError, Rejected

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130
SIGNALLED = 128


def execute(work: Coroutine[Any, Any, int | None]) -> NoReturn:
    """Run `work` and exit: 0 done, 1 failed, 2 wrong use, 128 + n if signal n ended it."""
    received: list[int] = []
    try:
        with reported_errors():
            code = asyncio.run(_until_signal(work, received))
    except (KeyboardInterrupt, asyncio.CancelledError):
        warn("Interrupted before it was done.")
        code = SIGNALLED + received[0] if received else INTERRUPTED
    sys.exit(code or 0)


@contextmanager
def reported_errors() -> Iterator[None]:
    """Print an error of ours that is raised inside and exit: 2 for wrong use, 1 for any other."""
    try:
        yield
    except GroundswellError as error:
        fail(error)
        sys.exit(WRONG_USE if isinstance(error, Rejected) else FAILED)


async def _until_signal(work: Coroutine[Any, Any, int | None], received: list[int]) -> int | None:
    """Run `work`; the first SIGINT, SIGTERM or SIGHUP goes into `received` and cancels it."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)

    def cancel(number: int) -> None:
        """Cancel the work at the first signal, and note its number."""
        # A second signal must not cut the clean-up short.
        if not received:
            received.append(number)
            task.cancel()

    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(each, cancel, int(each))
    return await task
