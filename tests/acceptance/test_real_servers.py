"""With addresses of real servers the stack starts none of its own, and the code is the same."""

import os

import pytest

from tests.support.repositories import a_repository
from tests.support.stack import Home, environment

CODE = "import os\n\n\ndef one():\n    return 1\n"
TESTS = "import m\n\n\ndef test_one():\n    assert m.one() == 1\n"


@pytest.fixture
def given(monkeypatch, own_nats_url, mongo_url):
    variables = {"GROUNDSWELL_NATS_URL": own_nats_url, "GROUNDSWELL_MONGO_URL": mongo_url}
    monkeypatch.setattr("tests.support.stack.environment", lambda h: environment(h) | variables)
    return variables


def test_a_run_uses_the_servers_that_are_given(given, tmp_path):
    home = Home(tmp_path / "home")
    target = a_repository(tmp_path / "target", m_py=CODE, tests__test_m_py=TESTS)
    report = home.json("run", str(target))
    assert [each["rule"] for each in report["landed"]] == ["ruff:F401"]
    assert not (home.path / "nats").exists()
    assert not (home.path / "mongo").exists()
    assert "GROUNDSWELL_NATS_URL" not in os.environ
