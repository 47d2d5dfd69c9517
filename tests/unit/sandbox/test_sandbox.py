"""The tier D sandbox: what it holds, and that nothing of a command outlives it."""

# ruff: noqa: ASYNC110, ASYNC220, ASYNC240  (a test may block the loop it has to itself)

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from shared.kernel.ids import uuid7
from shared.sandbox.choice import TIERS
from shared.sandbox.job import SCRATCH_VARIABLE
from shared.sandbox.output import Output
from shared.sandbox.ports import Command, Limits
from shared.sandbox.readback import read_back
from shared.sandbox.scratch import Scratch, remove_abandoned, remove_tree
from shared.sandbox.supervised import SupervisedSandbox
from tests.support.sandboxes import a_sandbox, processes_of

DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.environ.clear()
        open(sys.argv[1], "w").write(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
while not (os.path.exists(sys.argv[1]) and os.path.getsize(sys.argv[1])):
    time.sleep(0.01)
"""


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[SupervisedSandbox]:
    """Tier D: what supervises a command is the same in all."""
    async with a_sandbox("rlimits") as sandbox:
        yield sandbox


@pytest.fixture
def command(tmp_path: Path) -> Command:
    for name in ("tree", "run"):
        (tmp_path / name).mkdir()
    return Command(argv=("true",), tree=tmp_path / "tree", scratch=tmp_path / "run")


def python(command: Command, code: str, *arguments: str, **changes: object) -> Command:
    argv = (sys.executable, "-c", textwrap.dedent(code), *arguments)
    return replace(command, argv=argv, **changes)


def gone(pid: int, within: float = 5.0) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.01)
    return False


async def until_written(path: Path) -> int:
    for _ in range(500):
        if path.exists() and path.read_text():
            return int(path.read_text())
        await asyncio.sleep(0.01)
    raise AssertionError(f"{path} was never written")


async def test_a_command_says_what_it_printed_and_how_it_ended(
    sandbox: SupervisedSandbox, command: Command
):
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    completed = await sandbox.run(python(command, code, path=()))
    assert completed.exit_code == 3
    assert sorted(completed.output.split()) == ["err", "out"]
    assert completed.abort_reason == ""


async def test_nothing_of_our_environment_is_inherited(
    sandbox: SupervisedSandbox, command: Command, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    completed = await sandbox.run(
        replace(command, argv=("env",), env={"EXTRA": "1"}, path=(Path("/opt/tools"),))
    )
    said = dict(line.split("=", 1) for line in completed.output.splitlines())
    assert said["PATH"] == "/opt/tools:/usr/local/bin:/usr/bin:/bin"
    assert said["EXTRA"] == "1"
    assert Path(said["HOME"]).is_relative_to(command.scratch)
    assert Path(said["TMPDIR"]).is_relative_to(command.scratch)
    assert "ANTHROPIC_API_KEY" not in said


async def test_a_command_that_is_not_there_ends_with_127_and_its_name(
    sandbox: SupervisedSandbox, command: Command
):
    completed = await sandbox.run(replace(command, argv=("no-such-command",)))
    assert completed.exit_code == 127
    assert "no-such-command" in completed.output


async def test_a_command_killed_by_a_signal_has_a_negative_exit_code(
    sandbox: SupervisedSandbox, command: Command
):
    completed = await sandbox.run(python(command, "import os; os.kill(os.getpid(), 11)"))
    assert completed.exit_code == -signal.SIGSEGV


async def test_a_command_that_runs_too_long_is_killed_even_if_it_ignores_signals(
    sandbox: SupervisedSandbox, command: Command
):
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
    completed = await sandbox.run(python(command, code, limits=Limits(wall=0.3)))
    assert completed.exit_code is None
    assert "longer than the 0.3 seconds" in completed.abort_reason
    assert processes_of(command.scratch) == []


async def test_a_daemon_without_our_marker_dies_with_its_command(
    sandbox: SupervisedSandbox, command: Command
):
    pid_file = command.scratch / "pid"
    completed = await sandbox.run(python(command, DAEMON, str(pid_file)))
    assert completed.exit_code == 0
    assert gone(int(pid_file.read_text()), within=0.05)


async def test_a_process_that_holds_the_output_open_does_not_hold_the_run(
    sandbox: SupervisedSandbox, command: Command
):
    completed = await asyncio.wait_for(
        sandbox.run(replace(command, argv=("sh", "-c", "echo said; sleep 600 &"))), 10
    )
    assert completed.output == "said\n"


async def test_a_command_that_kills_its_supervisor_is_trouble_and_leaves_nothing(
    sandbox: SupervisedSandbox, command: Command
):
    code = """
        import os, signal, subprocess, sys
        child = subprocess.Popen(["sleep", "600"], start_new_session=True)
        open(sys.argv[1], "w").write(str(child.pid))
        os.kill(os.getppid(), signal.SIGKILL)
    """
    pid_file = command.scratch / "pid"
    completed = await sandbox.run(python(command, code, str(pid_file)))
    assert completed.exit_code is None
    assert "watched over it was killed" in completed.abort_reason
    assert gone(int(pid_file.read_text()))


async def test_cancelling_kills_everything_before_it_returns(
    sandbox: SupervisedSandbox, command: Command
):
    pid_file = command.scratch / "pid"
    running = asyncio.create_task(
        sandbox.run(python(command, DAEMON + "\ntime.sleep(600)", str(pid_file)))
    )
    pid = await until_written(pid_file)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert gone(pid, within=0.05)
    assert processes_of(command.scratch) == []


async def test_nothing_outlives_a_validator_that_was_killed(
    sandbox: SupervisedSandbox, tmp_path: Path, command: Command
):
    validator = f"""
        import asyncio, sys
        from pathlib import Path
        from shared.sandbox.supervised import SupervisedSandbox
        from shared.sandbox.ports import Command
        tree, scratch = Path({str(command.tree)!r}), Path({str(command.scratch)!r})
        code = {DAEMON + "time.sleep(600)"!r}
        argv = (sys.executable, "-c", code, str(scratch / "pid"))
        sandbox = SupervisedSandbox(tree, 'rlimits', 'D', '')
        asyncio.run(sandbox.run(Command(argv=argv, tree=tree, scratch=scratch)))
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(validator)])
    pid = await until_written(command.scratch / "pid")
    process.kill()
    process.wait()
    assert gone(pid)
    deadline = time.monotonic() + 5
    while processes_of(command.scratch) and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    assert processes_of(command.scratch) == []


async def test_of_endless_output_the_beginning_and_the_end_are_kept(
    sandbox: SupervisedSandbox, command: Command
):
    code = "print('first'); print('x' * 3_000_000); print('last')"
    completed = await sandbox.run(python(command, code, limits=Limits(output=1000)))
    assert completed.output.startswith("first")
    assert completed.output.endswith("last\n")
    assert len(completed.output) < 1100
    assert "bytes left out" in completed.output


@pytest.mark.parametrize("chunk", [1, 7, 100, 100_000])
def test_output_is_cut_only_in_the_middle_whatever_the_chunks(chunk: int):
    said = b"".join(b"%06d" % number for number in range(50_000))
    output = Output(600)
    for start in range(0, len(said), chunk):
        output.feed(said[start : start + chunk])
    middle = f"\n… {len(said) - 600} bytes left out …\n"
    assert output.text() == said[:300].decode() + middle + said[-300:].decode()


async def test_a_file_larger_than_the_limit_cannot_be_written(
    sandbox: SupervisedSandbox, command: Command
):
    code = "open('big', 'wb').write(b'x' * 2_000_000)"
    limits = Limits(file_size=1_000_000)
    completed = await sandbox.run(python(command, code, limits=limits))
    assert completed.exit_code == 1
    assert "File too large" in completed.output


async def test_memory_beyond_the_limit_is_refused(sandbox: SupervisedSandbox, command: Command):
    limits = Limits(memory=1 << 30)
    completed = await sandbox.run(python(command, "bytearray(2 << 30)", limits=limits))
    assert "MemoryError" in completed.output


async def test_reports_are_read_back_when_they_are_plain_files(
    sandbox: SupervisedSandbox, command: Command
):
    code = "import os; open(os.environ['HOME'] + '/report', 'w').write('all well')"
    completed = await sandbox.run(python(command, code, reports=("home/report", "home/missing")))
    assert completed.reports == {"home/report": b"all well"}


@pytest.mark.parametrize("name", ["link", "folder/file", "fifo", "directory", "large"])
def test_what_is_no_plain_file_of_fair_size_is_not_read_back(tmp_path: Path, name: str):
    below, secret = tmp_path / "below", tmp_path / "secret"
    below.mkdir()
    secret.mkdir()
    (secret / "file").write_text("secret")
    (below / "link").symlink_to(secret / "file")
    (below / "folder").symlink_to(secret)
    (below / "directory").mkdir()
    (below / "large").write_bytes(b"x" * 11)
    os.mkfifo(below / "fifo")
    assert read_back(below, name, limit=10) is None


def test_a_name_that_leads_out_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="does not name a file below"):
        read_back(tmp_path, "../secret", limit=10)


async def test_a_room_is_removed_whatever_is_in_it(tmp_path: Path):
    scratch = Scratch(tmp_path / "work", uuid7)
    async with scratch.workspace() as room:
        locked = room / "a" / "b"
        locked.mkdir(parents=True)
        (locked / "file").write_text("x")
        (room / "link").symlink_to(tmp_path)
        locked.chmod(0)
        (room / "a").chmod(0o500)
    assert not room.exists()
    assert tmp_path.exists()
    scratch.close()
    assert [each.name for each in (tmp_path / "work").iterdir()] == [".lock"]


def test_removing_a_tree_does_not_follow_links(tmp_path: Path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("x")
    doomed = tmp_path / "doomed"
    doomed.mkdir()
    (doomed / "link").symlink_to(kept)
    remove_tree(doomed)
    assert (kept / "file").exists()


async def test_a_sweep_leaves_the_rooms_of_the_living_alone(tmp_path: Path):
    scratch = Scratch(tmp_path, uuid7)
    async with scratch.workspace() as room:
        assert remove_abandoned(tmp_path) == 0
        assert room.exists()
    scratch.close()


async def test_a_sweep_kills_and_removes_what_the_dead_left(tmp_path: Path):
    room = tmp_path / "deadbeef" / "1"
    room.mkdir(parents=True)
    stray = subprocess.Popen(
        ["sleep", "600"], env={SCRATCH_VARIABLE: str(room)}, start_new_session=True
    )
    bystander = subprocess.Popen(
        ["sleep", "600"], env={SCRATCH_VARIABLE: str(tmp_path / "deadbeef2")}
    )
    try:
        assert remove_abandoned(tmp_path) == 1
        assert gone(stray.pid)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
        stray.kill()
        stray.wait()
    assert not room.exists()


def test_the_last_tier_says_loudly_how_little_it_isolates():
    assert "isolates little" in TIERS["rlimits"].isolation
    assert not TIERS["rlimits"].trusted
