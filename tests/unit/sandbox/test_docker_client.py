"""The Docker client, whose daemon may be missing, refuse, or hang."""

import subprocess

import pytest

from shared.sandbox.tiers import docker


def test_a_daemon_that_hangs_is_one_that_cannot_be_used(monkeypatch):
    def hang(command, *, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(docker, "_program", lambda: "docker")
    monkeypatch.setattr(docker.subprocess, "run", hang)
    with pytest.raises(OSError, match=r"docker version took more than 60 seconds"):
        docker.prepare()


def test_what_the_client_says_of_a_failure_is_the_reason(monkeypatch):
    failed = subprocess.CompletedProcess([], 1, b"", b"Cannot connect to the Docker daemon.\n")
    monkeypatch.setattr(docker, "_program", lambda: "docker")
    monkeypatch.setattr(docker.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(OSError, match="Cannot connect to the Docker daemon"):
        docker.prepare()
