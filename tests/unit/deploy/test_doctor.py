"""The diagnosis derives what the installed agent types need from their specs."""

from dataclasses import replace

import pytest

from deploy import doctor
from shared.agent_types import RequiredProgram, agent_spec, agent_specs
from shared.kernel.errors import Rejected


@pytest.fixture
def examine(monkeypatch, tmp_path):
    """The checks by name, without those of sandboxes, which start processes."""
    monkeypatch.setattr(doctor, "_sandboxes", lambda _: [])
    return lambda: {each.name: each for each in doctor.examine(tmp_path)}


def test_every_program_of_an_installed_agent_type_is_looked_for(examine):
    programs = [each.package for spec in agent_specs().values() for each in spec.programs]
    assert programs
    found = examine()
    assert {found[each].state for each in programs} == {"ok"}


def test_a_missing_program_is_reported_with_what_its_absence_costs(examine, monkeypatch):
    def find():
        raise FileNotFoundError

    spec = replace(
        agent_spec("code_quality"), name="tidiness", programs=(RequiredProgram("broom", find),)
    )
    monkeypatch.setattr(doctor, "agent_specs", lambda: {"tidiness": spec})
    check = examine()["broom"]
    assert (check.state, check.cost) == ("missing", "the tidiness agent finds and fixes nothing")


def test_an_agent_type_that_cannot_be_loaded_is_reported(examine, monkeypatch):
    def broken():
        raise Rejected("The entry point leads nowhere.", hint="Install it again.")

    monkeypatch.setattr(doctor, "agent_specs", broken)
    check = examine()["agent types"]
    assert (check.state, check.found) == ("missing", "The entry point leads nowhere.")
