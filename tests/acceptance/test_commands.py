"""The commands a person uses beside `run`."""

import asyncio
import json
import subprocess

import nats
import pytest

from shared.agent_types import agent_specs
from shared.targets.config import parse_config
from tests.support.repositories import a_repository, git
from tests.support.stack import wait_for

CODE = "import os\n\n\ndef one():\n    return 1\n"
TESTS = "import m\n\n\ndef test_one():\n    assert m.one() == 1\n"
BREAKING = "import m\n\n\ndef test_os_is_there():\n    assert m.os\n"


@pytest.fixture
def target(tmp_path):
    return a_repository(tmp_path / "target", m_py=CODE, tests__test_m_py=TESTS)


def finished(up, wave):
    return up.json("wave", "show", wave)["state"] in {"completed", "failed", "stopped"}


def test_a_wave_is_started_followed_and_rolled_back(up, target):
    opened = up.json("wave", "start", str(target))
    wave = opened["wave_id"]
    wait_for(lambda: finished(up, wave))
    assert up.json("wave", "list", "--limit", "1")[0]["id"] == wave
    [change] = up.json("enhancement", "list", "--wave", wave, "--state", "applied")
    text = up.run("enhancement", "show", change["id"][-8:]).stdout
    for part in (
        change["id"],
        "findings.ruff:F401 down by 1",
        "ran on exactly that tree",
        change["commit"],
    ):
        assert part in text

    diff = up.run("enhancement", "diff", change["id"][-8:]).stdout
    done = subprocess.run(
        ["git", "-C", str(target), "apply", "--check"], input=diff, text=True, check=False
    )
    assert done.returncode == 0

    back = up.run("enhancement", "rollback", change["id"][-8:], "--reason", "we need it")
    assert back.returncode == 0, back.stderr
    assert git(target, "show", "groundswell/main:m.py") == CODE.strip()
    assert "we need it" in git(target, "log", "-1", "--format=%B", "groundswell/main")
    again = up.run("enhancement", "rollback", change["id"][-8:])
    assert again.returncode == 2
    assert "is rolled_back" in again.stderr


def test_a_rollback_that_would_break_a_test_is_refused_and_names_it(up, target):
    [change] = up.json("run", str(target))["landed"]
    there = target.parent / "there"
    git(target, "worktree", "add", "--quiet", str(there), "groundswell/main")
    (there / "tests" / "test_more.py").write_text(BREAKING.replace("m.os", "not hasattr(m, 'os')"))
    git(there, "add", "--all")
    git(there, "commit", "--quiet", "--message", "rely on it")
    git(target, "worktree", "remove", str(there))
    tip = git(target, "rev-parse", "groundswell/main")
    refused = up.run("enhancement", "rollback", change["id"][-8:])
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert "caught by tests/test_more.py::test_os_is_there" in refused.stdout
    assert git(target, "rev-parse", "groundswell/main") == tip


def test_a_landing_stands_on_what_somebody_else_committed(up, target):
    git(target, "switch", "--quiet", "--create", "groundswell/main")
    (target / "other.py").write_text("x = 1\n")
    git(target, "add", "--all")
    git(target, "commit", "--quiet", "--message", "a foreign commit")
    foreign = git(target, "rev-parse", "HEAD")
    git(target, "switch", "--quiet", "main")
    report = up.json("run", str(target))
    assert len(report["landed"]) == 1
    assert git(target, "rev-parse", "groundswell/main~1") == foreign
    [undo] = report["commands"]["undo_all"]
    done = up.run(*undo.split()[1:])
    assert done.returncode == 0, done.stderr
    assert git(target, "diff", "--stat", foreign, "groundswell/main") == ""
    git(target, "merge-base", "--is-ancestor", foreign, "groundswell/main")


def test_a_wave_can_be_stopped(up, tmp_path):
    slow = TESTS.replace("assert", "import time\n    time.sleep(30)\n    assert")
    target = a_repository(tmp_path / "slow", m_py=CODE, tests__test_m_py=slow)
    wave = up.json("wave", "start", str(target))["wave_id"]
    done = up.run("wave", "stop", wave[-8:], "--reason", "enough")
    assert done.returncode == 0, done.stderr
    report = up.json("wave", "show", wave)
    assert report["state"] == "stopped"
    assert report["notes"][-1] == "Stopped: enough."
    assert git(target, "branch", "--list", "groundswell/*") == ""


async def publish(variables, subject, data):
    client = await nats.connect(
        variables["NATS_URL"],
        user=variables["NATS_USER"],
        password=variables["NATS_PASSWORD"],
        allow_reconnect=False,
    )
    await client.publish(subject, data)
    await client.drain()


def test_a_wave_is_started_with_what_nats_env_prints(up, target):
    variables = up.json("nats", "env")
    command = json.dumps({"target": str(target), "dry_run": True}).encode()
    asyncio.run(publish(variables, "gs.cmd.wave.start", command))
    wait_for(lambda: [w for w in up.json("wave", "list") if w["location"] == str(target)])
    assert f"export NATS_USER={variables['NATS_USER']}" in up.run("nats", "env").stdout
    assert up.json("nats", "env", "--operator")["NATS_USER"] == "operator"


def test_init_writes_what_it_can_explain(home, target):
    done = home.run("init", str(target))
    assert done.returncode == 0, done.stderr
    text = (target / "groundswell.toml").read_text()
    config = parse_config(text.encode())
    assert [each.name for each in config.component] == ["m"]
    assert config.test.command == "python -m pytest"
    assert "# /m.py: a module" in text
    again = home.run("init", str(target))
    assert again.returncode == 2
    assert "--force" in again.stderr
    printed = home.run("init", str(target), "--print").stdout
    assert parse_config(printed.encode()) == config
    assert not home.path.exists(), "no stack is needed for it"


def test_doctor_says_what_is_there_and_what_that_costs(home):
    done = home.run("doctor")
    assert done.returncode == 0, done.stdout
    for part in (
        "nats-server",
        "secantusd-py",
        "tier A",
        "tier B",
        "tier C",
        "is used",
        "git version",
    ):
        assert part in done.stdout
    checks = json.loads(home.run("doctor", "--json").stdout)
    assert {each["state"] for each in checks} <= {"ok", "limited"}


def test_the_example_is_a_repository_of_its_own(home, tmp_path):
    place = tmp_path / "shop"
    assert home.run("example", str(place)).returncode == 0
    assert git(place, "status", "--porcelain") == ""
    assert home.run("example", str(place)).returncode == 2
    assert home.run("example", str(place), "--keep").returncode == 0


def test_what_is_going_on(up):
    assert "agents" in up.run("status").stdout
    status = up.json("status")
    assert (status["workers"], status["agents"]) == (dict.fromkeys(agent_specs(), 1), {})
    assert up.json("agents") == []
    assert "No agent is deployed" in up.run("agents").stdout


@pytest.mark.parametrize(
    "arguments", [[], ["-h"], ["wave"], ["enhancement", "-h"], ["run", "--help"]]
)
def test_help_is_help(home, arguments):
    done = home.run(*arguments)
    assert "Usage: " in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
