"""What nothing fixes gets an agent that advises, once, if the wave has room for it."""

import pytest

from services.coordinator.domain.planning import plan
from services.coordinator.usecases import advance
from shared.contracts.base import Priority, WaveSize
from shared.contracts.states import TaskState, WaveState
from tests.support.builders import a_finding, an_enhancement
from tests.support.coordinating import a_coordinator, a_planned_wave
from tests.support.repositories import a_repository


def fixable(component="m", agent_type="code_quality"):
    return a_finding(component=component, agent_type=agent_type, fixable="safe")


def to_advise_on(component="m", fingerprint="f", **fields):
    known = {"rule": "imports:cycle", "agent_type": "architecture", "advice": True}
    return a_finding(
        component=component, fingerprint=fingerprint, fixable="no", **{**known, **fields}
    )


def chosen(*findings, size=WaveSize.SMALL, foreclosed=(), advised=()):
    why = dict.fromkeys(foreclosed, "it was refused")
    made = plan(findings, foreclosed=why, advised=advised, size=size)
    return [(each.agent_type, each.component, each.fixable) for each in made.chosen]


def test_it_comes_after_all_that_can_be_fixed():
    found = (to_advise_on("a", severity="error"), fixable("b"))
    assert chosen(*found) == [("code_quality", "b", 1), ("architecture", "a", 0)]


def test_there_is_none_where_the_wave_is_full():
    full = [fixable(f"c{n}") for n in range(WaveSize.SMALL.limit)]
    assert len(chosen(*full, to_advise_on())) == WaveSize.SMALL.limit
    assert ("architecture", "m", 0) not in chosen(*full, to_advise_on())


def test_an_agent_that_fixes_something_in_the_component_advises_as_well():
    found = (to_advise_on(), fixable(agent_type="architecture"))
    assert chosen(*found) == [("architecture", "m", 1)]


@pytest.mark.parametrize(
    "finding",
    [
        to_advise_on(advice=False),
        to_advise_on(component=""),
        to_advise_on(agent_type=""),
    ],
    ids=["no advice", "no component", "no type"],
)
def test_other_findings_without_a_fix_get_no_agent(finding):
    assert chosen(finding) == []


def test_what_was_advised_on_or_refused_gets_none_again():
    assert chosen(to_advise_on(), advised={"f"}) == []
    assert chosen(to_advise_on(), foreclosed={"f"}) == []
    both = (to_advise_on(), to_advise_on(fingerprint="g"))
    [opportunity] = plan(both, foreclosed={}, advised={"f"}, size=WaveSize.SMALL).chosen
    assert opportunity.description == "Findings to advise on: cycle x1"
    assert opportunity.priority is Priority.LOW


async def test_a_wave_that_only_advises_says_so_and_the_next_one_has_nothing_to_do(tmp_path):
    deps = a_coordinator(tmp_path / "home")
    place = a_repository(tmp_path / "target", m_py="a = 1\n")
    finding = to_advise_on("m", path="m.py")
    wave = await a_planned_wave(deps, place, finding, lines=1)
    [task] = await deps.store.tasks.find(wave_id=wave.id)
    advice = an_enhancement(task, state="advisory", findings=(finding,))
    await deps.store.enhancements.insert(advice)
    for trigger in ("start", "propose"):
        task = await deps.store.tasks.transition(task, trigger, enhancements=1)
    await advance(wave.id, deps)
    ended = await deps.store.waves.require(wave.id)
    assert ended.state is WaveState.COMPLETED
    assert ended.notes[-1] == "There was nothing to change. Pieces of advice: 1."
    assert (await deps.store.tasks.require(task.id)).state is TaskState.DONE
    second = await a_planned_wave(deps, place, finding, lines=1)
    assert await deps.store.tasks.count(wave_id=second.id) == 0
