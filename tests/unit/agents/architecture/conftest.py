"""The section of the type is known, wherever these tests run."""

import pytest

from services.agents.types.architecture import SPEC
from shared.targets.config import checks


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    types = {**checks.load_agent_types(), SPEC.name: SPEC}
    monkeypatch.setattr(checks, "load_agent_types", lambda: types)
