"""The gate publishes its decisions, and publishes them again after a crash.

The repositories are real, the suite is fake.
"""

import asyncio
import hashlib
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.api.usecases.enhancements import get_story
from services.validator.benchmarks.domain.benchmarks import SamplingPlan
from services.validator.benchmarks.domain.measurements import BenchmarkUnit, Measurement, PairedRun
from services.validator.benchmarks.domain.reports import BenchmarkReport
from services.validator.decision.evidence import DoesNotApply, NoReport, RunComparison, RunPlan
from services.validator.deps import ValidatorDeps
from services.validator.findings.domain import MeasuredPair
from services.validator.gate import decision_events, risk_and_impact
from services.validator.gate.facts import ChangeFacts
from services.validator.gate.loop import settle
from services.validator.suite.domain.reports import Infrastructure, Outcome
from shared.contracts.base import RunKind
from shared.contracts.documents.storage import Patch
from shared.contracts.documents.targets import Target
from shared.contracts.events import EnhancementApplied, EnhancementRejected, GateDecided
from shared.contracts.work import RunTests
from shared.environments.ports import Environment
from shared.kernel.errors import Rejected, Transient
from shared.sandbox.choice import NoSandbox
from tests.support.builders import a_task, a_wave, an_enhancement
from tests.support.buses import RecordingBus
from tests.support.fake_report import fake_report
from tests.support.landing import a_patch, a_yard
from tests.support.memory import a_store
from tests.support.repositories import a_repository, git
from tests.support.runs import execute_run
from tests.support.stores import Watch
from tests.support.validator_deps import a_validator

# A test fails with the changes whose words it does not stand together.
FILES = {"a_txt": "a\n", "b_txt": "b\n", "c_txt": "c\n", "d_txt": "d\n"}


class FakeSuite:
    """`t::quiet` fails where any file says bad, `t::pair` where two of them say odd; each time."""

    def __init__(self, deps, target):
        self.deps, self.target = deps, target

    async def run(self, tree_oid, profile, environment, tests=(), *, repeat=1, **_):
        tree = self.deps.mirror(self.target).tree(tree_oid)
        words = Counter((tree.read(path) or b"").decode().strip() for path in tree.files())
        failing = {"t::quiet": words["bad"] > 0, "t::pair": words["odd"] > 1, "t::fine": False}
        outcomes = {
            test: Outcome.FAILED if fails else Outcome.PASSED for test, fails in failing.items()
        }
        return fake_report(outcomes, tests, repeat=repeat)


@dataclass
class FakeBenchmarks:
    """Benchmarks that give no report on a tree with a file that says `hangs`.

    They give none at all once `broken` is set, which is then the reason.
    """

    deps: ValidatorDeps
    target: Target
    broken: str = ""

    async def compare(self, trees, *_, **__):
        tree = self.deps.mirror(self.target).tree(trees[1])
        if self.broken or any(tree.read(path).strip() == b"hangs" for path in tree.files()):
            return Infrastructure(self.broken or "On the candidate: it took too long.", "")
        one = PairedRun({"work": SECOND}, {"work": SECOND})
        return BenchmarkReport(SamplingPlan(0.05), (one,) * 20)


SECOND = Measurement(1.0, BenchmarkUnit.SECONDS)


class NothingFound:
    """Detectors that see nothing anywhere."""

    async def measure_pairs(self, target_id, head, profile, pairs):
        return [MeasuredPair() for _ in pairs]


class FakeEnvironments:
    async def prepare(self, *_):
        return Environment("e", Path("/nowhere"), (), 0.0, True)


class Trusted(NoSandbox):
    trusted = True


class RunningBus(RecordingBus):
    """What is asked of a runner is done at once, by ourselves."""

    deps = None
    dies_at = None

    async def publish(self, message, *, key, wave=""):
        await super().publish(message, key=key, wave=wave)
        if isinstance(message, RunTests):
            await execute_run(message, self.deps)
        if self.dies_at and isinstance(message, GateDecided) and message.step == self.dies_at:
            self.dies_at = None
            raise ConnectionError("cut off")


class House:
    """A target with four files, and changes of them that wait for the gate."""

    def __init__(self, tmp_path, **more):
        self.yard = a_yard(tmp_path, **FILES, **more)
        self.bus = RunningBus()
        self.store = a_store()
        watch = Watch()
        self.deps = a_validator(
            self.store,
            tmp_path / "home",
            bus=self.bus,
            repository=lambda _: self.yard.repository,
            environments=FakeEnvironments(),
            detectors=NothingFound(),
            sandbox=Trusted(()),
            # No two things happen at one time.
            clock=lambda: watch.go(milliseconds=1),
        )
        object.__setattr__(self.deps, "suite", FakeSuite(self.deps, self.yard.target))
        self.bus.deps = self.deps

    async def propose(self, **words):
        """A change of each of these files to that word; by file."""
        head = self.yard.head()
        target = self.yard.target
        wave = a_wave(target_id=target.id, state="running", commit=head, base_commit=head)
        await self.store.targets.insert(target)
        await self.store.waves.insert(wave)
        found = {}
        for number, (name, word) in enumerate(words.items()):
            path = f"{name}.txt"
            patch = a_patch(path, f"{name}\n", f"{word}\n")
            digest = hashlib.sha256(patch.encode()).hexdigest()
            task = a_task(wave, component=name, paths=(f"/{path}",), state="proposed")
            change = an_enhancement(
                task,
                key=f"k{number}",
                title=f"make {name} {word}",
                patch=digest,
                files=(path,),
                base_commit=head,
                state="cleared",
            )
            await self.store.tasks.insert(task)
            await self.store.patches.insert(
                Patch(id=digest, text=patch, created_at=self.deps.clock())
            )
            await self.store.enhancements.insert(change)
            found[name] = change
        return found

    async def settle(self):
        await settle(self.yard.target.id, self.deps)

    def published(self, step):
        return [each for each in self.bus.of(GateDecided) if each.step == step]

    def decisions(self):
        """(subject, key) of each decision that a stream would store."""
        return Counter(each for each in self.bus.identities() if each[0] == GateDecided.subject)

    async def state(self, change):
        return (await self.store.enhancements.require(change.id)).state


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


@pytest.fixture
def track(tmp_path):
    """A house with benchmarks."""
    house = House(tmp_path, **{"groundswell.toml": '[bench]\ncommand = "python perf.py"\n'})
    benchmarks = FakeBenchmarks(house.deps, house.yard.target)
    object.__setattr__(house.deps, "benchmarks", benchmarks)
    return house


async def test_a_rejection_is_published_with_its_runs_before_it_takes_effect(house):
    changes = await house.propose(a="good", b="bad", c="good")
    await house.settle()
    first, *_, last = house.published("run")
    assert first.note == "full run with 3 changes: 3 tests, 1 worse: the culprit is among 3"
    assert (first.change_count, first.tests_run, first.tests_worse) == (3, 3, 1)
    assert first.tests == ("t::quiet",)
    assert last.note == "full run with 2 changes: 3 tests, 0 worse"
    stored = {each.id for each in await house.store.runs.find()}
    assert {each.run_id for each in house.published("run")} <= stored
    [refused] = house.published("refuse")
    assert (refused.changes, refused.tests) == ((changes["b"].id,), ("t::quiet",))
    change = await house.store.enhancements.require(changes["b"].id)
    assert (change.state, change.decision.run) == ("rejected", refused.run_id)
    [land] = house.published("land")
    assert set(land.changes) == {changes["a"].id, changes["c"].id}
    assert (await house.store.enhancements.require(changes["a"].id)).decision.run == land.run_id
    order = [type(each.message) for each in house.bus.published]
    assert order.index(EnhancementApplied) > max(
        n for n, each in enumerate(house.bus.published) if each.message is land
    )
    assert order.index(EnhancementRejected) > max(
        n for n, each in enumerate(house.bus.published) if each.message is refused
    )


async def test_each_run_is_published_once_however_often_the_gate_decides(house):
    await house.propose(a="good", b="bad", c="good", d="odd")
    await house.settle()
    assert set(house.decisions().values()) == {1}
    read = [each.run_id for each in house.published("run")]
    assert len(read) == len(set(read)) > 3


@pytest.mark.parametrize("branch", ["main", "trunk"])
@pytest.mark.parametrize("state", ["cleared", "validated"])
async def test_a_change_of_a_repository_that_was_replaced_expires_untried(house, branch, state):
    change = (await house.propose(a="good"))["a"]
    await house.store.enhancements.set_fields(change.id, state=state)
    place = house.yard.place
    shutil.rmtree(place)
    a_repository(place, **FILES, e_txt="another one\n")
    git(place, "branch", "--move", branch)
    await house.settle()
    stored = await house.store.enhancements.require(change.id)
    assert stored.state == "expired"
    expected = "is not the one it was made for" if branch == "main" else "no branch main any more"
    assert expected in stored.decision.reason
    assert git(place, "for-each-ref", "--format=%(refname)") == f"refs/heads/{branch}"
    assert not await house.store.runs.find(), "tests of a repository that nobody asked for"


@pytest.mark.parametrize("step", ["run", "refuse", "land"])
async def test_a_gate_that_was_cut_off_says_the_same_again_under_the_same_id(house, step):
    await house.propose(a="good", b="bad", c="good")
    house.bus.dies_at = step
    with pytest.raises(ConnectionError):
        await house.settle()
    before = house.decisions()
    await house.settle()
    again = house.decisions()
    assert set(before) <= set(again)
    assert max(again.values()) == 2, "it was said again"
    told = {each.key: each.message for each in house.bus.published}
    assert all(
        told[each.key] == each.message
        for each in house.bus.published
        if isinstance(each.message, GateDecided)
    )


async def test_who_breaks_something_only_with_others_is_held_back_by_name_and_then_refused(house):
    changes = await house.propose(a="odd", b="good", c="odd")
    await house.settle()
    [held] = house.published("hold")
    assert held.changes == (changes["c"].id,)
    assert held.note == (
        "make c odd: with the others it seems to break t::pair; judged again on the next head"
    )
    assert await house.state(changes["a"]) == "applied"
    change = await house.store.enhancements.require(changes["c"].id)
    assert change.state == "rejected"
    assert [each.state for each in change.history] == [
        "validating",
        "cleared",
        "validating",
        "rejected",
    ]
    assert change.history[1].tests == ("t::pair",)
    story = await get_story(change.id, house.deps)
    kinds = [each.kind for each in story.steps]
    after = kinds[kinds.index("held_back") + 1 :]
    assert kinds.count("held_back") == 1
    assert after[-1] == "rejected"
    assert "run" in after, "it was judged again"


async def test_who_keeps_the_benchmarks_from_reporting_does_not_land_and_is_not_blamed(track):
    changes = await track.propose(a="good", b="hangs", c="good")
    await track.settle()
    change = await track.store.enhancements.require(changes["b"].id)
    assert change.state == "expired"
    assert change.decision.reason == (
        "could not be tried: benchmarks not measured: On the candidate: it took too long."
    )
    assert [await track.state(changes[each]) for each in "ac"] == ["applied", "applied"]
    assert "not measured" not in track.published("land")[-1].note
    story = await get_story(change.id, track.deps)
    assert [each.sentence for each in story.steps if each.kind == "benchmarks"][-1] == (
        "not measured (On the candidate: it took too long.)"
    )


async def test_benchmarks_that_are_broken_on_the_head_block_no_change_and_are_reported(track):
    track.deps.benchmarks.broken = "On the head: The command ended with 1."
    changes = await track.propose(a="good", b="good")
    await track.settle()
    assert [await track.state(each) for each in changes.values()] == ["applied", "applied"]
    [land] = track.published("land")
    assert land.note.endswith(
        "the benchmarks were not measured, as they give no report on the head either"
    )


async def test_benchmarks_that_cannot_even_be_requested_are_not_called_unmeasured(track):
    """A queue or a store that is away is no answer: the gate comes again."""
    away = [Transient("Nobody took it.")]

    async def publish(message, **about):
        if isinstance(message, RunTests) and away:
            run = await track.store.runs.require(message.run_id)
            if run.request.kind is RunKind.BENCHMARKS:
                raise away.pop()
        await RunningBus.publish(track.bus, message, **about)

    track.bus.publish = publish
    changes = await track.propose(a="hangs")
    with pytest.raises(Transient):
        await track.settle()
    assert await track.state(changes["a"]) == "validating"
    await track.settle()
    assert await track.state(changes["a"]) == "expired"


async def test_a_head_without_a_report_lets_all_go_that_are_still_there_and_says_why(house):
    async def dies(*_, **__):
        return Infrastructure("it was cut off", "")

    house.deps.suite.run = dies
    changes = await house.propose(a="good", b="good")
    await house.store.tasks.set_fields(changes["b"].task_id, paths=("/elsewhere",))
    await house.settle()
    kept = [await house.store.enhancements.require(each.id) for each in changes.values()]
    assert [each.state for each in kept] == ["expired", "rejected"]
    assert (
        kept[0].decision.reason
        == "could not be tried: the tests gave no usable report on the head."
    )


async def test_a_head_without_an_environment_lets_all_go_and_says_why(house):
    async def prepare(*_):
        raise Rejected("no such Python", code="setup_failed")

    house.deps.environments.prepare = prepare
    changes = await house.propose(a="good", b="good")
    await house.settle()
    kept = [await house.store.enhancements.require(each.id) for each in changes.values()]
    assert [each.decision.reason for each in kept] == ["could not be tried: no such Python"] * 2


async def test_who_alone_cannot_be_looked_at_goes_alone(house):
    changes = await house.propose(a="good", b="good")
    await house.store.tasks.remove(changes["a"].task_id)
    await house.settle()
    assert [await house.state(each) for each in changes.values()] == ["expired", "applied"]


async def test_what_is_refused_for_another_reason_than_the_head_takes_nobody_along(house):
    publish, refusals = house.yard.repository.publish, [Rejected("a defect of ours")]

    def once(*about):
        if refusals:
            raise refusals.pop()
        return publish(*about)

    house.yard.repository.publish = once
    changes = await house.propose(a="good", b="good")
    with pytest.raises(Rejected, match="a defect of ours"):
        await house.settle()
    await house.settle()
    assert [await house.state(each) for each in changes.values()] == ["applied", "applied"]


async def test_a_round_that_cannot_be_opened_leaves_no_run_behind(house):
    async def unreachable(**_):
        # Long enough for whatever is under way to have begun.
        await asyncio.sleep(0.05)
        raise Transient("The store is away.")

    await house.propose(a="good")
    house.store.patches.find = unreachable
    with pytest.raises(Transient):
        await house.settle()
    assert {each.state for each in await house.store.runs.find()} <= {"finished"}


async def test_how_many_of_all_tests_were_chosen_is_counted_with_each_full_run_that_lands(
    house, monkeypatch
):
    async def impact_of(changes, *_):
        return {each.id: frozenset({"t::fine"}) for each in changes}

    monkeypatch.setattr(risk_and_impact, "impact_of", impact_of)
    await house.propose(a="good", b="bad", c="good")
    await house.settle()
    counted = {each.component: each for each in await house.store.recall.find()}
    landed = [
        (each, counted[each].runs, counted[each].selected, counted[each].total) for each in "ac"
    ]
    assert landed == [("a", 1, 1, 3), ("c", 1, 1, 3)]
    assert (counted["b"].runs, counted["b"].missed) == (0, 1), "it was refused, and by another test"


async def test_a_long_list_is_cut_and_its_length_given(house, monkeypatch):
    monkeypatch.setattr(decision_events, "MAX_LISTED", 2)
    await house.propose(a="good", b="good", c="good")
    await house.settle()
    [land] = house.published("land")
    assert (land.change_count, len(land.changes)) == (3, 2)


async def test_before_any_run_nothing_counts_as_passed(house):
    object.__setattr__(house.deps, "sandbox", NoSandbox(()))
    changes = await house.propose(a="good", b="good")
    await house.settle()
    [asked] = house.published("ask")
    assert asked.change_count == 2
    change = await house.store.enhancements.require(changes["a"].id)
    assert (change.state, change.decision.run) == ("needs_approval", None)
    assert change.decision.evidence == (
        "no test was run with it yet; the full run follows when you approve",
    )
    assert [each.request.purpose for each in await house.store.runs.find()] == ["baseline"]


async def test_who_passed_a_full_run_before_it_asks_names_it(house):
    """A change that is probably bad is run before its mutants are; that run is its evidence."""
    object.__setattr__(house.deps, "sandbox", NoSandbox(()))
    await house.propose(a="good")
    [change] = await house.store.enhancements.find()
    await house.store.enhancements.set_fields(change.id, proposal__fix__prior=0.1)
    await house.settle()
    asked = await house.store.enhancements.require(change.id)
    full = [each for each in await house.store.runs.find() if each.request.purpose == "full run"]
    assert [each.id for each in full] == [asked.decision.run]
    assert asked.decision.evidence == (
        f"3 tests ran with it, none is worse (run {asked.decision.run})",
    )


class TestWhatSpeaksForAChange:
    """Before its full run: from the evidence so far, and from nothing else."""

    REACH = frozenset({"t::a", "t::b"})

    def reason(self, *evidence, reach=REACH):
        change = an_enhancement()
        log = {RunPlan((change.id, *more), tests): seen for more, tests, seen in evidence}
        facts = ChangeFacts(impacted={change.id: reach})
        gate_round = SimpleNamespace(facts=facts, evidence=log)
        return decision_events.evidence_before_full_run(gate_round, change)[0].partition(";")[0]

    def test_the_tests_that_reach_it_have_passed_where_all_of_them_ran(self):
        passed = ((), ("t::a", "t::b", "t::c"), RunComparison(frozenset()))
        assert self.reason(passed) == "passes the tests that reach it"

    def test_some_of_them_are_not_all_of_them(self):
        passed = (("other",), ("t::a",), RunComparison(frozenset()))
        assert self.reason(passed) == "passes those tests that ran with it"
        assert self.reason(passed, reach=None) == "passes those tests that ran with it"

    def test_what_others_broke_in_a_full_run_is_not_held_against_the_rest_of_it(self):
        assert self.reason((("other",), (), RunComparison(frozenset({"t::x"})))) == (
            "passes the tests that reach it"
        )
        half = (("other",), (), RunComparison(frozenset({"t::a"})))
        assert self.reason(half) == "it was tried only with what failed"
        other = (("third",), ("t::a",), RunComparison(frozenset()))
        assert self.reason(half, other) == "passes the tests that reach it"

    def test_a_change_that_no_test_reaches_passes_none(self):
        passed = ((), (), RunComparison(frozenset()))
        assert self.reason(passed, reach=frozenset()) == "no test reaches it"

    @pytest.mark.parametrize("seen", [NoReport("died"), DoesNotApply()])
    def test_what_gave_no_report_speaks_for_nothing(self, seen):
        assert self.reason(((), ("t::a", "t::b"), seen)) == "no test was run with it yet"

    def test_nor_does_what_failed(self):
        failed = ((), ("t::a", "t::b"), RunComparison(frozenset({"t::a"})))
        assert self.reason(failed) == "it was tried only with what failed"
