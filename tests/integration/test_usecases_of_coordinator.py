"""Waves on a real store: started once, advanced as far as they can be, however often."""

import asyncio
import contextlib
import shutil
from datetime import timedelta

import pytest

from services.coordinator.usecases import (
    CoordinatorDeps,
    advance,
    get_active_agents,
    list_waves,
    note_failure,
    reconcile,
    show_wave,
    start,
    start_wave,
    stop_wave,
    watch_agents,
)
from shared.contracts.answers import Acknowledgement
from shared.contracts.commands import (
    AcquireLease,
    GetAgents,
    GetWave,
    GetWaves,
    LeaseGrant,
    MeasureFindings,
    ReleaseLease,
    RunBaseline,
    StartWave,
    StopWave,
)
from shared.contracts.documents.findings import FindingSet
from shared.contracts.events import (
    AgentDeployed,
    AgentOffline,
    AgentRetired,
    EnhancementExpired,
    MeasurementFailed,
    TaskAssigned,
    TaskFinished,
    WaveFinished,
    WavePlanned,
    WaveStarted,
)
from shared.contracts.states import AgentState, EnhancementState, TaskState, WaveState
from shared.contracts.views import task_view, wave_view
from shared.contracts.work import PerformTask
from shared.kernel.errors import Conflict, NotFound, Rejected, Transient
from shared.kernel.ids import uuid7
from shared.mongo.agents import agent_view
from shared.targets.paths import matches
from tests.support.builders import a_finding, a_stint, a_worker, an_agent, an_enhancement
from tests.support.buses import RecordingBus
from tests.support.repositories import a_repository, commit, git
from tests.support.stores import Watch, a_real_store


class Resolver(RecordingBus):
    """Grants every lease under a new epoch, but those of `taken` components."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs: dict[str, int] = {}
        self.taken: set[str] = set()
        self.fail_on = None
        self.answers = {AcquireLease: self.grant, ReleaseLease: Acknowledgement()}

    def grant(self, request):
        if request.component in self.taken:
            return LeaseGrant(granted=False, reason="somebody has it")
        epoch = self.epochs.setdefault(request.task_id, len(self.epochs) + 1)
        return LeaseGrant(granted=True, epoch=epoch)

    async def publish(self, message, *, key, wave=""):
        if self.fail_on is not None and isinstance(message, self.fail_on):
            raise Transient("NATS did not take it.")
        await super().publish(message, key=key, wave=wave)

    def released(self):
        return [each.task_id for each in self.asked if isinstance(each, ReleaseLease)]


@pytest.fixture
async def deps(mongo_url, tmp_path):
    async with a_real_store(mongo_url) as store:
        yield CoordinatorDeps(
            store=store, bus=Resolver(), home=tmp_path / "home", clock=Watch(), new_id=uuid7
        )


@pytest.fixture
def place(tmp_path):
    return a_repository(tmp_path / "target", a_py="a = 1\n", b_py="b = 1\n", c_py="c = 1\n")


async def started(deps, place, **fields):
    accepted = await start_wave(StartWave(target=str(place), **fields), deps, channel="test")
    return await deps.store.waves.require(accepted.wave_id)


async def measured(deps, wave, *components, commit=None, **fields):
    """Findings on the wave's commit (or another): one in each of these components."""
    commit = commit or wave.commit
    found = FindingSet(
        id=f"{wave.target_id}:{commit}:ruff",
        target_id=wave.target_id,
        commit=commit,
        detectors="ruff",
        findings=[a_finding(component=each, path=f"{each}.py", **fields) for each in components],
        seconds=0,
        measured_at=deps.clock(),
    )
    await deps.store.findings.insert(found)


async def running(deps, place, *components, **fields):
    wave = await started(deps, place, **fields)
    await measured(deps, wave, *(components or ("a",)))
    await advance(wave.id, deps)
    return await deps.store.waves.require(wave.id)


async def test_a_single_package_is_divided_between_agents_under_disjoint_leases(deps, tmp_path):
    modules = [f"p/{name}.py" for name in ("a", "b", "c", "d")]
    files = dict.fromkeys(["p/__init__.py", *modules], "x = 1\n")
    place = a_repository(tmp_path / "package", **files, **{"tests/test_p.py": ""})
    wave = await started(deps, place)
    found = FindingSet(
        id=f"{wave.target_id}:{wave.commit}:ruff",
        target_id=wave.target_id,
        commit=wave.commit,
        detectors="ruff",
        findings=[a_finding(component="p", path=path) for path in modules for _ in range(15)],
        seconds=0,
        measured_at=deps.clock(),
    )
    await deps.store.findings.insert(found)
    for _ in range(2):
        await advance(wave.id, deps)
    made = await tasks(deps, wave)
    assert [str(each.state) for each in made] == ["assigned"] * 4
    assert {each.component for each in made} == {"p"}
    assert sorted(each.opportunity.part for each in made) == [
        "p/__init__.py to p/a.py",
        *modules[1:],
    ]
    for path in modules:
        assert sum(matches(path, each.paths) for each in made) == 1
    assert [each.part for each in deps.bus.of(TaskAssigned)] == [e.opportunity.part for e in made]


async def test_a_wave_with_a_focus_has_only_tasks_of_that_type(deps, place, monkeypatch):
    monkeypatch.setattr(start, "agent_type_names", lambda: ("code_quality", "security"))
    wave = await started(deps, place, focus="security")
    found = FindingSet(
        id=f"{wave.target_id}:{wave.commit}:both",
        target_id=wave.target_id,
        commit=wave.commit,
        detectors="both",
        findings=[
            a_finding(component="a", path="a.py"),
            a_finding(component="b", path="b.py", agent_type="security"),
        ],
        seconds=0,
        measured_at=deps.clock(),
    )
    await deps.store.findings.insert(found)
    await advance(wave.id, deps)
    [task] = await tasks(deps, wave)
    assert (task.agent_type, task.component) == ("security", "b")


async def test_the_newest_findings_count_whatever_the_detectors_are_called(deps, place):
    wave = await started(deps, place)
    for name, component in (("z-1", "a"), ("a-2", "b")):
        deps.clock.go(seconds=1)
        found = FindingSet(
            id=f"{wave.target_id}:{wave.commit}:{name}",
            target_id=wave.target_id,
            commit=wave.commit,
            detectors=name,
            findings=[a_finding(component=component, path=f"{component}.py")],
            seconds=0,
            measured_at=deps.clock(),
        )
        await deps.store.findings.insert(found)
    await advance(wave.id, deps)
    assert [each.component for each in await tasks(deps, wave)] == ["b"]


async def tasks(deps, wave):
    return await deps.store.tasks.find(wave_id=wave.id)


async def at_work(deps, task, **fields):
    """A process runs the agent of the task, which it has not started yet."""
    agent = await deps.store.agents.require(task.agent_id)
    stint = a_stint(task, heartbeat_at=deps.clock(), started_at=deps.clock())
    active = await deps.store.agents.transition(agent, "start_work", stint=stint)
    if fields:
        await deps.store.agents.set_fields(agent.id, **fields)
    return active


async def proposed(deps, task, *states, **fields):
    """The agent is done with `task`; its changes are in these states."""
    changes = [
        an_enhancement(task, key=f"k{n}", state=each, **fields) for n, each in enumerate(states)
    ]
    await deps.store.enhancements.insert_missing(changes)
    task = await deps.store.tasks.transition(task, "start")
    await deps.store.tasks.transition(task, "propose", enhancements=len(changes))
    return changes


async def everything(deps):
    store = deps.store
    every = (store.waves, store.tasks, store.enhancements, store.targets, store.audit)
    return [await each.find() for each in every]


class TestAnswering:
    """Requests on the bus show what the HTTP API shows, and no stored documents."""

    async def test_a_wave_is_shown_with_its_target_and_its_tasks(self, deps, place):
        wave = await running(deps, place)
        target = await deps.store.targets.require(wave.target_id)
        [listed] = (await list_waves(GetWaves(), deps)).waves
        assert listed == wave_view(wave, target)
        assert (listed.target, listed.location) == ("target", str(place))
        shown = await show_wave(GetWave(), deps)
        assert shown == await show_wave(GetWave(wave_id=wave.id), deps)
        assert shown.wave == listed
        assert shown.tasks == tuple(task_view(each) for each in await tasks(deps, wave))

    async def test_agents_are_shown_as_a_client_needs_them(self, deps):
        agent = an_agent(state=AgentState.RETIRED)
        await deps.store.agents.insert(agent)
        shown = await get_active_agents(GetAgents(), deps)
        assert shown.agents == (agent_view(agent, None, ()),)
        assert not (await get_active_agents(GetAgents(active=True), deps)).agents

    async def test_each_agent_says_what_it_is_at(self, deps, place):
        deps.bus.taken.add("b")
        wave = await running(deps, place, "a", "b", "c")
        a, _, c = sorted(await tasks(deps, wave), key=lambda each: each.component)
        await at_work(deps, a)

        async def shown():
            agents = (await get_active_agents(GetAgents(active=True), deps)).agents
            return {each.focus: (each.state, each.doing) for each in agents}

        assert await shown() == {
            "a": ("active", "at work on a"),
            "b": ("deployed", "waiting for the lease on b"),
            "c": ("deployed", "waiting for a process that runs code_quality"),
        }
        await deps.store.workers.insert(a_worker(heartbeat_at=deps.clock()))
        assert (await shown())["c"] == ("deployed", "waiting for a slot")
        await proposed(deps, c, EnhancementState.CLEARED)
        assert (await shown())["c"] == ("deployed", "the gate has 1 change")


class TestAgents:
    async def test_a_wave_deploys_one_for_each_task_and_retires_them_at_its_end(self, deps, place):
        wave = await running(deps, place, "a", "b", "c")
        agents = await deps.store.agents.find(wave_id=wave.id)
        assert [each.name for each in agents] == [f"agent-code-quality-{n}" for n in (1, 2, 3)]
        assert {each.state for each in agents} == {AgentState.DEPLOYED}
        planned = {each.agent_id: each.component for each in await tasks(deps, wave)}
        assert {each.id: each.focus for each in agents} == planned
        assert [each.agent_id for each in deps.bus.of(AgentDeployed)] == [e.id for e in agents]
        [task, *_] = await tasks(deps, wave)
        await at_work(deps, task)
        deps.clock.go(seconds=4)
        await stop_wave(StopWave(wave_id=wave.id), deps)
        retired = await deps.store.agents.find(wave_id=wave.id)
        assert {each.state for each in retired} == {AgentState.RETIRED}
        assert sorted(each.seconds for each in deps.bus.of(AgentRetired)) == [0, 0, 4]

    async def test_a_plan_that_was_interrupted_deploys_the_same_agents_again(self, deps, place):
        wave = await started(deps, place)
        await measured(deps, wave, "a", "b")
        deps.bus.fail_on = AgentDeployed
        with pytest.raises(Transient):
            await advance(wave.id, deps)
        deps.bus.fail_on = None
        before = await deps.store.agents.find()
        assert len(before) == 2
        await advance(wave.id, deps)
        assert await deps.store.agents.find() == before
        assert len({each.agent_id for each in await tasks(deps, wave)}) == 2
        identities = [each for each in deps.bus.identities() if each[0] == AgentDeployed.subject]
        assert len(set(identities)) == 2

    async def test_agents_of_a_wave_whose_end_was_interrupted_are_retired_later(self, deps, place):
        wave = await running(deps, place)
        long_ago = deps.clock() - timedelta(hours=1)
        await deps.store.waves.transition(wave, "stop", finished_at=long_ago)
        await reconcile(deps)
        [agent] = await deps.store.agents.find()
        assert agent.state is AgentState.RETIRED
        await reconcile(deps)
        assert (
            len({each.key for each in deps.bus.published if isinstance(each.message, AgentRetired)})
            == 1
        )

    @pytest.mark.parametrize(
        ("left", "ends"),
        [("error", (TaskState.DEAD, 1)), ("idle", (TaskState.ASSIGNED, 2))],
    )
    async def test_a_begun_task_that_no_process_is_at_does_not_hold_up_its_wave(
        self, deps, place, left, ends
    ):
        wave = await running(deps, place)
        [task] = await tasks(deps, wave)
        await at_work(deps, task, state=left)
        await deps.store.tasks.transition(task, "start")
        deps.clock.go(minutes=2)
        await reconcile(deps)
        assert [each.state for each in await tasks(deps, wave)] == [TaskState.RUNNING]
        deps.clock.go(seconds=1)
        deps.bus.epochs = {"somebody": 1}
        await reconcile(deps)
        [settled] = await tasks(deps, wave)
        assert (settled.state, settled.epoch) == ends
        assert task.id in deps.bus.released()
        if left == "error":
            assert "agent-code-quality-1 failed again and again" in settled.note
            assert [each.state for each in deps.bus.of(TaskFinished)][:1] == ["dead"]

    async def test_a_task_that_is_at_work_or_given_out_again_is_not_abandoned(self, deps, place):
        wave = await running(deps, place, "a", "b")
        working, again = await tasks(deps, wave)
        await at_work(deps, working)
        await at_work(deps, again, state="error", stint__epoch=0)
        for each in (working, again):
            await deps.store.tasks.transition(each, "start")
        deps.clock.go(minutes=9)
        await reconcile(deps)
        assert {each.state for each in await tasks(deps, wave)} == {TaskState.RUNNING}

    async def test_a_follow_up_is_for_the_same_agent(self, deps, place):
        wave = await running(deps, place)
        [task] = await tasks(deps, wave)
        await proposed(deps, task, EnhancementState.REJECTED, tests=("t::a",))
        await advance(wave.id, deps)
        first, again = sorted(await tasks(deps, wave), key=lambda each: each.attempt)
        assert again.attempt == 1
        assert again.agent_id == first.agent_id
        assert await deps.store.agents.count() == 1


class TestStarting:
    async def test_a_wave_is_written_down_measured_and_accounted_for(self, deps, place):
        wave = await started(deps, place, components=("a",))
        head = git(place, "rev-parse", "HEAD")
        assert (wave.state, wave.commit, wave.base_commit) == (WaveState.PLANNED, head, head)
        assert (wave.components, wave.landing_commit) == (("a",), None)
        assert [type(each.message) for each in deps.bus.published] == [
            WavePlanned,
            MeasureFindings,
            RunBaseline,
        ]
        [audit] = await deps.store.audit.find()
        assert (audit.action, audit.channel, audit.subject["wave"]) == (
            "wave.start",
            "test",
            wave.id,
        )

    async def test_a_dry_run_needs_no_baseline(self, deps, place):
        await started(deps, place, dry_run=True)
        assert not deps.bus.of(RunBaseline)

    async def test_the_same_wave_id_again_is_the_same_wave(self, deps, place):
        command = StartWave(target=str(place), wave_id=uuid7())
        once = await start_wave(command, deps, channel="test")
        before = await everything(deps)
        commit(place, {"a.py": "a = 2\n"})
        assert await start_wave(command, deps, channel="test") == once
        assert await everything(deps) == before
        assert len(set(deps.bus.identities())) == len(deps.bus.published)

    async def test_the_same_wave_id_twice_at_once_is_one_wave(self, deps, place):
        command = StartWave(target=str(place), wave_id=uuid7())
        answers = await asyncio.gather(
            *(start_wave(command, deps, channel="test") for _ in range(2))
        )
        assert answers[0] == answers[1]

    async def test_a_second_wave_on_the_same_target_is_refused_and_names_the_first(
        self, deps, place
    ):
        wave = await started(deps, place)
        with pytest.raises(Conflict, match=wave.id) as refused:
            await started(deps, place)
        assert refused.value.code == "wave_open"
        assert await deps.store.waves.count() == 1

    async def test_of_two_at_once_one_is_refused(self, deps, place):
        answers = await asyncio.gather(
            *(started(deps, place) for _ in range(2)), return_exceptions=True
        )
        assert sorted(type(each).__name__ for each in answers) == ["Conflict", "Wave"]

    async def test_another_branch_of_the_same_repository_is_another_target(self, deps, place):
        git(place, "branch", "next")
        one, other = await started(deps, place), await started(deps, place, base="next")
        assert one.target_id != other.target_id

    async def test_after_it_was_stopped_the_next_may_begin_on_the_same_target(self, deps, place):
        wave = await started(deps, place)
        await stop_wave(StopWave(), deps)
        assert (await started(deps, place)).target_id == wave.target_id

    async def test_a_known_target_may_be_named_in_every_way(self, deps, place):
        wave = await started(deps, place)
        for name in (None, "target", wave.target_id, str(place)):
            await stop_wave(StopWave(), deps)
            accepted = await start_wave(StartWave(target=name), deps, channel="test")
            assert accepted.target_id == wave.target_id

    async def test_without_a_name_there_must_be_exactly_one(self, deps, place, tmp_path):
        with pytest.raises(Rejected, match="not exactly one") as refused:
            await start_wave(StartWave(), deps, channel="test")
        assert "none yet" in refused.value.hint
        await started(deps, place)
        await started(deps, a_repository(tmp_path / "other", z_py="z = 1\n"))
        with pytest.raises(Rejected, match="not exactly one") as refused:
            await start_wave(StartWave(), deps, channel="test")
        assert str(place) in refused.value.hint

    async def test_a_component_nobody_knows_is_answered_with_the_nearest(self, deps, tmp_path):
        place = a_repository(tmp_path / "t", orders_py="x = 1\n", prices_py="y = 1\n")
        with pytest.raises(NotFound, match="Did you mean orders") as refused:
            await started(deps, place, components=("order",))
        assert refused.value.hint == "Known components: orders, prices."
        assert not await deps.store.waves.count()

    async def test_a_focus_that_is_not_registered_is_refused(self, deps, place):
        with pytest.raises(Rejected, match="Did you mean code_quality") as refused:
            await started(deps, place, focus="code_qualty")
        assert refused.value.hint.startswith("Registered: ")
        assert "code_quality" in refused.value.hint

    async def test_a_focus_nobody_serves_is_refused_before_it_waits_for_ever(
        self, deps, place, monkeypatch
    ):
        registered = ("code_quality", "security")
        monkeypatch.setattr(start, "agent_type_names", lambda: registered)
        await deps.store.workers.insert(a_worker())
        with pytest.raises(Rejected, match="No agent serves security"):
            await started(deps, place, focus="security")
        assert (await started(deps, place, focus="code_quality")).focus == "code_quality"

    async def test_uncommitted_changes_are_mentioned_and_left(self, deps, place):
        (place / "a.py").write_text("being edited\n")
        wave = await started(deps, place)
        assert "uncommitted changes; they are not touched" in " ".join(wave.notes)
        assert (place / "a.py").read_text() == "being edited\n"

    async def test_it_begins_where_the_landing_branch_is(self, deps, place):
        git(place, "switch", "--quiet", "--create", "groundswell/main")
        landing = commit(place, {"a.py": "a = 2\n"})
        git(place, "switch", "--quiet", "main")
        wave = await started(deps, place)
        assert (wave.commit, wave.landing_commit) == (landing, landing)
        assert wave.base_commit == git(place, "rev-parse", "main")

    @pytest.mark.parametrize("name", ["groundswell.toml", "CODEOWNERS"])
    async def test_a_pattern_that_cannot_be_read_is_refused_in_words(self, deps, tmp_path, name):
        broken = {
            "groundswell.toml": '[[component]]\nname = "a"\npaths = ["/a\\\\"]\n',
            "CODEOWNERS": "/a\\ @somebody\n",
        }
        place = a_repository(tmp_path / "odd", **{"a.py": "a = 1\n", name: broken[name]})
        with contextlib.suppress(Rejected):
            await started(deps, place)


class TestAdvancing:
    async def test_nothing_happens_before_there_are_findings(self, deps, place):
        wave = await started(deps, place)
        before, published = await everything(deps), len(deps.bus.published)
        await advance(wave.id, deps)
        assert await everything(deps) == before
        assert len(deps.bus.published) == published

    async def test_findings_become_tasks_with_their_leases(self, deps, place):
        wave = await running(deps, place, "a", "b")
        assert (wave.state, wave.tasks) == (WaveState.RUNNING, 2)
        made = await tasks(deps, wave)
        assert [(each.component, each.paths) for each in made] == [
            ("a", ("/a.py",)),
            ("b", ("/b.py",)),
        ]
        assert [str(each.state) for each in made] == ["assigned"] * 2
        assert [each.epoch for each in made] == [1, 2]
        assert [each.task_id for each in deps.bus.of(PerformTask)] == [each.id for each in made]
        [published] = deps.bus.of(WaveStarted)
        assert published.tasks == 2

    async def test_advancing_again_and_at_once_changes_and_says_nothing_more(self, deps, place):
        wave = await running(deps, place, "a", "b")
        before, published = await everything(deps), deps.bus.identities()
        await asyncio.gather(*(advance(wave.id, deps) for _ in range(3)))
        assert await everything(deps) == before
        assert deps.bus.identities() == published

    async def test_advancing_from_several_events_at_once_plans_once(self, deps, place):
        wave = await started(deps, place)
        await measured(deps, wave, "a", "b")
        await asyncio.gather(*(advance(wave.id, deps) for _ in range(4)))
        assert len(await tasks(deps, wave)) == 2
        assert len(set(deps.bus.identities())) == len(deps.bus.published)

    async def test_cut_off_between_tasks_and_state_it_plans_the_same_tasks(self, deps, place):
        wave = await running(deps, place, "a")
        [task] = await tasks(deps, wave)
        await deps.store.waves.set_fields(wave.id, state="planned", tasks=0)
        await advance(wave.id, deps)
        assert [each.id for each in await tasks(deps, wave)] == [task.id]

    async def test_only_the_components_asked_for_are_taken_up(self, deps, place):
        wave = await running(deps, place, "a", "b", components=("b",))
        assert [each.component for each in await tasks(deps, wave)] == ["b"]

    async def test_a_task_whose_component_is_taken_waits_for_it(self, deps, place):
        deps.bus.taken = {"a"}
        wave = await running(deps, place, "a", "b")
        assert [str(each.state) for each in await tasks(deps, wave)] == ["waiting", "assigned"]
        deps.bus.taken = set()
        await advance(wave.id, deps)
        assert [str(each.state) for each in await tasks(deps, wave)] == ["assigned"] * 2

    async def test_without_findings_a_wave_is_completed_and_says_why(self, deps, place):
        wave = await started(deps, place)
        await measured(deps, wave)
        await advance(wave.id, deps)
        stored = await deps.store.waves.require(wave.id)
        assert (stored.state, stored.final_commit) == (WaveState.COMPLETED, wave.commit)
        assert "There are no findings, so there is nothing to do." in stored.notes
        assert [each.state for each in deps.bus.of(WaveFinished)] == ["completed"]

    async def test_where_the_base_went_on_by_itself_it_says_what_was_not_looked_at(
        self, deps, place
    ):
        git(place, "switch", "--quiet", "--create", "groundswell/main")
        commit(place, {"a.py": "a = 2\n"})
        git(place, "switch", "--quiet", "main")
        commit(place, {"new.py": "import os\n"})
        wave = await started(deps, place)
        await measured(deps, wave)
        await advance(wave.id, deps)
        notes = (await deps.store.waves.require(wave.id)).notes
        assert "main has commits that groundswell/main lacks. They are not looked at" in notes[0]
        assert notes[1].startswith("There are no findings on groundswell/main, so")
        git(place, "merge", "--quiet", "--message", "both", "groundswell/main")
        following = await started(deps, place)
        assert following.commit == git(place, "rev-parse", "main")
        assert following.notes == ()

    async def test_a_wave_nobody_knows_or_that_is_over_is_let_be(self, deps, place):
        await advance(uuid7(), deps)
        wave = await running(deps, place)
        await stop_wave(StopWave(), deps)
        before, published = await everything(deps), len(deps.bus.published)
        await advance(wave.id, deps, repeat_overdue=True)
        assert await everything(deps) == before
        assert len(deps.bus.published) == published

    async def test_a_landing_branch_that_is_checked_out_fails_it_before_the_work(self, deps, place):
        git(place, "switch", "--quiet", "--create", "groundswell/main")
        wave = await running(deps, place)
        assert wave.state is WaveState.FAILED
        assert wave.failure.code == "landing_checked_out"
        assert f"git -C {place} switch main" in wave.failure.hint
        assert not await tasks(deps, wave)


class TestSettling:
    async def test_a_task_is_not_finished_before_all_its_changes_are_decided(self, deps, place):
        wave = await running(deps, place)
        [task] = await tasks(deps, wave)
        await proposed(deps, task, "applied", "validating")
        await advance(wave.id, deps)
        assert [str(each.state) for each in await tasks(deps, wave)] == ["proposed"]

    async def test_what_landed_is_measured_and_then_the_wave_is_complete(self, deps, place):
        wave = await running(deps, place)
        [task] = await tasks(deps, wave)
        await proposed(deps, task, "applied")
        git(place, "switch", "--quiet", "--create", "groundswell/main")
        final = commit(place, {"a.py": "a = 2\n"})
        git(place, "switch", "--quiet", "main")
        await advance(wave.id, deps)
        finishing = await deps.store.waves.require(wave.id)
        assert (finishing.state, finishing.final_commit) == (WaveState.FINISHING, final)
        assert [(each.moment, each.commit) for each in deps.bus.of(MeasureFindings)][1:] == [
            ("after", final)
        ]
        assert deps.bus.released() == [task.id]
        await advance(wave.id, deps)
        assert (await deps.store.waves.require(wave.id)).state is WaveState.FINISHING
        await measured(deps, wave, commit=final)
        await advance(wave.id, deps)
        done = await deps.store.waves.require(wave.id)
        assert (done.state, done.finished_at) == (WaveState.COMPLETED, deps.clock())
        [published] = deps.bus.of(WaveFinished)
        assert (published.landed, published.rejected) == (1, 0)

    async def test_what_was_refused_is_followed_up_once_without_it_on_the_present_head(
        self, deps, place
    ):
        wave = await running(deps, place)
        [task] = await tasks(deps, wave)
        finding = a_finding()
        await proposed(deps, task, "rejected", "applied", tests=("t::a",), findings=(finding,))
        git(place, "branch", "groundswell/main")
        head = commit(place, {"b.py": "b = 2\n"})
        for _ in range(2):
            await advance(wave.id, deps)
        first, again = await tasks(deps, wave)
        assert (first.state, again.state) == (TaskState.DONE, TaskState.ASSIGNED)
        assert (again.follow_up_of, again.attempt, again.commit) == (task.id, 1, head)
        assert again.excluded_fingerprints == (finding.fingerprint,)
        assert again.epoch > task.epoch
        assert (await deps.store.waves.require(wave.id)).state is WaveState.RUNNING

    async def test_a_wave_whose_repository_was_replaced_fails_and_plans_nothing_on_the_new_one(
        self, deps, place
    ):
        wave = await running(deps, place)
        [task] = await tasks(deps, wave)
        await proposed(deps, task, "expired")
        shutil.rmtree(place)
        a_repository(place, a_py="a = 1\n", z_py="another = 1\n")
        await advance(wave.id, deps)
        assert [each.id for each in await tasks(deps, wave)] == [task.id]
        failed = await deps.store.waves.require(wave.id)
        assert (failed.state, failed.failure.code) == (WaveState.FAILED, "replaced")
        assert "is not the one it was made for" in failed.failure.message
        assert "start a new wave" in failed.failure.message

    async def test_a_wave_whose_base_branch_is_gone_fails_with_that_reason(self, deps, place):
        wave = await running(deps, place)
        [task] = await tasks(deps, wave)
        await proposed(deps, task, "expired")
        git(place, "branch", "--move", "trunk")
        await advance(wave.id, deps)
        failed = await deps.store.waves.require(wave.id)
        assert (failed.state, failed.failure.code) == (WaveState.FAILED, "no_base")

    async def test_what_was_refused_is_not_planned_again_by_a_later_wave(self, deps, place):
        wave = await running(deps, place)
        [task] = await tasks(deps, wave)
        found = (await deps.store.findings.first()).findings
        await proposed(deps, task, "rejected", tests=("t::a",), findings=found)
        await stop_wave(StopWave(), deps)
        later = await started(deps, place)
        await advance(later.id, deps)
        stored = await deps.store.waves.require(later.id)
        assert stored.state is WaveState.COMPLETED
        assert "not tried again: rejected because of t::a" in " ".join(stored.notes)

    async def test_a_dry_run_tries_nothing_and_is_complete(self, deps, place):
        wave = await running(deps, place, dry_run=True)
        [task] = await tasks(deps, wave)
        [change] = await proposed(deps, task, "cleared")
        for _ in range(2):
            await advance(wave.id, deps)
        stored = await deps.store.enhancements.require(change.id)
        assert (stored.state, stored.decision.reason) == (
            EnhancementState.EXPIRED,
            "dry run: nothing was tried",
        )
        done = await deps.store.waves.require(wave.id)
        assert done.state is WaveState.COMPLETED
        assert done.notes[-1] == "This was a dry run: nothing was tried, nothing landed."
        assert len(deps.bus.of(EnhancementExpired)) == len(deps.bus.of(WaveFinished)) == 1

    async def test_where_all_was_refused_it_says_so(self, deps, place):
        wave = await running(deps, place)
        [task] = await tasks(deps, wave)
        await deps.store.tasks.set_fields(task.id, attempt=2)
        await proposed(deps, task, "rejected", tests=("t::a",))
        await advance(wave.id, deps)
        done = await deps.store.waves.require(wave.id)
        assert done.notes[-1].startswith("Nothing landed: rejected by the gate: 1,")

    async def test_a_wave_whose_tasks_all_failed_has_failed(self, deps, place):
        wave = await running(deps, place, "a", "b")
        for task in await tasks(deps, wave):
            begun = await deps.store.tasks.transition(task, "start")
            await deps.store.tasks.transition(begun, "fail", note="ruff cannot read this")
        await advance(wave.id, deps)
        done = await deps.store.waves.require(wave.id)
        assert (done.state, done.failure.code) == (WaveState.FAILED, "tasks_failed")
        assert "The task on a failed: ruff cannot read this" in done.failure.message
        assert [each.state for each in deps.bus.of(WaveFinished)] == ["failed"]

    @pytest.mark.parametrize("landed", [True, False])
    async def test_a_task_that_failed_beside_others_is_in_the_notes(self, deps, place, landed):
        wave = await running(deps, place, "a", "b")
        failing, other = await tasks(deps, wave)
        failing = await deps.store.tasks.transition(failing, "start")
        await deps.store.tasks.transition(failing, "fail", note="ruff cannot read this")
        if landed:
            await proposed(deps, other, "applied")
        else:
            other = await deps.store.tasks.transition(other, "start")
            await deps.store.tasks.transition(other, "find_nothing")
        await advance(wave.id, deps)
        done = await deps.store.waves.require(wave.id)
        assert done.state is WaveState.COMPLETED
        note = f"The task on {failing.component} failed: ruff cannot read this"
        assert done.notes.count(note) == 1


class TestEnding:
    @pytest.mark.parametrize("what", ["baseline", "findings"])
    async def test_what_cannot_be_measured_fails_the_wave_with_its_reason(self, deps, place, what):
        wave = await started(deps, place)
        await note_failure(self.failed(wave, what), deps)
        if what == "baseline":
            await measured(deps, wave, "a")
            await advance(wave.id, deps)
        stored = await deps.store.waves.require(wave.id)
        assert (stored.state, stored.failure.code) == (WaveState.FAILED, "no_tests")
        [published] = deps.bus.of(WaveFinished)
        assert (published.state, published.note) == ("failed", "There are none.")
        await note_failure(self.failed(wave, what), deps)
        assert (await deps.store.waves.require(wave.id)).version == stored.version

    async def test_without_anything_to_do_a_missing_baseline_is_only_mentioned(self, deps, place):
        wave = await started(deps, place)
        await measured(deps, wave)
        await note_failure(self.failed(wave, "baseline"), deps)
        stored = await deps.store.waves.require(wave.id)
        assert (stored.state, stored.failure) == (WaveState.COMPLETED, None)
        assert stored.notes[-1] == "There are none."

    def failed(self, wave, what):
        return MeasurementFailed(
            measurement=what,
            wave_id=wave.id,
            target_id=wave.target_id,
            code="no_tests",
            reason="There are none.",
        )

    async def test_stopping_ends_what_is_open_and_leaves_what_the_gate_has(self, deps, place):
        wave = await running(deps, place, "a", "b")
        one, other = await tasks(deps, wave)
        cleared, gate, landed = await proposed(deps, one, "cleared", "validating", "applied")
        stopped = await stop_wave(StopWave(reason="enough"), deps)
        assert stopped.waves == (wave.id,)
        stored = await deps.store.waves.require(wave.id)
        assert (stored.state, stored.notes[-1]) == (WaveState.STOPPED, "Stopped: enough.")
        assert {str(each.state) for each in await tasks(deps, wave)} == {"cancelled"}
        states = [
            await deps.store.enhancements.require(each.id) for each in (cleared, gate, landed)
        ]
        assert [str(each.state) for each in states] == ["expired", "validating", "applied"]
        assert sorted(deps.bus.released()) == sorted([one.id, other.id])
        assert len(deps.bus.of(TaskFinished)) == 2
        [published] = deps.bus.of(WaveFinished)
        assert (published.state, published.landed) == ("stopped", 1)

    async def test_stopping_twice_is_fine_and_once(self, deps, place):
        wave = await running(deps, place)
        await stop_wave(StopWave(), deps)
        before, published = await everything(deps), len(deps.bus.published)
        assert (await stop_wave(StopWave(wave_id=wave.id), deps)).waves == (wave.id,)
        assert (await stop_wave(StopWave(), deps)).waves == ()
        assert await everything(deps) == before
        assert len(deps.bus.published) == published

    async def test_what_is_complete_cannot_be_stopped(self, deps, place):
        wave = await started(deps, place)
        await measured(deps, wave)
        await advance(wave.id, deps)
        with pytest.raises(Conflict, match="already completed"):
            await stop_wave(StopWave(wave_id=wave.id), deps)

    async def test_a_wave_that_is_not_there_cannot_be_stopped(self, deps):
        with pytest.raises(NotFound):
            await stop_wave(StopWave(wave_id=uuid7()), deps)


class TestReconciling:
    async def test_what_has_not_moved_is_asked_for_again_under_a_new_key(self, deps, place):
        await started(deps, place)
        deps.clock.go(seconds=5)
        await reconcile(deps)
        assert len(deps.bus.of(MeasureFindings)) == 1, "it is not late yet"
        for _ in range(2):
            deps.clock.go(seconds=10)
            await reconcile(deps)
        keys = [
            each.key for each in deps.bus.published if isinstance(each.message, MeasureFindings)
        ]
        assert len(set(keys)) == len(keys) == 3
        assert (
            len({each.key for each in deps.bus.published if isinstance(each.message, WavePlanned)})
            == 1
        )

    async def test_a_task_nobody_began_is_given_out_again_under_its_epoch(self, deps, place):
        await running(deps, place)
        deps.clock.go(seconds=11)
        await reconcile(deps)
        once, again = deps.bus.of(PerformTask)
        assert once == again
        assert (
            len({each.key for each in deps.bus.published if isinstance(each.message, PerformTask)})
            == 2
        )
        assert (
            len({each.key for each in deps.bus.published if isinstance(each.message, TaskAssigned)})
            == 1
        )

    async def test_the_task_of_a_silent_agent_is_given_to_another_process_under_a_new_epoch(
        self, deps, place
    ):
        wave = await running(deps, place)
        [task] = await tasks(deps, wave)
        agent = await at_work(deps, task)
        await watch_agents(deps)
        deps.clock.go(seconds=10)
        await watch_agents(deps)
        assert not deps.bus.of(AgentOffline)
        deps.clock.go(seconds=1)
        deps.bus.epochs = {"somebody": 1}
        for _ in range(2):
            await watch_agents(deps)
        lost = await deps.store.agents.require(agent.id)
        assert (lost.state, lost.stint) == (AgentState.OFFLINE, agent.stint)
        assert len(deps.bus.of(AgentOffline)) == 1
        [again] = await tasks(deps, wave)
        assert (again.state, again.agent_id, again.epoch) == (TaskState.ASSIGNED, agent.id, 2)
        assert deps.bus.released() == [task.id]
        assert deps.bus.of(PerformTask)[-1].epoch == 2

    async def test_an_agent_with_heartbeats_is_not_lost_whatever_their_clock_says(
        self, deps, place
    ):
        wave = await running(deps, place)
        [task] = await tasks(deps, wave)
        agent = await at_work(deps, task)
        for _ in range(9):
            deps.clock.go(seconds=3)
            wrong = deps.clock() - timedelta(hours=1)
            await deps.store.agents.set_fields(agent.id, stint__heartbeat_at=wrong)
            await watch_agents(deps)
        assert (await deps.store.agents.require(agent.id)).state is AgentState.ACTIVE

    async def test_a_lost_agent_that_had_proposed_loses_no_task(self, deps, place):
        wave = await running(deps, place)
        [task] = await tasks(deps, wave)
        await at_work(deps, task, state=AgentState.OFFLINE)
        started = await deps.store.tasks.transition(task, "start")
        await deps.store.tasks.transition(started, "propose", enhancements=1)
        await watch_agents(deps)
        assert [each.state for each in await tasks(deps, wave)] == [TaskState.PROPOSED]
        assert not deps.bus.released()

    async def test_the_end_of_a_wave_that_was_not_published_is_published_later(self, deps, place):
        wave = await running(deps, place)
        [task] = await tasks(deps, wave)
        now = deps.clock()
        await deps.store.tasks.transition(task, "cancel", finished_at=now, changed_at=now)
        await deps.store.waves.transition(wave, "stop", finished_at=now, changed_at=now)
        for _ in range(2):
            await reconcile(deps)
        assert [each.task_id for each in deps.bus.of(TaskFinished)] == [task.id]
        assert [each.wave_id for each in deps.bus.of(WaveFinished)] == [wave.id]

    async def test_the_end_of_an_old_wave_is_not_published_again(self, deps, place):
        wave = await running(deps, place)
        long_ago = deps.clock() - timedelta(hours=1)
        [task] = await tasks(deps, wave)
        await deps.store.tasks.transition(task, "cancel", finished_at=long_ago)
        await deps.store.waves.transition(wave, "stop", finished_at=long_ago)
        await reconcile(deps)
        assert not deps.bus.of(WaveFinished)
