"""What was lost twice in a wave for the same reason is not planned a third time."""

import pytest

from services.coordinator.usecases import advance
from services.coordinator.usecases.plan import foreclosed_in
from shared.contracts.documents.enhancements import OLD_EPOCH
from shared.contracts.states import TaskState, WaveState
from tests.support.builders import a_finding, an_enhancement
from tests.support.coordinating import a_coordinator, a_planned_wave
from tests.support.repositories import a_repository

NO_REPORT = "could not be tried: run {} at 0123abcd gave no report"
FINDINGS = [a_finding(component="m", path="m.py", line=n, fingerprint=f"f{n}") for n in (1, 2)]


@pytest.fixture
def deps(tmp_path):
    return a_coordinator(tmp_path / "home")


@pytest.fixture
async def wave(deps, tmp_path):
    place = a_repository(tmp_path / "target", m_py="a = 1\nb = 1\n")
    return await a_planned_wave(deps, place, *FINDINGS, lines=2)


async def lose(deps, wave, *reasons):
    """The open task proposes a change for each finding, and each is lost for its reason."""
    [task] = await deps.store.tasks.find(wave_id=wave.id, state=TaskState.ASSIGNED)
    for number, reason in enumerate(reasons):
        change = an_enhancement(
            task,
            key=f"{task.attempt}-{number}",
            state="expired",
            reason=reason,
            findings=(FINDINGS[number],),
        )
        await deps.store.enhancements.insert(change)
    task = await deps.store.tasks.transition(task, "start")
    await deps.store.tasks.transition(task, "propose", enhancements=len(reasons))
    await advance(wave.id, deps)
    return sorted(each.attempt for each in await deps.store.tasks.find(wave_id=wave.id))


async def test_a_task_whose_changes_were_all_lost_so_is_not_repeated(deps, wave):
    assert await lose(deps, wave, NO_REPORT.format(12)) == [0, 1]
    assert await lose(deps, wave, NO_REPORT.format(13)) == [0, 1]
    ended = await deps.store.waves.require(wave.id)
    assert ended.state is WaveState.COMPLETED
    assert ended.notes[-1].startswith("Nothing landed")


async def test_one_that_was_lost_for_another_reason_is_repeated_without_the_others(deps, wave):
    assert await lose(deps, wave, NO_REPORT.format(12), "does not apply") == [0, 1]
    assert await lose(deps, wave, NO_REPORT.format(13), "another one landed") == [0, 1, 2]
    [third] = await deps.store.tasks.find(wave_id=wave.id, state=TaskState.ASSIGNED)
    assert third.excluded_fingerprints == ("f1",)


async def test_what_expired_with_an_ended_epoch_is_no_cause_for_another_task(deps, wave):
    [task] = await deps.store.tasks.find(wave_id=wave.id)
    for epoch, state, reason in ((0, "expired", OLD_EPOCH), (1, "applied", "")):
        change = an_enhancement(task, epoch=epoch, state=state, reason=reason)
        await deps.store.enhancements.insert(change)
    for trigger in ("start", "propose"):
        task = await deps.store.tasks.transition(task, trigger)
    await advance(wave.id, deps)
    assert [each.state for each in await deps.store.tasks.find()] == [TaskState.DONE]


async def test_what_a_refused_change_claims_nothing_about_is_not_tried_again_either(deps, wave):
    [task] = await deps.store.tasks.find(wave_id=wave.id)
    change = an_enhancement(task, state="rejected", reason="no", findings=(), causes=("f1",))
    await deps.store.enhancements.insert(change)
    assert await foreclosed_in(wave, deps) == {"f1": "rejected: no"}
