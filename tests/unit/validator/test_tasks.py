"""Background tasks by key."""

import asyncio

from services.validator.tasks import KeyedTasks
from shared.kernel.errors import Transient


async def test_one_task_runs_for_a_key_at_a_time():
    tasks, started, end = KeyedTasks("test"), [], asyncio.Event()

    async def work():
        started.append(1)
        await end.wait()

    for _ in range(2):
        tasks.start("a", work)
        await asyncio.sleep(0)
    assert (started, tasks.is_running("a")) == ([1], True)
    end.set()
    await tasks.get("a")
    tasks.start("a", work)
    await tasks.get("a")
    assert started == [1, 1]


async def test_an_error_ends_the_task_after_its_delay_and_reaches_nobody():
    tasks = KeyedTasks("test", retry_seconds=0)

    async def fail(error):
        raise error

    for error in (Transient("later", delay=0), ValueError("a defect")):
        tasks.start("a", lambda error=error: fail(error))
        await tasks.get("a")
    assert not tasks.is_running("a")


async def test_until_its_delay_is_over_a_failed_task_is_not_started_again():
    tasks, attempts = KeyedTasks("test", retry_seconds=60), []

    async def fail():
        attempts.append(1)
        raise ValueError("a defect")

    for _ in range(3):
        tasks.start("a", fail)
        await asyncio.sleep(0.01)
    assert attempts == [1]
    tasks.cancel("a")
