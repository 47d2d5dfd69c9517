"""Cores given out between tasks, and between processes that may die with them."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from shared.kernel.errors import Rejected
from shared.machine import slots
from shared.machine.slots import MachineSlots, cpu_quota, ensure_private
from tests.support.stack import ROOT

PATIENCE = 20

# Takes cores, says so, and gives them back when its input ends.
HOLD = """
import asyncio, sys
from pathlib import Path
from shared.machine.slots import MachineSlots

async def hold():
    async with MachineSlots(Path(sys.argv[1]), range(int(sys.argv[2]))).acquire(int(sys.argv[3])):
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(hold())
"""
# Takes one core again and again, and notes who was in there with it.
CONTEND = """
    import asyncio, os, sys
    from pathlib import Path
    from shared.machine.slots import MachineSlots

    async def contend():
        inside = Path(sys.argv[1]) / "inside"
        inside.mkdir(exist_ok=True)
        slots = MachineSlots(Path(sys.argv[1]), range(int(sys.argv[2])))
        most = 0
        for _ in range(15):
            async with slots.acquire(int(sys.argv[3])):
                mine = inside / str(os.getpid())
                mine.touch()
                await asyncio.sleep(0.002)
                most = max(most, len(list(inside.iterdir())))
                mine.unlink()
        print(most)

    asyncio.run(contend())
"""


def program(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def folder(tmp_path):
    return ensure_private(tmp_path / "slots")


@pytest.fixture
def holder(folder):
    """Another process that has so many of two cores."""
    started = []

    def hold(wanted):
        process = program(HOLD, folder, 2, wanted)
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield hold
    for each in started:
        with each:
            each.kill()


async def until(happened):
    async with asyncio.timeout(PATIENCE):
        while not happened():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


class Run:
    """One that wants cores, gets them some time, and keeps them until it is told."""

    def __init__(self, machine, wanted):
        self.began, self.told = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(self._run(machine, wanted))

    async def _run(self, machine, wanted):
        async with machine.acquire(wanted):
            self.began.set()
            await self.told.wait()

    async def has_begun(self):
        await asyncio.wait_for(self.began.wait(), PATIENCE)

    async def waits(self):
        await asyncio.sleep(4 * slots.RETRY_SECONDS)
        return not self.began.is_set()

    async def end(self):
        self.told.set()
        await self.task


@pytest.mark.parametrize(("cores", "wanted", "most"), [(1, 1, 1), (2, 1, 2), (2, 2, 1)])
def test_processes_that_contend_never_have_a_core_twice(folder, cores, wanted, most):
    seen = [
        int(each.communicate(timeout=60)[0])
        for each in [program(CONTEND, folder, cores, wanted) for _ in range(3)]
    ]
    assert max(seen) <= most


async def test_what_another_process_has_is_not_free_until_it_gives_it_back(folder, holder):
    machine = MachineSlots(folder, range(2))
    other = holder(1)
    assert machine.free() == 1
    assert machine.has_room()
    run = Run(machine, 2)
    assert await run.waits()
    other.stdin.close()
    await run.has_begun()
    assert machine.free() == 0
    await run.end()
    assert machine.free() == 2


async def test_who_is_killed_leaves_its_cores_to_others(folder, holder):
    machine = MachineSlots(folder, range(2))
    other = holder(2)
    assert not machine.has_room()
    run = Run(machine, 1)
    assert await run.waits()
    os.kill(other.pid, signal.SIGKILL)
    await run.has_begun()
    await run.end()


async def test_who_waits_for_the_whole_machine_is_not_overtaken(folder):
    machine = MachineSlots(folder, range(2))
    first, large = Run(machine, 1), Run(machine, 2)
    await first.has_begun()
    assert await large.waits()
    assert not machine.has_room()
    small = Run(MachineSlots(folder, range(2)), 1)
    assert await small.waits()
    await first.end()
    await large.has_begun()
    assert await small.waits()
    await large.end()
    await small.has_begun()
    await small.end()


async def test_who_gives_up_waiting_leaves_nothing_behind(folder):
    machine = MachineSlots(folder, range(2))
    first, large, small = Run(machine, 1), Run(machine, 2), Run(machine, 1)
    await first.has_begun()
    assert await large.waits()
    large.task.cancel()
    await small.has_begun()
    await asyncio.gather(first.end(), small.end())
    assert (machine.free(), machine.runs()) == (2, 0)


async def test_runs_are_counted_and_not_their_cores(folder, holder, monkeypatch):
    monkeypatch.setattr(slots, "RUN_COUNT_TTL_SECONDS", -1)
    holder(2)
    machine = MachineSlots(folder, range(5))
    assert machine.runs() == 1
    run = Run(machine, 3)
    await run.has_begun()
    assert machine.runs() == 2
    await run.end()
    assert machine.runs() == 1


async def test_more_cores_than_there_are_is_all_of_them(folder):
    machine = MachineSlots(folder, range(2))
    async with machine.acquire(64):
        assert machine.free() == 0


async def test_a_process_takes_no_more_than_its_share_but_for_a_run_that_takes_more(folder):
    machine = MachineSlots(folder, range(4), core_limit=2)
    first = Run(machine, 1)
    await first.has_begun()
    assert machine.has_room()
    large = Run(machine, 3)
    assert await large.waits()
    assert not machine.has_room()
    await first.end()
    await large.has_begun()
    assert not machine.has_room()
    assert machine.free() == 1
    await large.end()


async def test_who_waits_for_its_own_share_keeps_nobody_else_waiting(folder):
    machine = MachineSlots(folder, range(4), core_limit=1)
    first = Run(machine, 1)
    await first.has_begun()
    second, other = Run(machine, 1), Run(MachineSlots(folder, range(4)), 1)
    await other.has_begun()
    assert await second.waits()
    await asyncio.gather(first.end(), other.end(), second.end())


@pytest.mark.parametrize("spoil", ["open to others", "a link", "a file"])
def test_a_directory_that_is_not_ours_alone_is_refused(tmp_path, spoil):
    folder = tmp_path / "slots"
    if spoil == "a link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    elif spoil == "a file":
        folder.touch(mode=0o600)
    else:
        folder.mkdir()
        folder.chmod(0o770)
    with pytest.raises(Rejected, match="not a directory that only this user can use"):
        ensure_private(folder)


def test_all_homes_of_a_user_have_one_directory_and_it_is_private(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = slots.slots_folder(tmp_path / "one")
    assert slots.slots_folder(tmp_path / "two") == first
    assert first.is_relative_to(tmp_path / "cache")
    assert first.stat().st_mode & 0o777 == 0o700


def test_a_user_without_a_cache_has_the_slots_in_the_home(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert slots.slots_folder(tmp_path / "home") == tmp_path / "home" / "slots"


def test_nothing_is_in_a_directory_where_another_user_could_make_it_first(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    assert slots.slots_folder(tmp_path / "home").is_relative_to(tmp_path / ".cache")


@pytest.mark.parametrize(
    ("text", "cores"), [("max 100000", 0), ("200000 100000", 2), ("150000 100000", 2), ("", 0)]
)
def test_a_containers_quota_is_rounded_up(tmp_path, text, cores):
    file = tmp_path / "cpu.max"
    file.write_text(text)
    assert cpu_quota(file) == cores
    assert cpu_quota(tmp_path / "missing") == 0
