"""What is looked at ten times a second, where looking is all that holds."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from shared.sandbox import processes, watchdog
from shared.sandbox.job import StartedCommand
from shared.sandbox.ports import MIB, Limits
from shared.sandbox.watchdog import MIN_WALK_INTERVAL_SECONDS, Watchdog

FAMILY = """
import subprocess, sys, threading
start = lambda: subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"])
thread = threading.Thread(target=start)
thread.start()
thread.join()
start()
print("started", flush=True)
input()
"""
LIMITS = replace(Limits(), files=5, disk=MIB)


@pytest.fixture
def clock():
    return iter(range(1000)).__next__


@pytest.fixture
def started(tmp_path):
    place = os.open(tmp_path, os.O_RDONLY)
    yield StartedCommand(0, (place,))
    os.close(place)


def looks(dog, count):
    return [dog.exceeded_limit() for _ in range(count)]


def fill(tmp_path, kind):
    if kind == "files":
        for number in range(6):
            (tmp_path / str(number)).touch()
    else:
        (tmp_path / "large").write_bytes(b"x" * 2 * MIB)


@pytest.mark.parametrize("kind", ["files", "disk"])
def test_what_others_delete_meanwhile_hides_nothing(tmp_path, started, clock, kind, monkeypatch):
    monkeypatch.setattr(watchdog, "_used", lambda place: (0, 0))
    dog = Watchdog(LIMITS, started, clock)
    fill(tmp_path, kind)
    assert kind in looks(dog, 3)


def test_where_the_file_system_lost_much_it_is_looked_at_at_once(tmp_path, started, monkeypatch):
    used = iter([(0, 0), (0, 6)])
    monkeypatch.setattr(watchdog, "_used", lambda place: next(used))
    dog = Watchdog(LIMITS, started, lambda: 0.0)
    fill(tmp_path, "files")
    assert dog.exceeded_limit() == "files"


def test_what_others_write_is_not_the_commands_and_is_not_walked_for_all_the_time(
    started, monkeypatch
):
    walks = []
    walk = watchdog._walk
    monkeypatch.setattr(watchdog, "_used", lambda place: (len(walks) and 10 * MIB, 0))
    monkeypatch.setattr(watchdog, "_walk", lambda place: walks.append(place) or walk(place))
    hundredths = iter(range(10_000))
    dog = Watchdog(LIMITS, started, lambda: next(hundredths) * MIN_WALK_INTERVAL_SECONDS / 10)
    assert looks(dog, 100) == [""] * 100
    assert 10 < len(walks) < 50


def test_what_the_kernel_lists_is_what_reading_all_processes_finds():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", FAMILY], **pipes) as parent:
        assert parent.stdout.readline() == b"started\n"
        found = processes.descendants(os.getpid())
        assert {parent.pid, *processes.descendants(parent.pid)} <= set(found)
        assert len(processes.descendants(parent.pid)) == 2
        assert set(processes.listed_descendants(parent.pid)) == set(
            processes.descendants(parent.pid)
        )
        parent.kill()


def test_processes_that_the_kernel_does_not_list_count_all_the_same(started, monkeypatch):
    monkeypatch.setattr(processes, "listed_descendants", lambda root: [1])
    monkeypatch.setattr(processes, "descendants", lambda root: list(range(2, 200)))
    seconds = iter((0.0, 0.5, 0.9, 1.6))
    dog = Watchdog(replace(LIMITS, processes=64), started, lambda: next(seconds))
    assert looks(dog, 3) == ["processes", "", "processes"]
