"""Heartbeats and analysis share one interpreter, which has to be handed over often enough."""

import sys

import pytest

from services.agents import main


@pytest.fixture
def switch_interval():
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("switch_interval")
def test_agents_hand_the_interpreter_over_more_often_than_usual(monkeypatch):
    launched = []
    monkeypatch.setattr(main, "launch", lambda name, *_: launched.append(name))
    sys.setswitchinterval(0.005)
    main.main()
    assert launched == ["agents"]
    assert sys.getswitchinterval() <= 0.001
