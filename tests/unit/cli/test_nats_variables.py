"""`groundswell nats env` prints what a person's programs log in to the running stack with."""

import asyncio
import json
import os
import subprocess
from pathlib import Path

import pytest

from cli import nats
from deploy.credentials import load_credentials
from deploy.homes import Stack
from deploy.programs import nats_url_as
from shared.kernel.errors import NotFound

URL = "nats://127.0.0.1:4242"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(nats, "default_home", lambda: tmp_path)
    return tmp_path


def running(home: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    stack = Stack("http://127.0.0.1:1", url, "mongodb://127.0.0.1:2", str(home), 3)
    monkeypatch.setattr(nats, "find_running_stack", {home: stack}.get)


def printed(user: str, *, as_json: bool) -> int:
    return asyncio.run(nats._env(operator=user == "operator", as_json=as_json))


@pytest.mark.parametrize("user", ["user", "operator"])
def test_a_shell_and_a_program_get_the_variables_of_the_user(home, monkeypatch, capfd, user):
    credentials = load_credentials(home)
    running(home, monkeypatch, nats_url_as("user", URL, credentials))
    expected = {
        "NATS_URL": URL,
        "NATS_USER": user,
        "NATS_PASSWORD": credentials.nats_passwords[user],
    }
    assert printed(user, as_json=True) == 0
    assert json.loads(capfd.readouterr().out) == expected
    assert printed(user, as_json=False) == 0
    script = f"{capfd.readouterr().out}env"
    done = subprocess.run(["sh", "-c", script], env=os.environ, capture_output=True, check=True)
    assert {f"{name}={value}" for name, value in expected.items()} <= set(
        done.stdout.decode().splitlines()
    )


@pytest.mark.parametrize("operator", [False, True])
def test_a_server_of_ones_own_without_a_password_has_only_an_address(home, monkeypatch, operator):
    running(home, monkeypatch, URL)
    assert nats.nats_variables(operator=operator) == {"NATS_URL": URL}


def test_without_a_stack_it_says_how_to_start_one(home, monkeypatch):
    monkeypatch.setattr(nats, "find_running_stack", {}.get)
    with pytest.raises(NotFound) as caught:
        nats.nats_variables(operator=False)
    assert "groundswell up" in caught.value.hint
