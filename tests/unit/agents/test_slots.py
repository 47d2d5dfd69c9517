"""Slots for agents: no more at work than there are cores and memory, however many processes."""

import asyncio

import pytest

from services.agents.adapters.slots import MEMORY_PER_AGENT_BYTES, MachineAgentSlots
from shared.machine.memory import free_memory
from shared.machine.slots import MachineSlots, ensure_private


class Memory:
    """So much of it is free."""

    def __init__(self, free):
        self.free = free

    def __call__(self):
        return self.free


@pytest.fixture
def process(tmp_path):
    """Make the slots of one more process on a machine with so many cores."""

    def process(cores=2, limit=0, free=10 * MEMORY_PER_AGENT_BYTES):
        folder = ensure_private(tmp_path / "slots")
        return MachineAgentSlots(MachineSlots(folder, range(cores), limit), Memory(free))

    return process


async def at_work(slots, held):
    """Take a slot until `held` is set; return the task once it has it or waits."""
    began = asyncio.Event()

    async def work():
        async with slots.acquire():
            began.set()
            await held.wait()

    task = asyncio.create_task(work())
    for _ in range(20):
        await asyncio.sleep(0.01)
    return task, began


async def test_processes_share_the_cores_of_their_machine(process):
    first, second, held = process(), process(), asyncio.Event()
    _, one = await at_work(first, held)
    _, two = await at_work(second, held)
    assert one.is_set()
    assert two.is_set()
    assert not first.has_room()
    third, three = await at_work(first, held)
    assert not three.is_set()
    held.set()
    await asyncio.wait_for(third, 10)
    assert first.has_room()


async def test_a_process_runs_no_more_than_it_is_told_to(process):
    slots, held = process(cores=4, limit=1), asyncio.Event()
    assert slots.count == 1
    assert slots.has_room()
    _, one = await at_work(slots, held)
    waiting, two = await at_work(slots, held)
    assert (one.is_set(), two.is_set()) == (True, False)
    held.set()
    await asyncio.wait_for(waiting, 10)


async def test_a_second_agent_waits_for_memory_and_the_first_one_does_not(process, monkeypatch):
    monkeypatch.setattr("services.agents.adapters.slots.RETRY_SECONDS", 0.01)
    slots, held = process(free=MEMORY_PER_AGENT_BYTES - 1), asyncio.Event()
    assert slots.has_room()
    _, one = await at_work(slots, held)
    assert one.is_set()
    assert not slots.has_room()
    second, two = await at_work(slots, asyncio.Event())
    assert not two.is_set()
    slots._free_memory.free += 1
    assert not slots.has_room(), "who waits comes first"
    await asyncio.wait_for(two.wait(), 10)
    second.cancel()
    held.set()


def test_a_containers_limit_counts(tmp_path):
    assert free_memory(tmp_path) > 0
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("400\n")
    assert free_memory(tmp_path) == 600
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory(tmp_path) > 600
