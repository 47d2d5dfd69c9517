"""Performing tasks on a real store: once, whoever is asked, however often."""

import asyncio
import hashlib
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from services.agents.deps import ServedType
from services.agents.usecases import (
    AgentDeps,
    go_offline,
    measure_findings,
    perform_task,
    register,
    send_heartbeat,
)
from services.coordinator.usecases import CoordinatorDeps, watch_agents
from shared.agent_types import Proposal, agent_spec
from shared.contracts.answers import Acknowledgement
from shared.contracts.base import EngineName
from shared.contracts.commands import (
    AcquireLease,
    LeaseGrant,
    MeasureFindings,
    ReleaseLease,
    RenewLease,
)
from shared.contracts.documents.findings import FindingSet
from shared.contracts.events import (
    AgentActive,
    AgentFailed,
    AgentIdle,
    EnhancementProposed,
    TaskFinished,
    TaskProposed,
    TaskStarted,
    WorkerRegistered,
)
from shared.contracts.states import AgentState, EnhancementState, TaskState
from shared.contracts.work import PerformTask, ProposalSubmitted
from shared.kernel.cancellation import Cancelled
from shared.kernel.errors import NotFound, Rejected, Transient
from shared.kernel.ids import uuid7
from shared.kernel.syntax import parse
from shared.mongo.agents import views_of_agents
from shared.targets.patches import parse_patch
from tests.support.builders import (
    NOW,
    a_finding,
    a_stint,
    a_target,
    a_task,
    a_wave,
    a_worker,
    an_agent,
    an_enhancement,
)
from tests.support.buses import RecordingBus
from tests.support.places import PlainSlots
from tests.support.repositories import a_repository, git
from tests.support.stores import Watch, a_real_store

REFUSED = LeaseGrant(granted=False, reason="it is not held")
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
    given: list[list[str]] = field(default_factory=list)

    async def propose(self, context):
        self.asked.append((context.task.component, context.task.excluded_fingerprints))
        self.seen.append(context.source.tree.read("m.py"))
        self.given.append([each.path for each in context.findings])
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
        me = a_worker()
        await store.workers.insert(me)
        yield AgentDeps(
            store=store,
            bus=FlakyBus(),
            home=tmp_path / "home",
            me=me,
            slots=PlainSlots(),
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
    await deps.store.agents.insert(an_agent(made))
    return made


async def until(is_so):
    async with asyncio.timeout(10):
        while True:
            if is_so():
                return
            await asyncio.sleep(0.01)


async def the_agent(deps, task):
    return await deps.store.agents.require(task.agent_id)


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


async def test_advice_that_was_given_before_is_not_given_again(deps, engine, task):
    known, new = a_finding(fingerprint="known before"), a_finding(fingerprint="new")
    given = an_enhancement(a_task(target_id=task.target_id), state="advisory", findings=(known,))
    await deps.store.enhancements.insert(given)
    advice = [
        replace(a_proposal(key), changes=None, findings=found)
        for key, found in {"old": (known,), "new": (known, new), "on nothing": ()}.items()
    ]
    engine.answers = [[*advice, replace(a_proposal("patch"), findings=(known,), causes=(new,))]]
    await perform_task(told(task), deps)
    changes = await deps.store.enhancements.find(task_id=task.id, sort="proposal__order")
    assert [each.proposal.key for each in changes] == ["new", "on nothing", "patch"]
    assert changes[-1].proposal.fingerprints == ("known before", "new")


async def test_an_agent_is_given_what_it_can_advise_on_in_files_of_no_component(deps, engine, task):
    test = a_finding(path="tests/test_m.py", fixable="no")
    fixable, of_another = a_finding(path="tests/conftest.py"), a_finding(component="other")
    measured = FindingSet(
        id="f",
        target_id=task.target_id,
        commit=task.commit,
        detectors="d",
        findings=(a_finding(), test, fixable, of_another),
        lines={},
        seconds=0.0,
        measured_at=NOW,
    )
    await deps.store.findings.insert(measured)
    engine.answers = [[replace(a_proposal("slow"), changes=None, findings=(test,))]]
    await perform_task(told(task), deps)
    assert engine.given == [["m.py", "tests/test_m.py"]]
    [advice] = await deps.store.enhancements.find(task_id=task.id)
    assert advice.proposal.key == "slow"


async def test_proposals_are_written_down_and_submitted(deps, engine, task):
    engine.answers = [[a_proposal("one"), a_proposal("two", BETWEEN, AFTER)]]
    await perform_task(told(task), deps)
    assert engine.asked == [("m", ("known",))]
    assert engine.seen == [BEFORE.encode()]
    stored = await deps.store.tasks.require(task.id)
    assert (stored.state, stored.enhancements) == (TaskState.PROPOSED, 2)
    changes = await deps.store.enhancements.find(task_id=task.id, sort="order")
    assert [(each.proposal.key, each.proposal.order, each.proposal.epoch) for each in changes] == [
        ("one", 0, 3),
        ("two", 1, 3),
    ]
    assert {each.state for each in changes} == {EnhancementState.PROPOSED}
    assert {(each.proposal.author.agent_id, each.proposal.author.agent) for each in changes} == {
        (task.agent_id, "agent-code-quality-1")
    }
    assert [type(each.message) for each in deps.bus.published] == [
        AgentActive,
        TaskStarted,
        *[EnhancementProposed, ProposalSubmitted] * 2,
        AgentIdle,
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
    assert len(set(deps.bus.identities())) == 6


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


async def taken_by_another(deps, task, state, **fields):
    """Another process runs, or ran, the agent of the task, which it has started."""
    running = await deps.store.tasks.transition(task, "start")
    agent = await the_agent(deps, task)
    stint = a_stint(task, a_worker(host="there"), **fields)
    await deps.store.agents.transition(agent, "start_work", stint=stint)
    await deps.store.agents.set_fields(agent.id, state=state)
    return running


@pytest.mark.parametrize("state", ["active", "offline"])
async def test_a_task_that_another_process_has_under_this_epoch_is_left_to_the_coordinator(
    deps, engine, task, state
):
    running = await taken_by_another(deps, task, state)
    before = await the_agent(deps, task)
    await perform_task(told(task), deps)
    assert not engine.asked
    assert await deps.store.tasks.require(task.id) == running
    assert await the_agent(deps, task) == before


@pytest.mark.parametrize("state", ["idle", "error", "deployed"])
async def test_a_running_task_that_no_process_is_at_is_continued(deps, engine, task, state):
    await taken_by_another(deps, task, state)
    await perform_task(told(task), deps)
    assert (await deps.store.tasks.require(task.id)).state is TaskState.PROPOSED
    assert await deps.store.enhancements.count() == 1


async def test_after_a_lost_process_another_one_takes_over_the_same_agent_under_a_new_epoch(
    deps, engine, task
):
    running = await taken_by_another(deps, task, "offline")
    waiting = await deps.store.tasks.transition(running, "requeue")
    await deps.store.tasks.transition(waiting, "assign", epoch=5)
    await perform_task(told(task, epoch=5), deps)
    agent = await the_agent(deps, task)
    assert agent.state is AgentState.IDLE
    assert (agent.stint.worker_id, agent.stint.epoch) == (deps.me.id, 5)
    [change] = await deps.store.enhancements.find()
    assert change.proposal.author.agent_id == task.agent_id
    [active] = deps.bus.of(AgentActive)
    assert (active.host, active.pid) == (deps.me.host, deps.me.pid)


async def test_without_a_slot_an_agent_waits_and_another_delivery_is_not_a_second_one(
    deps, engine, task
):
    deps = replace(deps, slots=PlainSlots(1))
    async with deps.slots.acquire():
        waiting = asyncio.create_task(perform_task(told(task), deps))
        await until(lambda: deps.slots.waiting == 1)
        assert not deps.slots.has_room()
        await perform_task(told(task), deps)
        assert (await the_agent(deps, task)).state is AgentState.DEPLOYED
        [shown] = await views_of_agents([await the_agent(deps, task)], deps.store, deps.clock())
        assert shown.doing == "waiting for a slot"
    await waiting
    assert len(engine.asked) == 1


async def test_a_task_that_is_cancelled_while_it_waits_for_a_slot_is_not_begun(deps, engine, task):
    deps = replace(deps, slots=PlainSlots(1))
    async with deps.slots.acquire():
        waiting = asyncio.create_task(perform_task(told(task), deps))
        await until(lambda: deps.slots.waiting == 1)
        await deps.store.tasks.transition(task, "cancel")
    await waiting
    assert not engine.asked
    assert (await the_agent(deps, task)).state is AgentState.DEPLOYED


async def test_a_stale_worker_ends_no_stint_of_another(deps, engine, task):
    async def lose_it():
        mine = await the_agent(deps, task)
        lost = await deps.store.agents.transition(mine, "go_offline")
        other = a_stint(task, a_worker(host="there"), epoch=4)
        await deps.store.agents.transition(lost, "start_work", stint=other)
        deps.bus.answers = {RenewLease: REFUSED}
        await send_heartbeat(deps)
        return []

    engine.answers = [lose_it]
    await perform_task(told(task), deps)
    agent = await the_agent(deps, task)
    assert (agent.state, agent.stint.epoch, agent.stint.host) == (AgentState.ACTIVE, 4, "there")
    assert agent.stint.heartbeat_at == NOW, "its heartbeat is not ours"


async def test_an_agent_whose_task_fails_is_in_error_and_one_that_is_told_to_wait_is_not(
    deps, engine, task
):
    engine.answers = [Transient("later"), Rejected("It cannot be read.")]
    with pytest.raises(Transient):
        await perform_task(told(task), deps)
    assert (await the_agent(deps, task)).state is AgentState.IDLE
    await perform_task(told(task), deps)
    assert (await the_agent(deps, task)).state is AgentState.ERROR
    assert len(deps.bus.of(AgentFailed)) == 1


async def test_what_an_agent_worked_is_added_up(deps, engine, task):
    async def work(seconds):
        deps.clock.go(seconds=seconds)
        raise Transient("later")

    for seconds in (4, 6):
        engine.answers = [lambda seconds=seconds: work(seconds)]
        with pytest.raises(Transient):
            await perform_task(told(task), deps)
        deps.clock.go(seconds=100)
    assert (await the_agent(deps, task)).seconds == 10


async def test_a_heartbeat_is_that_of_the_process_and_of_the_agents_it_runs(deps, engine, task):
    idle = an_agent()
    await deps.store.agents.insert(idle)

    async def beat():
        deps.clock.go(seconds=7)
        await deps.store.workers.remove(deps.me.id)
        await send_heartbeat(deps)
        return []

    engine.answers = [beat]
    deps.bus.answers = {RenewLease: LeaseGrant(granted=True, epoch=3)}
    await perform_task(told(task), deps)
    assert (await the_agent(deps, task)).stint.heartbeat_at == deps.clock()
    assert (await deps.store.workers.require(deps.me.id)).heartbeat_at == deps.clock()
    assert (await deps.store.agents.require(idle.id)).stint is None


async def test_a_process_that_starts_takes_agents_from_ended_ones_of_its_host(deps, task):
    dead, alive, elsewhere = a_worker(pid=2), a_worker(pid=3), a_worker(pid=2, host="there")
    tasks = [task, a_task(), a_task()]
    for worker, mine in zip((dead, alive, elsewhere), tasks, strict=True):
        await deps.store.workers.insert(worker)
        stint = a_stint(mine, worker)
        await deps.store.agents.insert_missing([an_agent(mine)])
        agent = await the_agent(deps, mine)
        await deps.store.agents.transition(agent, "start_work", stint=stint)
    new = replace(deps, me=a_worker(pid=4))
    await register(new, lambda pid: pid != 2)
    states = [(await the_agent(deps, each)).state for each in tasks]
    assert states == [AgentState.OFFLINE, AgentState.ACTIVE, AgentState.ACTIVE]
    left = {each.id for each in await deps.store.workers.find()}
    assert left == {deps.me.id, alive.id, elsewhere.id, new.me.id}
    assert [each.worker_id for each in deps.bus.of(WorkerRegistered)] == [new.me.id]


async def test_a_process_that_is_told_to_end_gives_its_agents_away(deps, engine, task):
    async def end():
        await go_offline(deps)
        return []

    engine.answers = [end]
    await perform_task(told(task), deps)
    assert (await the_agent(deps, task)).state is AgentState.OFFLINE
    assert await deps.store.workers.get(deps.me.id) is None


@pytest.mark.parametrize("cut", range(6))
async def test_after_an_interruption_anywhere_everything_is_published_and_proposed_once(
    deps, engine, task, cut
):
    deps.bus.fails_at = cut
    with pytest.raises(Transient):
        await perform_task(told(task), deps)
    await perform_task(told(task), deps)
    [change] = await deps.store.enhancements.find()
    of_agents = {AgentActive.subject, AgentIdle.subject, AgentFailed.subject}
    rest = {each for each in deps.bus.identities() if each[0] not in of_agents}
    assert rest == {
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
    deps.bus.fails_at = 2
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
    assert deps.bus.identities() == [*published, *published[-2:]], (
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
    assert (await the_agent(deps, task)).state is AgentState.ERROR


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
        waiting = await deps.store.tasks.transition(mine, "requeue")
        await deps.store.tasks.transition(waiting, "assign", epoch=4)
        return [a_proposal()]

    engine.answers = [lose_it]
    await perform_task(told(task), deps)
    stored = await deps.store.tasks.require(task.id)
    assert (stored.state, stored.epoch) == (TaskState.ASSIGNED, 4)
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
        seen["agent"] = await the_agent(deps, task)
        seen["running"] = [each.id for each in deps.running.values()]
        return []

    engine.answers = [look]
    await perform_task(told(task), deps)
    assert (seen["agent"].state, seen["agent"].stint.task_id) == (AgentState.ACTIVE, task.id)
    assert (seen["agent"].stint.worker_id, seen["agent"].stint.epoch) == (deps.me.id, 3)
    assert seen["running"] == [task.id]
    assert (await the_agent(deps, task)).state is AgentState.IDLE
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
    assert (await the_agent(deps, task)).state is AgentState.IDLE
    assert not deps.running


async def given_out_again(deps, task, epoch):
    """The task under another lease epoch, once the coordinator has seen its agent."""
    wave = a_wave(id=task.wave_id, target_id=task.target_id, commit=task.commit, state="running")
    await deps.store.waves.insert(wave)
    answers = {
        ReleaseLease: Acknowledgement(),
        AcquireLease: LeaseGrant(granted=True, epoch=epoch),
    }
    coordinator = CoordinatorDeps(
        store=deps.store,
        bus=RecordingBus(answers),
        home=deps.home,
        clock=deps.clock,
        new_id=uuid7,
    )
    await watch_agents(coordinator)
    [again] = coordinator.bus.of(PerformTask)
    return again


async def test_an_agent_that_loses_its_lease_stops_and_its_task_is_given_out_again(
    deps, engine, task, monkeypatch
):
    monkeypatch.setattr("services.agents.usecases.stopping.POLL_SECONDS", 0.05)
    stopped = []

    async def work_for_ever():
        deps.bus.answers = {RenewLease: REFUSED}
        await send_heartbeat(deps)
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(True)

    deps.bus.answers = {RenewLease: LeaseGrant(granted=True, epoch=3)}
    engine.answers = [work_for_ever]
    await asyncio.wait_for(perform_task(told(task), deps), 20)
    assert stopped
    assert not deps.running
    assert not await deps.store.enhancements.find()
    assert (await the_agent(deps, task)).state is AgentState.OFFLINE

    again = await given_out_again(deps, task, 4)
    deps.bus.answers = {RenewLease: LeaseGrant(granted=True, epoch=4)}
    await perform_task(again, deps)
    assert (await deps.store.tasks.require(task.id)).state is TaskState.PROPOSED
    [change] = await deps.store.enhancements.find()
    assert change.proposal.epoch == 4


async def test_a_task_whose_lease_is_gone_before_its_start_is_given_out_again(deps, engine, task):
    deps.bus.answers = {RenewLease: REFUSED}
    await perform_task(told(task), deps)
    assert not engine.asked
    assert (await deps.store.tasks.require(task.id)).state is TaskState.ASSIGNED
    again = await given_out_again(deps, task, 4)
    deps.bus.answers = {}
    await perform_task(again, deps)
    assert engine.asked, "who cannot ask the resolver works on"
    assert (await deps.store.tasks.require(task.id)).state is TaskState.PROPOSED


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
