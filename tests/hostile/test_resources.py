"""Taking more than is given: each attempt ends, is named, and leaves nothing."""

import signal
from dataclasses import replace

from shared.sandbox.ports import MIB
from tests.hostile.conftest import TIGHT, Attacker

FORK_BOMB = """
    import os, time
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            os.fork()
        except OSError:
            pass
"""
MEMORY = """
    held = []
    while True:
        held.append(bytearray(8 << 20))
"""
MEMORY_OF_FORTY = """
    import os, time
    for _ in range(40):
        if os.fork() == 0:
            held = bytearray(b"x") * (16 << 20)
            time.sleep(60)
            os._exit(0)
    time.sleep(5)
    # What the kernel has killed by now can be buried.
    dead = 0
    while os.waitpid(-1, os.WNOHANG)[0]:
        dead += 1
    print(40 - dead, flush=True)
"""
DISK = """
    number = 0
    while True:
        number += 1
        with open(f"file{number}", "wb") as file:
            file.write(b"x" * (4 << 20))
"""
INODES = """
    number = 0
    while True:
        number += 1
        open(f"file{number}", "w").close()
"""
OUTPUT = """
    import os
    while True:
        os.write(1, b"y" * 65536)
"""
IGNORES = """
    import signal, time
    for number in range(1, signal.NSIG):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        time.sleep(1)
"""
DAEMON = """
    import os, time
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 64)
            time.sleep(600)
        os._exit(0)
    os.wait()
"""
HOLDS_OUTPUT = """
    import os, time
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
    print("said", flush=True)
"""
OPEN_FILES = """
    import os
    held = []
    try:
        while True:
            held.append(os.open("/dev/null", 0))
    except OSError:
        print(len(held))
"""


async def test_a_fork_bomb_is_held_or_killed(attacker: Attacker):
    completed = await attacker.run(FORK_BOMB, limits=replace(TIGHT, wall=4))
    assert completed.exit_code is None
    assert completed.abort_reason


async def test_memory_taken_by_one_process_is_refused(attacker: Attacker):
    completed = await attacker.run(MEMORY)
    assert completed.exit_code != 0
    assert (
        "MemoryError" in completed.output
        or "memory" in completed.abort_reason
        or completed.exit_code == -9
    )


async def test_memory_taken_by_forty_processes_is_noticed(attacker: Attacker):
    completed = await attacker.run(MEMORY_OF_FORTY)
    noticed = "MiB of memory" in completed.abort_reason or completed.exit_code == -signal.SIGKILL
    assert noticed or int(completed.output) * 16 * MIB <= TIGHT.memory


async def test_a_filled_disk_is_the_command_s_own(attacker: Attacker):
    completed = await attacker.run(DISK)
    assert completed.exit_code != 0
    assert "No space left" in completed.output or "It wrote more than" in completed.abort_reason


async def test_a_great_many_files_are_noticed(attacker: Attacker):
    completed = await attacker.run(INODES)
    assert completed.exit_code != 0
    assert "It made more than the 4000 files" in completed.abort_reason


async def test_endless_output_is_cut_off(attacker: Attacker):
    completed = await attacker.run(OUTPUT)
    assert "It printed more than the 8 MiB" in completed.abort_reason
    assert len(completed.output) <= TIGHT.output + 100


async def test_who_ignores_all_signals_is_killed(attacker: Attacker):
    completed = await attacker.run(IGNORES, limits=replace(TIGHT, wall=1))
    assert completed.exit_code is None
    assert "longer than the 1 seconds" in completed.abort_reason


async def test_a_daemon_dies_with_its_command(attacker: Attacker):
    completed = await attacker.run(DAEMON)
    assert completed.exit_code == 0


async def test_who_holds_the_output_open_holds_nobody_up(attacker: Attacker):
    completed = await attacker.run(HOLDS_OUTPUT)
    assert (completed.exit_code, completed.output) == (0, "said\n")
    assert completed.seconds < 10


async def test_open_files_are_limited(attacker: Attacker):
    completed = await attacker.run(OPEN_FILES, limits=replace(TIGHT, open_files=100))
    assert 50 < int(completed.output) < 100


async def test_a_file_has_a_largest_size(attacker: Attacker):
    code = "open('big', 'wb').write(b'x' * (20 << 20))"
    completed = await attacker.run(code, limits=replace(TIGHT, disk=64 * MIB))
    assert completed.exit_code == 1
    assert "File too large" in completed.output
