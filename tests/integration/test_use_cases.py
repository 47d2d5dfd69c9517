"""Use cases on a real store: delivered twice, late, or after a crash, they do it once."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from services.agents import usecases as agents
from services.agents.domain.proposals import propose
from services.coordinator import usecases as coordinator
from services.resolver import usecases as resolver
from services.validator.usecases import landing, outcomes
from services.validator.usecases.desk import Desk as ValidatorDesk
from shared.contracts.base import AgentType, Engine
from shared.contracts.commands import (
    AcquireLease,
    GetAgents,
    ReleaseLease,
    RenewLease,
    StartWave,
    StopWave,
)
from shared.contracts.documents import Agent
from shared.contracts.events import (
    EnhancementApplied,
    EnhancementCleared,
    EnhancementExpired,
    EnhancementRejected,
    TaskFinished,
    TaskProposed,
    WaveFinished,
)
from shared.contracts.states import AgentState, EnhancementState, TaskState, WaveState
from shared.contracts.work import PerformTask, ProposalCleared, ProposalSubmitted
from shared.kernel.errors import Conflict, Rejected, Transient
from shared.kernel.ids import uuid7
from shared.mongo.client import connected
from shared.mongo.collections import ensure_indexes, open_store
from tests.support.builders import (
    NOW,
    a_finding,
    a_target,
    a_task,
    a_wave,
    an_enhancement,
)
from tests.support.repositories import a_repository, git


@pytest.fixture
async def store(mongo_url):
    async with connected(mongo_url, f"test_{uuid7()[-12:]}") as database:
        await ensure_indexes(database)
        yield open_store(database)


class FakeBus:
    """Remembers what was said, as JetStream does: the same key is stored once."""

    def __init__(self, resolver_desk=None):
        self.said = {}
        self.times = 0
        self.deaf = False
        self.resolver = resolver_desk

    async def publish(self, message, *, key, wave=""):
        if self.deaf:
            raise Transient("nobody took it")
        self.times += 1
        self.said.setdefault(f"{message.subject}:{key}", message)

    async def request(self, message, answer, *, timeout=5.0):
        handler = {
            AcquireLease: resolver.acquire,
            RenewLease: resolver.renew,
            ReleaseLease: resolver.release,
        }[type(message)]
        return await handler(message, self.resolver)

    def of(self, kind):
        return [each for each in self.said.values() if isinstance(each, kind)]


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def bus():
    return FakeBus()


@pytest.fixture
def resolving(store, bus, clock):
    desk = resolver.Desk(store=store, bus=bus, clock=clock)
    bus.resolver = desk
    return desk


async def leased(task, desk, paths=("/m.py",)):
    request = AcquireLease(
        target_id=task.target_id,
        wave_id=task.wave_id,
        task_id=task.id,
        component=task.component,
        paths=paths,
    )
    grant = await resolver.acquire(request, desk)
    assert grant.granted, grant.reason
    return grant.epoch


async def proposed(store, task, **fields):
    change = an_enhancement(task, **fields)
    await store.enhancements.insert(change)
    return change


def submitted(change):
    return ProposalSubmitted(
        enhancement_id=change.id,
        wave_id=change.wave_id,
        target_id=change.target_id,
        epoch=change.epoch,
    )


class TestResolver:
    async def test_a_proposal_inside_its_lease_is_cleared_once(self, store, bus, resolving):
        task = a_task(state=TaskState.PROPOSED)
        await store.tasks.insert(task)
        epoch = await leased(task, resolving)
        change = await proposed(store, task, epoch=epoch)
        for _ in range(3):
            await resolver.clear_proposal(submitted(change), resolving)
        stored = await store.enhancements.need(change.id)
        assert (stored.state, stored.version) == (EnhancementState.CLEARED, 1)
        assert len(bus.of(ProposalCleared)) == len(bus.of(EnhancementCleared)) == 1

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [({"files": ("n.py",)}, "outside-lease: n.py"), ({"epoch": 0}, "old-epoch")],
    )
    async def test_a_proposal_that_may_not_is_refused_with_the_reason(
        self, store, bus, resolving, fields, reason
    ):
        task = a_task(state=TaskState.PROPOSED)
        await store.tasks.insert(task)
        epoch = await leased(task, resolving)
        change = await proposed(store, task, **{"epoch": epoch, **fields})
        await resolver.clear_proposal(submitted(change), resolving)
        stored = await store.enhancements.need(change.id)
        assert stored.state is EnhancementState.REJECTED
        assert stored.reason.startswith(reason)
        assert bus.of(EnhancementRejected)[0].reason == stored.reason
        assert not bus.of(ProposalCleared)

    async def test_a_late_proposal_with_an_old_epoch_changes_nothing(
        self, store, bus, resolving, clock
    ):
        task = a_task(state=TaskState.RUNNING)
        await store.tasks.insert(task)
        old = await leased(task, resolving)
        change = await proposed(store, task, epoch=old)
        clock.now += timedelta(minutes=5)
        assert await leased(a_task(target_id=task.target_id), resolving) > old
        await resolver.clear_proposal(submitted(change), resolving)
        assert (await store.enhancements.need(change.id)).state is EnhancementState.REJECTED
        assert not bus.of(ProposalCleared)

    async def test_a_proposal_of_a_task_that_is_over_expires(self, store, bus, resolving):
        task = a_task(state=TaskState.CANCELLED)
        await store.tasks.insert(task)
        change = await proposed(store, task, epoch=1)
        await resolver.clear_proposal(submitted(change), resolving)
        assert (await store.enhancements.need(change.id)).state is EnhancementState.EXPIRED
        assert len(bus.of(EnhancementExpired)) == 1

    async def test_what_got_stuck_is_cleared_by_the_round(self, store, bus, resolving, clock):
        task = a_task(state=TaskState.PROPOSED)
        await store.tasks.insert(task)
        epoch = await leased(task, resolving)
        change = await proposed(store, task, epoch=epoch)
        clock.now += timedelta(seconds=15)
        await resolver.reconcile(resolving)
        assert (await store.enhancements.need(change.id)).state is EnhancementState.CLEARED

    async def test_two_at_once_get_different_epochs_or_one_is_refused(self, resolving):
        target = uuid7()
        tasks = [a_task(target_id=target) for _ in range(4)]
        grants = await asyncio.gather(
            *(
                resolver.acquire(
                    AcquireLease(
                        target_id=target,
                        wave_id=task.wave_id,
                        task_id=task.id,
                        component="m",
                        paths=("/m.py",),
                    ),
                    resolving,
                )
                for task in tasks
            )
        )
        assert sum(each.granted for each in grants) == 1


class FakeEngine:
    def __init__(self, *, error=None, count=2):
        self.error, self.count, self.calls = error, count, 0

    async def propose(self, source, component, exclude):
        self.calls += 1
        if self.error:
            raise self.error
        found = []
        text = "".join(f"import m{n}\n" for n in range(self.count))
        for n in range(self.count):
            after = text.replace(f"import m{n}\n", "")
            change = {"m.py": (text, after)}
            found += propose(
                f"F401#{n}", component, "F401", [a_finding()], change, safe=True, why=""
            )
            text = after
        return found


@asynccontextmanager
async def an_agent(store, bus, clock, home, engine):
    me = Agent(
        id=uuid7(),
        name="code-quality",
        types=(AgentType.CODE_QUALITY,),
        engines=(Engine.RULES,),
        pid=1,
        host="h",
        started_at=NOW,
        heartbeat_at=NOW,
    )
    desk = agents.Desk(
        store=store,
        bus=bus,
        home=home,
        me=me,
        detector=None,
        engines={AgentType.CODE_QUALITY: engine},
        clock=clock,
        new_id=uuid7,
    )
    await agents.register(desk, lambda pid: True)
    yield desk


def perform(task):
    return PerformTask(
        task_id=task.id,
        wave_id=task.wave_id,
        agent_type=task.agent_type,
        priority=task.priority,
        epoch=task.epoch,
    )


class TestAgents:
    @pytest.fixture
    async def task(self, store, tmp_path):
        place = a_repository(tmp_path / "target", m_py="import m0\nimport m1\n")
        target = a_target(location=str(place))
        await store.targets.insert(target)
        commit = git(place, "rev-parse", "HEAD")
        task = a_task(a_wave(target_id=target.id, commit=commit), state=TaskState.ASSIGNED, epoch=3)
        await store.tasks.insert(task)
        return task

    async def test_a_task_delivered_twice_proposes_once(self, store, bus, clock, tmp_path, task):
        engine = FakeEngine()
        async with an_agent(store, bus, clock, tmp_path, engine) as desk:
            for _ in range(3):
                await agents.perform_task(perform(task), desk)
        assert engine.calls == 1
        assert await store.enhancements.count(task_id=task.id) == 2
        assert len(bus.of(ProposalSubmitted)) == 2
        assert len(bus.of(TaskProposed)) == 1
        stored = await store.tasks.need(task.id)
        assert (stored.state, stored.enhancements) == (TaskState.PROPOSED, 2)

    async def test_an_old_epoch_changes_nothing(self, store, bus, clock, tmp_path, task):
        engine = FakeEngine()
        async with an_agent(store, bus, clock, tmp_path, engine) as desk:
            late = perform(task).model_copy(update={"epoch": 2})
            await agents.perform_task(late, desk)
        assert engine.calls == 0
        assert await store.tasks.need(task.id) == task

    async def test_a_lost_agents_task_is_taken_over_and_proposes_the_same_once(
        self, store, bus, clock, tmp_path, task
    ):
        async with an_agent(store, bus, clock, tmp_path, FakeEngine()) as desk:
            bus.deaf = True  # it dies before anybody hears of its proposals
            with pytest.raises(Transient):
                await agents.perform_task(perform(task), desk)
            bus.deaf = False
        async with an_agent(store, bus, clock, tmp_path, FakeEngine()) as other:
            await agents.perform_task(perform(task), other)
            stored = await store.tasks.need(task.id)
            assert stored.agent_id == other.me.id
        assert await store.enhancements.count(task_id=task.id) == 2
        assert len(bus.of(ProposalSubmitted)) == 2

    async def test_an_engine_that_cannot_fails_the_task_aloud(
        self, store, bus, clock, tmp_path, task
    ):
        engine = FakeEngine(error=Rejected("no such thing"))
        async with an_agent(store, bus, clock, tmp_path, engine) as desk:
            await agents.perform_task(perform(task), desk)
            assert (await store.agents.need(desk.me.id)).state is AgentState.IDLE
        stored = await store.tasks.need(task.id)
        assert (stored.state, stored.note) == (TaskState.FAILED, "no such thing")
        assert bus.of(TaskFinished)[0].state == "failed"

    async def test_nothing_to_do_is_said(self, store, bus, clock, tmp_path, task):
        async with an_agent(store, bus, clock, tmp_path, FakeEngine(count=0)) as desk:
            await agents.perform_task(perform(task), desk)
        assert (await store.tasks.need(task.id)).state is TaskState.EMPTY
        assert len(bus.of(TaskFinished)) == 1

    async def test_the_work_of_a_silent_agent_waits_for_another(
        self, store, bus, clock, tmp_path, task, resolving
    ):
        coordinating = coordinator.Desk(
            store=store, bus=bus, home=tmp_path, clock=clock, new_id=uuid7
        )
        async with an_agent(store, bus, clock, tmp_path, FakeEngine()) as desk:
            running = await store.tasks.transition(task, "start", agent_id=desk.me.id)
            clock.now += timedelta(seconds=60)
            await coordinator.reconcile(coordinating)
            assert (await store.agents.need(desk.me.id)).state is AgentState.OFFLINE
        assert (await store.tasks.need(running.id)).state is TaskState.WAITING
        listed = await coordinator.get_active_agents(GetAgents(active=True), coordinating)
        assert listed.agents == ()


class TestCoordinator:
    @pytest.fixture
    def coordinating(self, store, bus, clock, tmp_path, resolving):
        return coordinator.Desk(
            store=store, bus=bus, home=tmp_path / "home", clock=clock, new_id=uuid7
        )

    @pytest.fixture
    def place(self, tmp_path):
        return a_repository(tmp_path / "target", m_py="import os\n")

    async def test_the_same_wave_asked_for_twice_is_one_wave(self, store, coordinating, place):
        command = StartWave(target=str(place), wave_id=uuid7())
        first = await coordinator.start_wave(command, coordinating, door="test")
        second = await coordinator.start_wave(command, coordinating, door="test")
        assert first == second
        assert await store.waves.count() == 1
        assert await store.audit.count() == 1

    async def test_a_second_wave_on_a_target_is_refused(self, coordinating, place):
        command = StartWave(target=str(place))
        await coordinator.start_wave(command, coordinating, door="test")
        with pytest.raises(Conflict, match="already at work"):
            await coordinator.start_wave(command, coordinating, door="test")

    async def test_two_at_once_are_one(self, store, coordinating, place):
        command = StartWave(target=str(place))
        starting = (coordinator.start_wave(command, coordinating, door="test") for _ in range(3))
        results = await asyncio.gather(*starting, return_exceptions=True)
        assert sum(isinstance(each, Conflict) for each in results) == 2
        assert await store.waves.count() == 1

    async def test_stopping_twice_is_the_same_as_once(self, store, bus, coordinating, place):
        opened = await coordinator.start_wave(
            StartWave(target=str(place)), coordinating, door="test"
        )
        command = StopWave(wave_id=opened.wave_id, reason="enough")
        for _ in range(2):
            assert (await coordinator.stop_wave(command, coordinating)).waves == (opened.wave_id,)
        wave = await store.waves.need(opened.wave_id)
        assert wave.state is WaveState.STOPPED
        assert wave.notes[-1] == "Stopped: enough."
        assert len(bus.of(WaveFinished)) == 1

    async def test_an_end_that_nobody_heard_of_is_said_again(self, store, bus, coordinating, place):
        opened = await coordinator.start_wave(
            StartWave(target=str(place)), coordinating, door="test"
        )
        bus.deaf = True
        with pytest.raises(Transient):
            await coordinator.stop_wave(StopWave(wave_id=opened.wave_id), coordinating)
        bus.deaf = False
        assert (await store.waves.need(opened.wave_id)).state is WaveState.STOPPED
        for _ in range(2):
            await coordinator.reconcile(coordinating)
        assert len(bus.of(WaveFinished)) == 1


class FakeRepository:
    def __init__(self, landed):
        self._landed = landed

    def refresh(self, target):
        return None

    def landed(self, target, ids):
        return {key: commit for key, commit in self._landed.items() if key in ids}


class TestValidator:
    def desk(self, store, bus, clock, landed):
        return ValidatorDesk(
            store=store,
            bus=bus,
            home=Path("/nowhere"),
            repository=lambda target: FakeRepository(landed),
            environments=None,
            suite=None,
            tier="D",
            isolation="",
            clock=clock,
            new_id=uuid7,
        )

    async def test_after_a_crash_what_is_on_the_branch_is_applied_and_the_rest_waits(
        self, store, bus, clock
    ):
        target, task = a_target(), a_task()
        there = await proposed(store, task, target_id=target.id, state="validated", key="a")
        gone = await proposed(store, task, target_id=target.id, state="validated", key="b")
        desk = self.desk(store, bus, clock, {there.id: "d" * 40})
        for _ in range(2):
            await landing.recover(target, desk)
        assert (await store.enhancements.need(there.id)).state is EnhancementState.APPLIED
        assert (await store.enhancements.need(gone.id)).state is EnhancementState.CLEARED
        assert [each.commit for each in bus.of(EnhancementApplied)] == ["d" * 40]

    async def test_an_outcome_that_nobody_heard_of_is_said_again(self, store, bus, clock):
        change = await proposed(store, a_task(), state="validating")
        desk = self.desk(store, bus, clock, {})
        bus.deaf = True
        with pytest.raises(Transient):
            await outcomes.reject(change, "it breaks", desk, tests=("t::a",))
        bus.deaf = False
        for _ in range(2):
            await outcomes.say_again(desk)
        [said] = bus.of(EnhancementRejected)
        assert (said.reason, said.tests) == ("it breaks", ("t::a",))
        assert bus.times == 1

    async def test_old_outcomes_are_left_alone(self, store, bus, clock):
        change = await proposed(store, a_task(), state="validating")
        desk = self.desk(store, bus, clock, {})
        await outcomes.expire(change, "gone", desk)
        later = self.desk(store, bus, clock, {})
        clock.now += timedelta(hours=1)
        before = bus.times
        await outcomes.say_again(later)
        assert bus.times == before
