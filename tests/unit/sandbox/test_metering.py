"""What a command used of processors: all of it, in every tier that can know."""

import asyncio
import textwrap
from pathlib import Path

import pytest

from shared.sandbox.metering import CpuMeter, measure_cpu_time, record_cpu_time
from shared.sandbox.ports import Command, Completed
from tests.support.sandboxes import a_home, a_python, a_sandbox, need

# A child, and one whose parent is gone before it ends: only who is above all of them can bury it.
BURN = """
import os, sys, time

def burn():
    while time.process_time() < 0.2:
        pass

def there(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

burn()
if os.fork() == 0:
    burn()
    os._exit(0)
os.wait()
reading, writing = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        burn()
        os.write(writing, str(os.getpid()).encode())
    os._exit(0)
os.wait()
orphan = int(os.read(reading, 20))
while there(orphan):
    time.sleep(0.01)
"""
BURNT = 3 * 0.2


async def completed(tier: str, code: str, home: Path) -> Completed:
    for name in ("tree", "run"):
        (home / "room" / name).mkdir(parents=True)
    async with a_sandbox(tier) as sandbox:
        python = a_python(sandbox)
        command = Command(
            argv=(str(python), "-I", "-c", textwrap.dedent(code)),
            tree=home / "room" / "tree",
            scratch=home / "room" / "run",
            readable=(python.parent.parent,),
        )
        return await sandbox.run(command)


@pytest.mark.parametrize("tier", ["bubblewrap", "landlock", "rlimits"])
async def test_children_and_orphans_are_counted(tier: str):
    if tier != "rlimits":
        need(tier)
    with a_home() as home, measure_cpu_time() as meter:
        done = await completed(tier, BURN, home)
        assert done.exit_code == 0, done.output
        assert done.cpu_seconds is not None
        assert done.cpu_seconds >= BURNT
        assert meter.seconds == done.cpu_seconds


async def test_a_container_is_the_daemons_and_says_nothing():
    need("docker")
    with a_home() as home:
        assert (await completed("docker", "pass", home)).cpu_seconds is None


def test_a_meter_adds_up_and_knows_nothing_once_it_has_missed_something():
    meter = CpuMeter()
    assert meter.seconds is None
    meter.add(1.0)
    meter.add(0.5)
    assert meter.seconds == 1.5
    for each in (None, 1.0):
        meter.add(each)
        assert meter.seconds is None


async def test_a_meter_counts_the_tasks_below_it_and_no_others():
    async def command(seconds: float) -> None:
        await asyncio.sleep(0)
        record_cpu_time(seconds)

    async def work(*seconds: float) -> float | None:
        with measure_cpu_time() as meter:
            await asyncio.gather(*(command(each) for each in seconds))
        record_cpu_time(100.0)
        return meter.seconds

    assert await asyncio.gather(work(1.0, 2.0), work(4.0)) == [3.0, 4.0]
