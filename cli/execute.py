"""Running a command to its end, whatever the end is, and the exit code that says which."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn

from cli.text import fail, warn
from shared.kernel.errors import GroundswellError, Rejected

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130


def execute(work: Coroutine[Any, Any, int | None]) -> NoReturn:
    """Run it and exit: 0 done, 1 failed, 2 wrong use, 128 + n where signal n ended it."""
    ended_by: list[int] = []
    try:
        code = asyncio.run(_until_signal(work, ended_by))
    except Rejected as error:
        fail(error)
        code = WRONG_USE
    except GroundswellError as error:
        fail(error)
        code = FAILED
    except (KeyboardInterrupt, asyncio.CancelledError):
        warn("Ended before it was done.")
        code = 128 + ended_by[0] if ended_by else INTERRUPTED
    sys.exit(code or 0)


async def _until_signal(work: Coroutine[Any, Any, int | None], ended_by: list[int]) -> int | None:
    """SIGINT, SIGTERM and SIGHUP cancel the work, which cleans up on its way out."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)

    def cancel(number: int) -> None:
        # Once is enough: a second one must not cut the clean-up short.
        if not ended_by:
            ended_by.append(number)
            task.cancel()

    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(each, cancel, int(each))
    return await task
