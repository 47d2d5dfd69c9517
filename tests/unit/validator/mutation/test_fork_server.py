"""A fork server that is gone, or does not answer: one mutant is not tried, and all others are."""

import os

import pytest

from services.validator.in_target import fork_server
from services.validator.in_target.channel import Channel
from services.validator.in_target.fork_server import MutantForkServer
from services.validator.in_target.mutant_runner import MutantRunner


@pytest.fixture
def silent_server(monkeypatch):
    """A server that reads requests and never answers; its process would end in a minute."""
    monkeypatch.setattr(fork_server, "START_TIMEOUT_SECONDS", 0.0)
    requests, replies = Channel(), Channel()
    ends = os.dup(requests.reading), os.dup(replies.writing)
    pid = os.posix_spawn("/bin/sleep", ["sleep", "60"], {})
    server = MutantForkServer(pid, requests, replies)
    yield server, ends
    for each in ends:
        os.close(each)
    server.stop()
    replies.close()


def a_runner(server):
    runner = MutantRunner(server)
    runner.usable = {"t.py::a": 0.1}
    return runner


def test_a_mutant_for_which_no_session_starts_has_a_reason(silent_server):
    server, _ = silent_server
    result = a_runner(server).kill_in_fresh_session(1, [1], float("inf"))
    assert result == {"killed": None, "why": "no fresh test session could be started"}


def test_a_late_answer_is_not_taken_for_that_to_the_next_request(silent_server):
    server, (_, replies) = silent_server
    assert server.start_session([1], ["t.py::a"]) is None
    os.write(replies, b'{"pid": 1}\n')
    assert server.start_session([2], ["t.py::a"]) is None
    with pytest.raises(ChildProcessError):
        os.waitpid(server.pid, os.WNOHANG)


def test_a_server_that_died_starts_no_session_and_can_be_stopped():
    requests, replies = Channel(), Channel()
    server = MutantForkServer(os.posix_spawn("/bin/true", ["true"], {}), requests, replies)
    assert server.start_session([1], ["t.py::a"]) is None
    server.stop()
    replies.close()
