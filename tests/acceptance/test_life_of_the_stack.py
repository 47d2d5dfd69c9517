"""However a command ends, it leaves no process behind, and nothing half landed."""

import json
import os
import signal
import socket

import pytest

from tests.support.repositories import a_repository, git
from tests.support.stack import Home, wait_for

SLOW = "import time\nimport m\n\n\ndef test_one():\n    time.sleep(8)\n    assert m.one() == 1\n"
CODE = "import os\n\n\ndef one():\n    return 1\n"


@pytest.fixture
def user_home(tmp_path):
    """Its commands are started as users start them, each a new Python."""
    return Home(tmp_path / "home", forked=False)


@pytest.fixture
def slow_target(tmp_path):
    """Its suite takes longer than anybody here waits."""
    return a_repository(tmp_path / "target", m_py=CODE, tests__test_m_py=SLOW)


def is_testing(home):
    """A copy of the target is there to run its tests in."""
    return any((home.path / "runs").glob("*/*/tree/tests/test_m.py"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_stops_its_wave_and_the_stack(user_home, slow_target, number):
    process = user_home.start("run", str(slow_target))
    wait_for(lambda: is_testing(user_home))
    process.send_signal(number)
    out, err = process.communicate(timeout=180)
    assert process.returncode == 128 + number, out + err
    assert "the wave is stopped; nothing has landed" in err
    assert "Traceback" not in out + err
    assert not user_home.processes()
    assert git(slow_target, "branch", "--list", "groundswell/*") == ""
    assert not is_testing(user_home)


def test_a_run_interrupted_at_once(user_home, slow_target):
    process = user_home.start("run", str(slow_target))
    wait_for((user_home.path / "stack.lock").exists)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=180)
    assert process.returncode == 130, out + err
    assert "Traceback" not in out + err
    assert not user_home.processes()


def test_when_the_command_is_killed_its_stack_dies_too(user_home, slow_target):
    process = user_home.start("run", str(slow_target))
    wait_for(lambda: is_testing(user_home))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    wait_for(lambda: not user_home.processes(), patience=20)
    # And the next one goes on where that was cut off.
    again = user_home.run("run", str(slow_target))
    assert again.returncode == 0, again.stdout + again.stderr
    assert "resuming wave" in again.stdout
    assert "1 landed" in again.stdout


def test_a_second_run_on_the_same_repository_is_refused_and_the_first_goes_on(home, slow_target):
    first = home.start("run", str(slow_target), "--json")
    wait_for((home.path / "stack.json").exists)
    wait_for(lambda: is_testing(home))
    second = home.run("run", str(slow_target))
    assert second.returncode == 2, second.stdout + second.stderr
    assert "A wave is already running" in second.stderr
    assert "groundswell wave stop" in second.stderr
    out, err = first.communicate(timeout=360)
    assert first.returncode == 0, err
    assert len(json.loads(out)["landed"]) == 1
    assert not home.processes()


def test_a_taken_port_is_said(home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = home.run("up", "--port", str(port))
    assert done.returncode == 2
    assert f"Port {port} is taken" in done.stderr
    assert "--port" in done.stderr
    assert not home.processes()


def test_progress_is_plain_lines_where_there_is_no_terminal(home, tmp_path):
    target = a_repository(
        tmp_path / "target", m_py=CODE, tests__test_m_py=SLOW.replace("time.sleep(8)", "pass")
    )
    done = home.run("run", str(target))
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "baseline: 1 test" in done.stdout
    assert "landed    refactor(m): remove unused imports (F401)" in done.stdout
