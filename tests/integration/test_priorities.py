"""Which waiting tasks get a free slot first, on a real nats-server."""

import asyncio
from contextlib import suppress

import nats

from shared.contracts.base import Priority
from shared.contracts.streams import task_consumer
from shared.contracts.work import PerformTask
from shared.kernel.extensions import agent_type_names
from shared.kernel.ids import uuid7
from shared.messaging import pull_workers
from shared.messaging.dead_letters import DeadLetters
from shared.messaging.provision import provision
from shared.messaging.pull_workers import REVERSED_EVERY, PullWorker, Turns, run_pull_worker

PATIENCE = 60
RANKS = {Priority.CRITICAL: 0, Priority.LOW: 1}


def test_the_order_is_reversed_for_one_message_in_eight():
    turns = Turns(last_rank=3)
    pauses = []
    for turns.taken in range(2 * REVERSED_EVERY):
        pauses.append([turns.pause(rank) for rank in range(4)])
    ascending = [rank * pull_workers.PAUSE_PER_RANK_SECONDS for rank in range(4)]
    reversed_at = {REVERSED_EVERY - 1, 2 * REVERSED_EVERY - 1}
    for n, each in enumerate(pauses):
        assert each == (ascending[::-1] if n in reversed_at else ascending)


async def test_critical_tasks_overtake_low_ones_which_do_not_starve(own_nats_url):
    await provision(own_nats_url)
    client = await nats.connect(own_nats_url)
    agent_type = agent_type_names()[0]
    taken: list[Priority] = []
    free = asyncio.Event()
    at_work = 0

    async def put(priority: Priority, count: int) -> None:
        for _ in range(count):
            task = PerformTask(
                task_id=uuid7(), wave_id=uuid7(), agent_type=agent_type, priority=priority, epoch=1
            )
            await client.jetstream().publish(task.address(), task.model_dump_json().encode())

    async def handle(command: PerformTask) -> None:
        nonlocal at_work
        at_work += 1
        taken.append(command.priority)
        await free.wait()
        await asyncio.sleep(0.01)
        at_work -= 1

    turns = Turns(last_rank=1)
    workers = [
        PullWorker(
            task_consumer(priority, agent_type),
            PerformTask,
            handle,
            lambda _: not at_work,
            turns,
            rank,
        )
        for priority, rank in RANKS.items()
    ]
    letters = DeadLetters(client)
    await put(Priority.LOW, 12)
    running = [asyncio.create_task(run_pull_worker(each, client, letters)) for each in workers]
    async with asyncio.timeout(PATIENCE):
        while not taken:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await put(Priority.CRITICAL, REVERSED_EVERY + 2)
        # The first fetches, which found nothing, have ended by then.
        await asyncio.sleep(pull_workers.FETCH_TIMEOUT_SECONDS)
        free.set()
        while len(taken) < REVERSED_EVERY + 4:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    for each in running:
        each.cancel()
        with suppress(asyncio.CancelledError):
            await each
    await client.close()
    after_first = taken[1 : REVERSED_EVERY + 3]
    assert after_first.count(Priority.CRITICAL) >= REVERSED_EVERY - 1, after_first
    assert Priority.LOW in after_first, after_first
