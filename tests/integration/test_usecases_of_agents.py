"""Performing tasks on a real store: once, whoever is asked, however often."""

import asyncio
import hashlib
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from services.agents.deps import ServedType
from services.agents.usecases import AgentDeps, measure_findings, perform_task
from shared.agent_types import Proposal, agent_spec
from shared.contracts.base import EngineName
from shared.contracts.commands import MeasureFindings
from shared.contracts.events import EnhancementProposed, TaskFinished, TaskProposed, TaskStarted
from shared.contracts.states import AgentState, EnhancementState, TaskState
from shared.contracts.work import PerformTask, ProposalSubmitted
from shared.kernel.cancellation import Cancelled
from shared.kernel.errors import NotFound, Rejected, Transient
from shared.kernel.ids import uuid7
from shared.kernel.syntax import parse
from shared.targets.patches import parse_patch
from tests.support.builders import a_finding, a_target, a_task, a_wave, an_agent
from tests.support.buses import RecordingBus
from tests.support.repositories import a_repository, git
from tests.support.stores import Watch, a_real_store

BEFORE, BETWEEN, AFTER = "import os\nimport re\n", "import re\n", "x = 1\n"


def a_proposal(key="F401/safe", before=BEFORE, after=BETWEEN):
    return Proposal(
        key=key,
        rule="ruff:F401",
        engine=EngineName.RULES,
        safe=True,
        title="refactor(m): remove unused imports (F401)",
        rationale="Why.",
        findings=(a_finding(),),
        changes={"m.py": (before, after)},
    )


@dataclass
class FakeEngine:
    """Proposes what it is given; an error is raised, a function is called first."""

    answers: list[Any] = field(default_factory=list)
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    seen: list[bytes | None] = field(default_factory=list)

    async def propose(self, context):
        self.asked.append((context.task.component, context.task.excluded_fingerprints))
        self.seen.append(context.source.tree.read("m.py"))
        answer = self.answers.pop(0) if self.answers else [a_proposal()]
        if callable(answer):
            answer = await answer()
        if isinstance(answer, Exception):
            raise answer
        for each in answer:
            yield each


@dataclass
class FlakyBus(RecordingBus):
    """A bus that fails once, when it is to publish its message number `fails_at`."""

    fails_at: int = -1

    async def publish(self, message, *, key, wave=""):
        if len(self.published) == self.fails_at:
            self.fails_at = -1
            raise Transient("NATS did not take it.")
        await super().publish(message, key=key, wave=wave)


@pytest.fixture
async def deps(mongo_url, tmp_path):
    async with a_real_store(mongo_url) as store:
        me = an_agent()
        await store.agents.insert(me)
        yield AgentDeps(
            store=store,
            bus=FlakyBus(),
            home=tmp_path / "home",
            me=me,
            served={
                "code_quality": ServedType(agent_spec("code_quality"), (), FakeEngine(), ("guard",))
            },
            clock=Watch(),
            new_id=uuid7,
        )


@pytest.fixture
def engine(deps):
    return deps.served["code_quality"].engine


@pytest.fixture
async def task(deps, tmp_path):
    place = a_repository(tmp_path / "target", m_py=BEFORE)
    target = a_target(location=str(place))
    await deps.store.targets.insert(target)
    wave = a_wave(target_id=target.id, commit=git(place, "rev-parse", "HEAD"))
    made = a_task(wave, state="assigned", epoch=3, excluded_fingerprints=("known",))
    await deps.store.tasks.insert(made)
    return made


def told(task, **fields):
    known = {
        "task_id": task.id,
        "wave_id": task.wave_id,
        "agent_type": task.agent_type,
        "priority": task.priority,
        "epoch": task.epoch,
    }
    return PerformTask(**{**known, **fields})


async def everything(deps):
    return [
        await deps.store.tasks.find(),
        await deps.store.enhancements.find(),
        await deps.store.patches.find(),
    ]


async def test_proposals_are_written_down_and_submitted(deps, engine, task):
    engine.answers = [[a_proposal("one"), a_proposal("two", BETWEEN, AFTER)]]
    await perform_task(told(task), deps)
    assert engine.asked == [("m", ("known",))]
    assert engine.seen == [BEFORE.encode()]
    stored = await deps.store.tasks.require(task.id)
    assert (stored.state, stored.enhancements) == (TaskState.PROPOSED, 2)
    assert stored.agent_id == deps.me.id
    changes = await deps.store.enhancements.find(task_id=task.id, sort="order")
    assert [(each.proposal.key, each.proposal.order, each.proposal.epoch) for each in changes] == [
        ("one", 0, 3),
        ("two", 1, 3),
    ]
    assert {each.state for each in changes} == {EnhancementState.PROPOSED}
    assert [type(each.message) for each in deps.bus.published] == [
        TaskStarted,
        *[EnhancementProposed, ProposalSubmitted] * 2,
        TaskProposed,
    ]
    assert [each.enhancement_id for each in deps.bus.of(ProposalSubmitted)] == [
        each.id for each in changes
    ]


async def test_a_patch_lies_under_its_digest_and_says_what_changed(deps, engine, task):
    engine.answers = [[a_proposal("one"), a_proposal("same")]]
    await perform_task(told(task), deps)
    [patch] = await deps.store.patches.find()
    assert patch.id == hashlib.sha256(patch.text.encode()).hexdigest()
    assert [each.path for each in parse_patch(patch.text)] == ["m.py"]
    changes = await deps.store.enhancements.find()
    assert {each.proposal.patch.digest for each in changes} == {patch.id}
    assert {each.proposal.patch.base_commit for each in changes} == {task.commit}


async def test_delivered_twice_it_proposes_once(deps, engine, task):
    await perform_task(told(task), deps)
    once, published = await everything(deps), deps.bus.identities()
    deps.clock.go(minutes=1)
    await perform_task(told(task), deps)
    assert await everything(deps) == once
    assert len(engine.asked) == 1
    assert set(deps.bus.identities()) == set(published)


async def test_delivered_twice_at_once_it_proposes_once(deps, engine, task):
    await asyncio.gather(*(perform_task(told(task), deps) for _ in range(3)))
    assert len(engine.asked) == 1
    assert await deps.store.enhancements.count() == 1


async def test_delivered_again_while_it_works_it_is_not_begun_again(deps, engine, task):
    again = []

    async def hear_it_again():
        again.append(asyncio.create_task(perform_task(told(task), deps)))
        for _ in range(20):  # time enough for it to get as far as it can
            await deps.store.tasks.count()
        return [a_proposal()]

    engine.answers = [hear_it_again]
    await perform_task(told(task), deps)
    await asyncio.gather(*again)
    assert len(engine.asked) == 1
    assert len(set(deps.bus.identities())) == 4


@pytest.mark.parametrize("epoch", [2, 4])
async def test_another_epoch_than_the_tasks_changes_nothing(deps, engine, task, epoch):
    before = await everything(deps)
    await perform_task(told(task, epoch=epoch), deps)
    assert await everything(deps) == before
    assert not engine.asked
    assert not deps.bus.published


@pytest.mark.parametrize("state", ["waiting", "done", "cancelled", "dead"])
async def test_a_task_that_waits_or_is_over_is_not_begun(deps, engine, task, state):
    await deps.store.tasks.set_fields(task.id, state=state)
    await perform_task(told(task), deps)
    assert not engine.asked
    assert not deps.bus.published
    assert (await deps.store.tasks.require(task.id)).state == state


async def test_a_running_task_of_a_lost_agent_is_taken_over(deps, engine, task):
    await deps.store.tasks.transition(task, "start", agent_id=uuid7())
    await perform_task(told(task), deps)
    stored = await deps.store.tasks.require(task.id)
    assert (stored.state, stored.agent_id) == (TaskState.PROPOSED, deps.me.id)
    assert await deps.store.enhancements.count() == 1


@pytest.mark.parametrize("cut", range(4))
async def test_after_an_interruption_anywhere_everything_is_published_and_proposed_once(
    deps, engine, task, cut
):
    deps.bus.fails_at = cut
    with pytest.raises(Transient):
        await perform_task(told(task), deps)
    await perform_task(told(task), deps)
    [change] = await deps.store.enhancements.find()
    assert set(deps.bus.identities()) == {
        (TaskStarted.subject, f"{task.id}:3"),
        (EnhancementProposed.subject, change.id),
        (ProposalSubmitted.subject, change.id),
        (TaskProposed.subject, f"{task.id}:3"),
    }
    assert (await deps.store.tasks.require(task.id)).state is TaskState.PROPOSED


async def test_what_was_proposed_before_the_cut_stays_although_the_engine_says_otherwise(
    deps, engine, task
):
    engine.answers = [[a_proposal("one")], [a_proposal("one", BEFORE, AFTER)]]
    deps.bus.fails_at = 1
    with pytest.raises(Transient):
        await perform_task(told(task), deps)
    [before] = await deps.store.enhancements.find()
    await perform_task(told(task), deps)
    assert await deps.store.enhancements.find() == [before]


async def test_an_error_of_the_engine_fails_the_task_with_its_words(deps, engine, task):
    engine.answers = [Rejected("ruff cannot read this.", hint="Look at m.py.")]
    await perform_task(told(task), deps)
    stored = await deps.store.tasks.require(task.id)
    assert stored.state is TaskState.FAILED
    assert stored.note == "ruff cannot read this. Look at m.py."
    assert stored.finished_at == deps.clock()
    [published] = deps.bus.of(TaskFinished)
    assert (published.state, published.note) == ("failed", stored.note)
    published = deps.bus.identities()
    await perform_task(told(task), deps)
    assert len(engine.asked) == 1
    assert deps.bus.identities() == [*published, *published[1:]], (
        "what ended is published again, under its key"
    )


async def test_a_passing_trouble_leaves_the_task_to_be_done_again(deps, engine, task):
    engine.answers = [Transient("later"), [a_proposal()]]
    with pytest.raises(Transient):
        await perform_task(told(task), deps)
    assert (await deps.store.tasks.require(task.id)).state is TaskState.RUNNING
    await perform_task(told(task), deps)
    assert (await deps.store.tasks.require(task.id)).state is TaskState.PROPOSED


async def test_a_defect_of_the_engine_is_not_hidden(deps, engine, task):
    engine.answers = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        await perform_task(told(task), deps)
    assert not deps.running
    assert (await deps.store.agents.require(deps.me.id)).state is AgentState.IDLE


async def test_where_there_is_nothing_to_change_the_task_is_empty(deps, engine, task):
    engine.answers = [[]]
    await perform_task(told(task), deps)
    stored = await deps.store.tasks.require(task.id)
    assert (stored.state, stored.note) == (TaskState.EMPTY, "nothing to change was found")
    assert [each.enhancements for each in deps.bus.of(TaskProposed)] == [0]
    assert [each.state for each in deps.bus.of(TaskFinished)] == ["empty"]


async def test_a_task_that_was_taken_away_meanwhile_stays_with_its_new_epoch(deps, engine, task):
    async def lose_it():
        mine = await deps.store.tasks.require(task.id)
        waiting = await deps.store.tasks.transition(mine, "requeue", agent_id=None)
        await deps.store.tasks.transition(waiting, "assign", epoch=4)
        return [a_proposal()]

    engine.answers = [lose_it]
    await perform_task(told(task), deps)
    stored = await deps.store.tasks.require(task.id)
    assert (stored.state, stored.epoch, stored.agent_id) == (TaskState.ASSIGNED, 4, None)
    assert not deps.bus.of(TaskProposed)
    await perform_task(told(task, epoch=4), deps)
    changes = await deps.store.enhancements.find(sort="epoch")
    assert [each.proposal.epoch for each in changes] == [3, 4], (
        "the resolver refuses those of the old epoch"
    )
    assert (await deps.store.tasks.require(task.id)).enhancements == 1


async def test_while_it_works_an_agent_is_active_and_renews_the_lease(deps, engine, task):
    seen = {}

    async def look():
        seen["agent"] = await deps.store.agents.require(deps.me.id)
        seen["running"] = [each.id for each in deps.running.values()]
        return []

    engine.answers = [look]
    await perform_task(told(task), deps)
    assert (seen["agent"].state, seen["agent"].task_id) == (AgentState.ACTIVE, task.id)
    assert seen["running"] == [task.id]
    after = await deps.store.agents.require(deps.me.id)
    assert (after.state, after.task_id) == (AgentState.IDLE, None)
    assert not deps.running


async def test_work_nobody_here_can_do_is_left_to_others(deps, task):
    nobody = replace(deps, served={})
    with pytest.raises(Transient):
        await perform_task(told(task), nobody)
    assert (await deps.store.tasks.require(task.id)).state is TaskState.ASSIGNED


async def test_a_task_nobody_wrote_down_is_not_found(deps):
    with pytest.raises(NotFound):
        await perform_task(told(a_task()), deps)


async def test_a_cancelled_task_stops_the_engine_at_work(deps, engine, task, monkeypatch):
    monkeypatch.setattr("services.agents.usecases.stopping.POLL_SECONDS", 0.05)
    begun, ended = threading.Event(), threading.Event()

    def analyse():
        begun.set()
        try:
            while True:
                parse("x = 1")
                time.sleep(0.01)
        except Cancelled:
            ended.set()
            raise

    async def work_for_ever():
        running = await deps.store.tasks.require(task.id)
        analysing = asyncio.create_task(asyncio.to_thread(analyse))
        await asyncio.to_thread(begun.wait, 10)
        await deps.store.tasks.transition(running, "cancel", note="the wave was stopped")
        await analysing

    engine.answers = [work_for_ever]
    await asyncio.wait_for(perform_task(told(task), deps), 20)
    assert await asyncio.to_thread(ended.wait, 10)
    assert (await deps.store.tasks.require(task.id)).state is TaskState.CANCELLED
    assert not deps.bus.of(TaskProposed)
    assert (await deps.store.agents.require(deps.me.id)).state is AgentState.IDLE
    assert not deps.running


async def test_a_measurement_ends_with_its_wave(deps, task, monkeypatch):
    monkeypatch.setattr("services.agents.usecases.stopping.POLL_SECONDS", 0.05)
    target = await deps.store.targets.require(task.target_id)
    wave = a_wave(target_id=target.id, commit=task.commit, state="stopped")
    await deps.store.waves.insert(wave)

    class Endless:
        name, version, tool, files = "endless", "1", "endless", ("*",)

        async def measure(self, source):
            await asyncio.Event().wait()

    served = replace(deps.served["code_quality"], detectors=(Endless(),))
    deps = replace(deps, served={"code_quality": served})
    command = MeasureFindings(
        wave_id=wave.id, target_id=target.id, commit=task.commit, moment="before"
    )
    await asyncio.wait_for(measure_findings(command, deps), 20)
    assert deps.bus.published == []
