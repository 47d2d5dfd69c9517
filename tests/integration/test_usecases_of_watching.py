"""After a landing a regression is found, and its culprit alone is rolled back, once."""

import asyncio
from contextlib import contextmanager

import pytest

from services.validator.git.adapters.repository import GitRepository
from services.validator.rollback.usecases.rollbacks import roll_back
from services.validator.runs.usecases import request
from services.validator.runs.usecases.trees import ensure_tree
from services.validator.watch.usecases import watching
from services.validator.watch.usecases.watching import check, start_watch
from shared.contracts.commands import RollbackEnhancement
from shared.contracts.documents.findings import FindingSet
from shared.contracts.events import EnhancementRolledBack, RollbackRefused
from shared.kernel.errors import Rejected
from shared.mongo import leadership
from shared.targets.mirror import Mirror
from tests.support.builders import (
    a_finding,
    a_health,
    a_protection_health,
    a_task,
    a_test_run,
    an_enhancement,
)
from tests.support.memory import a_store
from tests.support.stores import a_real_store
from tests.support.watched import EXPIRES, a_street, another_validator

FILES = {"a.txt": "a\n", "b.txt": "b\n", "c.txt": "c\n", "d.txt": "d\n"}
# The first check, the second and the third, and too late, in minutes after landing.
DETECTION, SECOND, THIRD, LATE = 7, 27, 60, 121


@pytest.fixture(params=["memory", "wire"])
async def store(request):
    if request.param == "memory":
        yield a_store()
        return
    async with a_real_store(request.getfixturevalue("mongo_url")) as made:
        yield made


@pytest.fixture
async def street(store, tmp_path):
    return await a_street(tmp_path, store, **FILES)


@pytest.fixture
async def quick(tmp_path):
    """The same without a server, for what does not depend on it."""
    return await a_street(tmp_path, a_store(), **FILES)


async def three(street, second=f"b {EXPIRES}\n"):
    """Three changes landed together; the second one fails only later."""
    changes = await street.land(("a.txt", "a 1\n"), ("b.txt", second), ("c.txt", "c 1\n"))
    await street.end_wave()
    assert await street.states(changes) == ["applied"] * 3
    return changes


async def test_what_lands_together_is_watched_in_its_order_from_what_it_stands_on(street):
    before = street.yard.head()
    changes = await three(street)
    watch = await street.watch()
    assert [(each.enhancement_id, each.commit) for each in watch.changes] == [
        (each.id, each.landing.commit) for each in changes
    ]
    assert (watch.before, watch.after) == (before, street.yard.head())
    assert (watch.minutes, watch.checks, watch.checks_done) == (60, 3, 0)
    run = await street.store.runs.require(watch.run)
    assert (run.request.purpose, len(run.request.changes)) == ("full run", 3)


async def test_a_target_that_wants_no_checks_has_none(tmp_path):
    street = await a_street(
        tmp_path, a_store(), **FILES, **{"groundswell.toml": "[watch]\nchecks = 0\n"}
    )
    await street.land(("a.txt", "a 1\n"))
    assert await street.store.watches.count() == 0


async def test_what_the_target_says_about_it_holds(tmp_path):
    toml = "[watch]\nminutes = 5\nchecks = 1\n"
    street = await a_street(tmp_path, a_store(), **FILES, **{"groundswell.toml": toml})
    await street.land(("a.txt", "a 1\n"))
    await street.end_wave()
    watch = await street.watch()
    assert (watch.minutes, watch.checks) == (5, 1)
    await street.later(minutes=4.9)
    assert not street.checked()
    await street.later(minutes=0.2)
    assert (await street.watch()).state == "quiet"


async def test_nothing_is_measured_before_it_is_due(quick):
    await three(quick)
    runs = len(quick.suite.runs)
    await quick.later(minutes=6)
    assert len(quick.suite.runs) == runs
    assert not quick.checked()


async def test_a_healthy_branch_is_looked_at_anew_each_time_and_then_left_alone(street):
    await three(street, second="b 1\n")
    runs = len(street.suite.runs)
    for number, minute in enumerate((DETECTION, SECOND - DETECTION, THIRD - SECOND), 1):
        await street.later(minutes=minute)
        said = street.checked()[-1]
        assert (said.check, said.checks, said.outcome) == (number, 3, "healthy")
        assert len(street.suite.runs) == runs + number, "its tree is known, and run again"
    assert [each.state for each in street.checked()] == ["watching", "watching", "quiet"]
    watch = await street.watch()
    assert (watch.state, watch.checks_done, watch.checks_missed, len(watch.notes)) == (
        "quiet",
        3,
        0,
        3,
    )
    await street.later(minutes=60)
    assert len(street.checked()) == 3
    assert not street.regressed()


async def test_of_three_landed_changes_only_the_one_that_regresses_is_rolled_back_once(street):
    changes = await three(street)
    await street.later(minutes=DETECTION)
    assert street.checked()[-1].outcome == "healthy"
    await street.later(minutes=SECOND - DETECTION)
    assert await street.states(changes) == ["applied", "rolled_back", "applied"]
    assert street.commits() == [
        "revert: change 2 of b.txt",
        "change 3 of c.txt",
        "change 2 of b.txt",
        "change 1 of a.txt",
    ]
    assert street.texts() == {**FILES, "a.txt": "a 1\n", "c.txt": "c 1\n"}
    rollback = (await street.store.enhancements.require(changes[1].id)).landing.rollback
    assert rollback.automatic
    assert "b.txt is worse" in rollback.reason
    [said] = street.regressed()
    assert (said.enhancement_id, said.action) == (changes[1].id, "rolled_back")
    assert (said.probe, said.symptoms) == ("tests", ("b.txt",))
    assert (await street.watch()).state == "watching", "the others are looked after still"
    await street.later(minutes=THIRD - SECOND)
    watch = await street.watch()
    assert (watch.state, watch.rolled_back) == ("reverted", (changes[1].id,))
    assert street.checked()[-1].outcome == "healthy"
    assert len(street.commits()) == 4
    assert len(street.deps.bus.of(EnhancementRolledBack)) == 1


async def test_what_depends_on_the_culprit_goes_with_it(street):
    changes = await street.land(
        ("a.txt", "a 1\n"), ("b.txt", f"b {EXPIRES}\n"), ("b.txt", f"b {EXPIRES} more\n")
    )
    await street.end_wave()
    await street.later(minutes=SECOND)
    assert await street.states(changes) == ["applied", "rolled_back", "rolled_back"]
    assert street.texts() == {**FILES, "a.txt": "a 1\n"}
    [said] = street.regressed()
    assert said.enhancement_id == changes[1].id
    for each in changes[1:]:
        assert (await street.store.enhancements.require(each.id)).landing.rollback.automatic


async def test_a_watch_of_which_nothing_is_left_ends_at_once(quick):
    [change] = await quick.land(("b.txt", f"b {EXPIRES}\n"))
    await quick.end_wave()
    await quick.later(minutes=SECOND)
    assert await quick.states([change]) == ["rolled_back"]
    assert (await quick.watch()).state == "reverted"


async def test_what_a_person_took_off_is_not_measured_any_more(quick):
    [change] = await quick.land(("b.txt", f"b {EXPIRES}\n"))
    await quick.end_wave()
    await roll_back(RollbackEnhancement(enhancement_id=change.id), quick.deps)
    runs = len(quick.suite.runs)
    await quick.later(minutes=SECOND)
    assert (await quick.watch()).state == "quiet"
    assert "None of its changes" in quick.checked()[-1].note
    assert len(quick.suite.runs) == runs


async def test_what_fails_on_what_was_there_before_as_well_is_blamed_on_nobody(tmp_path):
    """The date has come for the base, too."""
    street = await a_street(tmp_path, a_store(), **{**FILES, "d.txt": f"d {EXPIRES}\n"})
    changes = await three(street, second="b 1\n")
    await street.later(minutes=SECOND)
    assert await street.states(changes) == ["applied"] * 3
    assert (street.checked()[-1].outcome, street.regressed()) == ("drifted", [])
    assert "d.txt" in street.checked()[-1].note
    assert len(street.commits()) == 3


async def test_the_culprit_comes_off_even_where_the_clock_breaks_something_else(tmp_path):
    """What was measured at landing must not be held against its revert today."""
    street = await a_street(tmp_path, a_store(), **{**FILES, "d.txt": f"d {EXPIRES}\n"})
    changes = await three(street)
    await street.later(minutes=SECOND)
    assert await street.states(changes) == ["applied", "rolled_back", "applied"]
    assert (await street.watch()).state == "watching"


async def test_a_test_that_fails_once_does_not_keep_the_culprit_on_the_branch(quick):
    changes = await three(quick)
    failed = []

    def once(files, test):
        """On the tree without the culprit, the first time."""
        mine = files["b.txt"] == "b\n" and files["c.txt"] == "c 1\n" and test == "d.txt"
        failed.append(test) if mine else None
        return mine and len(failed) == 1

    quick.suite.rules.append(once)
    await quick.later(minutes=SECOND)
    assert failed
    assert await quick.states(changes) == ["applied", "rolled_back", "applied"]


async def test_a_flaky_test_blames_nobody(quick):
    changes = await three(quick, second="b 1\n")
    turns = []

    def every_other_time(files, test):
        turns.append(test)
        return test == "b.txt" and turns.count("b.txt") % 2

    quick.suite.rules.append(every_other_time)
    for minute in (DETECTION, SECOND - DETECTION, THIRD - SECOND):
        await quick.later(minutes=minute)
    assert await quick.states(changes) == ["applied"] * 3
    assert not quick.regressed()
    assert (await quick.watch()).state == "quiet"


async def test_a_change_is_blamed_by_runs_of_its_own_not_by_those_that_raised_the_alarm(quick):
    [change] = await quick.land(("b.txt", "b 1\n"))
    await quick.end_wave()
    failed = []

    def twice(files, test):
        mine = test == "b.txt" and "1" in files[test]
        failed.extend([test] * mine)
        return mine and len(failed) <= 2

    quick.suite.rules.append(twice)
    await quick.later(minutes=DETECTION)
    assert await quick.states([change]) == ["applied"]
    assert quick.checked()[-1].outcome == "unexplained"


async def foreign(street, path, text):
    """Somebody else's commit on the landing branch."""
    before = street.texts()[path]
    tip = street.yard.made(path, before, text, "nobody")
    assert street.yard.publish(tip, street.yard.head()) is None


def together(files, test):
    """It fails where this change and somebody else's are both there."""
    return test == "b.txt" and "1" in files["b.txt"] and "foreign" in files["d.txt"]


async def test_what_fails_only_together_with_foreign_commits_is_said_and_blamed_on_nobody(street):
    changes = await three(street, second="b 1\n")
    street.suite.rules.append(together)
    await foreign(street, "d.txt", "d foreign\n")
    await street.later(minutes=DETECTION)
    assert await street.states(changes) == ["applied"] * 3
    [said] = street.regressed()
    assert (said.enhancement_id, said.action, said.symptoms) == (None, "none", ("b.txt",))
    assert "as it landed" in said.note
    assert street.checked()[-1].outcome == "unexplained"
    assert (await street.watch()).state == "watching"


async def test_a_culprit_is_found_below_foreign_commits(street):
    changes = await three(street)
    await foreign(street, "d.txt", "d foreign\n")
    await street.later(minutes=SECOND)
    assert await street.states(changes) == ["applied", "rolled_back", "applied"]
    assert street.texts()["d.txt"] == "d foreign\n"


async def test_a_revert_is_never_reverted(quick):
    """Taking the second off broke something: that is neither of the others' doing."""
    changes = await three(quick)
    quick.suite.rules.append(
        lambda files, test: (
            test == "a.txt"
            and files["b.txt"] == "b\n"
            and "1" in files["a.txt"]
            and quick.clock() > quick.suite.doom
        )
    )
    command = RollbackEnhancement(enhancement_id=changes[1].id)
    await roll_back(command, quick.deps)
    tip = quick.yard.head()
    await quick.later(minutes=SECOND)
    await quick.later(minutes=THIRD - SECOND)
    assert quick.yard.head() == tip
    assert [each.outcome for each in quick.checked()] == ["unexplained"] * 2
    assert {each.enhancement_id for each in quick.regressed()} == {None}
    assert await quick.states(changes) == ["applied", "rolled_back", "applied"]


async def test_a_change_that_is_rolled_back_already_is_not_rolled_back_again(quick):
    """A foreign commit brings the very text back."""
    changes = await three(quick)
    await quick.later(minutes=SECOND)
    await foreign(quick, "b.txt", f"b {EXPIRES}\n")
    tip = quick.yard.head()
    await quick.later(minutes=THIRD - SECOND)
    assert quick.yard.head() == tip
    assert await quick.states(changes) == ["applied", "rolled_back", "applied"]
    said = quick.regressed()[-1]
    assert (said.enhancement_id, said.action) == (None, "none")
    assert "rolled back already" in said.note
    assert (await quick.watch()).state == "reverted"


async def test_a_person_is_told_of_a_rollback_that_fails_and_the_watch_is_given_up(quick):
    changes = await three(quick)
    # Somebody changed the very same line since.
    await foreign(quick, "b.txt", f"b {EXPIRES} and more\n")
    await quick.later(minutes=SECOND)
    assert await quick.states(changes) == ["applied"] * 3
    [said] = quick.regressed()
    assert (said.enhancement_id, said.action) == (changes[1].id, "refused")
    assert quick.deps.bus.of(RollbackRefused)
    watch = await quick.watch()
    assert watch.state == "given_up"
    assert "changed the same lines of b.txt" in watch.reason
    await quick.later(minutes=THIRD - SECOND)
    assert len(quick.regressed()) == 1


async def test_a_run_without_a_report_blames_nobody_and_says_so(quick):
    changes = await three(quick)
    quick.suite.silent = True
    await quick.later(minutes=SECOND)
    assert await quick.states(changes) == ["applied"] * 3
    assert quick.checked()[-1].outcome == "unmeasured"
    assert "no report" in quick.checked()[-1].note
    quick.suite.silent = False
    await quick.later(minutes=THIRD - SECOND)
    assert await quick.states(changes) == ["applied", "rolled_back", "applied"]


async def test_an_environment_that_cannot_be_built_blames_nobody_and_says_so(quick):
    await three(quick)

    class Broken:
        async def prepare(self, *_):
            raise Rejected("It could not be installed.")

    await quick.later(another_validator(quick, environments=Broken()), minutes=SECOND)
    watch = await quick.watch()
    assert (watch.state, watch.checks_done) == ("watching", 2)
    assert "not measured (It could not be installed)" in watch.notes[-1]


async def test_checks_that_were_missed_are_made_up_for_by_one(quick):
    await three(quick, second="b 1\n")
    await quick.later(minutes=SECOND + 1)
    [said] = quick.checked()
    watch = await quick.watch()
    assert (said.check, watch.checks_done, watch.checks_missed) == (2, 2, 1)
    await quick.later(minutes=90 - SECOND)
    watch = await quick.watch()
    assert (watch.state, watch.checks_done, watch.checks_missed) == ("quiet", 3, 1)


async def test_a_watch_that_nobody_was_there_for_ends_without_a_run_and_says_so(street):
    await three(street)
    runs = len(street.suite.runs)
    await street.later(minutes=LATE)
    watch = await street.watch()
    assert (watch.state, watch.checks_done, watch.checks_missed) == ("quiet", 3, 3)
    assert "none of 3 checks was made" in watch.reason
    [said] = street.checked()
    assert (said.outcome, said.state) == ("missed", "quiet")
    assert len(street.suite.runs) == runs


async def waiting_change(street):
    change = an_enhancement(a_task(street.wave), target_id=street.yard.target.id, state="cleared")
    await street.store.enhancements.insert(change)
    return change


async def test_the_gate_goes_first(quick):
    await three(quick)
    change = await waiting_change(quick)
    runs = len(quick.suite.runs)
    await quick.later(minutes=SECOND)
    assert len(quick.suite.runs) == runs
    assert (await quick.watch()).check_started_at is None, "it is not even begun"
    await quick.store.enhancements.transition(change, "expire")
    await quick.look()
    assert quick.checked()


async def cut_off(street):
    """A check of which one run is made, as then the gate has something to do."""
    run, came = street.suite.run, []

    async def run_and_come(*given, **more):
        if not came:
            came.append(await waiting_change(street))
        return await run(*given, **more)

    street.suite.run = run_and_come
    await street.look()
    street.suite.run = run
    await street.store.enhancements.transition(came[0], "expire")


async def test_a_check_makes_room_for_the_gate_and_goes_on_where_it_was(quick):
    changes = await three(quick)
    quick.clock.go(minutes=SECOND)
    done = len(quick.suite.runs)
    await cut_off(quick)
    assert len(quick.suite.runs) == done + 1, "after the run that was at work it waits"
    assert not quick.checked()
    await quick.later(minutes=1)
    assert await quick.states(changes) == ["applied", "rolled_back", "applied"]
    assert quick.suite.runs[done] not in quick.suite.runs[done + 1 :], "it is not run again"


async def test_a_run_at_work_is_dropped_for_the_gate_and_made_anew_after_it(quick, monkeypatch):
    monkeypatch.setattr(watching, "GATE_POLL_SECONDS", 0.01)
    changes = await three(quick)
    quick.clock.go(minutes=SECOND)
    run, came = quick.suite.run, []

    async def without_end(*given, **more):
        came.append(await waiting_change(quick))
        await asyncio.Event().wait()

    quick.suite.run = without_end
    await asyncio.wait_for(quick.look(), 30)
    assert [str(each.state) for each in await of_the_watch(quick)] == ["superseded"]
    assert not quick.checked()
    quick.suite.run = run
    await quick.store.enhancements.transition(came[0], "expire")
    await quick.look()
    assert await quick.states(changes) == ["applied", "rolled_back", "applied"]
    assert {str(each.state) for each in await of_the_watch(quick)} == {"finished"}


async def of_the_watch(street):
    return await street.store.runs.find(request__purpose="watch")


@pytest.mark.parametrize(("minutes", "outcome"), [(59, "unrepeated"), (61, "healthy")])
async def test_what_was_measured_long_ago_is_not_compared_with_what_is_measured_now(
    tmp_path, minutes, outcome
):
    """A check is cut off in an outage, and gone on with after it."""
    toml = "[watch]\nminutes = 600\nchecks = 2\n"
    street = await a_street(tmp_path, a_store(), **FILES, **{"groundswell.toml": toml})
    await three(street, second="b 1\n")
    street.clock.go(minutes=151)
    street.suite.rules.append(lambda files, test: test == "a.txt")
    await cut_off(street)
    street.suite.rules.clear()
    await street.later(minutes=minutes)
    assert street.checked()[-1].outcome == outcome


async def test_a_wave_is_not_slowed_down_but_one_without_end_does_not_hinder_it(quick):
    await quick.land(("a.txt", "a 1\n"))
    runs = len(quick.suite.runs)
    await quick.later(minutes=DETECTION)
    await quick.later(minutes=9)
    assert len(quick.suite.runs) == runs
    await quick.later(minutes=2)
    assert len(quick.suite.runs) > runs


async def test_checked_by_two_validators_it_is_done_once(street):
    changes = await three(street)
    street.clock.go(minutes=SECOND)
    deps = [street.deps, another_validator(street)]
    watch = await street.watch()
    await asyncio.gather(*(check(watch, each) for each in deps), return_exceptions=True)
    for each in deps:
        await street.look(each)
    assert await street.states(changes) == ["applied", "rolled_back", "applied"]
    assert len(street.commits()) == 4
    assert (await street.watch()).checks_done == 2


async def test_one_validator_at_a_time_makes_the_checks_of_a_target(street, monkeypatch):
    monkeypatch.setattr(leadership, "RETRY_SECONDS", 0.01)
    await three(street)
    street.clock.go(minutes=SECOND)
    under_way: list[str] = []
    most = []

    async def counted(watch, deps):
        under_way.append(watch.id)
        most.append(len(under_way))
        await check(watch, deps)
        under_way.remove(watch.id)

    monkeypatch.setattr(watching, "check", counted)
    await asyncio.gather(street.look(), street.look(another_validator(street)))
    assert max(most) == 1


async def test_a_watch_is_made_once_and_a_check_that_is_done_is_not_done_again(street):
    changes = await three(street)
    await start_watch(street.yard.target, changes, street.deps)
    await start_watch(street.yard.target, changes[1:], street.deps)
    assert await street.store.watches.count() == 1
    await street.later(minutes=DETECTION)
    said = street.deps.bus.identities()
    await street.look()
    await street.look(another_validator(street))
    assert street.deps.bus.identities() == said


class KilledError(BaseException):
    """As kill -9: nothing of ours catches it."""


class Mortal:
    """Dies instead of its n-th side effect, that is right after the one before."""

    def __init__(self, left):
        self.left = left

    def wrap(self, action):
        def mortal(*given, **more):
            self.left -= 1
            if not self.left:
                raise KilledError
            return action(*given, **more)

        return mortal


DOING = {
    "bus": ["publish"],
    "store.watches": ["save", "transition"],
    "store.enhancements": ["transition"],
    "yard.repository": ["publish"],
}


@contextmanager
def mortal(street, deps, step):
    """Whether it was killed is in the list."""
    owners = {
        "bus": deps.bus,
        "store.watches": street.store.watches,
        "store.enhancements": street.store.enhancements,
        "yard.repository": street.yard.repository,
    }
    mine, killed = Mortal(step), []
    with pytest.MonkeyPatch.context() as patch:
        for name, owner in owners.items():
            for each in DOING[name]:
                patch.setattr(owner, each, mine.wrap(getattr(owner, each)))
        try:
            yield killed
        except KilledError:
            killed.append(step)


async def test_killed_anywhere_it_goes_on_and_takes_off_the_culprit_once(tmp_path):
    killed, step = [0], 0
    while killed:
        step += 1
        street = await a_street(tmp_path / str(step), a_store(), **FILES)
        changes = await three(street)
        street.clock.go(minutes=SECOND)
        deps = another_validator(street)
        with mortal(street, deps, step) as killed:
            await check(await street.watch(), deps)
        await street.later(minutes=1)
        await street.later(minutes=THIRD - SECOND)
        assert await street.states(changes) == ["applied", "rolled_back", "applied"], step
        assert len(street.commits()) == 4, step
        watch = await street.watch()
        assert (watch.state, watch.rolled_back) == ("reverted", (changes[1].id,)), step
        assert (
            await street.store.enhancements.require(changes[1].id)
        ).landing.rollback.automatic, step
        said = [*deps.bus.identities(), *street.deps.bus.identities()]
        regressed = {key for subject, key in said if subject == "gs.evt.health.regressed"}
        assert len(regressed) == 1, step
    assert step > 20, "there are that many things to do"


def elsewhere(street, home):
    """A runner with a home of its own, which has fetched nothing yet."""
    mirror = Mirror.at(home, street.yard.target.id)
    return another_validator(street, home=home, repository=lambda target: GitRepository(mirror))


async def test_another_home_makes_the_runs_of_what_landed_long_ago(quick, tmp_path, monkeypatch):
    monkeypatch.setattr(request, "POLL_INTERVAL_SECONDS", 0.01)
    changes = await three(quick)
    quick.deps.bus.deps = elsewhere(quick, tmp_path / "elsewhere")
    await quick.later(minutes=SECOND)
    assert quick.regressed()
    assert await quick.states(changes) == ["applied", "rolled_back", "applied"]


async def test_a_runner_whose_first_run_is_of_an_older_commit_fetches_it(quick, tmp_path):
    """It is no patch on the head, and so cannot be composed."""
    await three(quick)
    runner = elsewhere(quick, tmp_path / "elsewhere")
    tree = quick.yard.mirror.tree((await quick.watch()).before).oid
    run = a_test_run(quick.wave, head=quick.yard.head(), tree=tree, purpose="watch")
    await ensure_tree(run, quick.yard.target, runner)
    assert runner.repository(quick.yard.target).contains(tree)


COMPONENT = "a"


async def measured(street, commit, *findings, score):
    """What the agents leave behind after a wave."""
    target = street.yard.target.id
    await street.store.findings.insert(
        FindingSet(
            id=f"{target}:{commit}:these",
            target_id=target,
            commit=commit,
            detectors="these",
            findings=findings,
            seconds=1,
            measured_at=street.clock(),
        )
    )
    await street.store.health.insert(a_health(street.wave, COMPONENT, commit=commit, score=score))


def at(path="a.txt", **fields):
    return a_finding(path=path, component=COMPONENT, **fields)


async def one(street):
    """A single change, measured on both its sides."""
    before = street.yard.head()
    [change] = await street.land(("a.txt", "a 1\n"))
    await street.end_wave()
    return before, change


async def test_a_change_that_brought_findings_and_cost_health_is_rolled_back(street):
    before, change = await one(street)
    old, new = at(), at()
    await measured(street, before, old, score=90)
    await measured(street, change.landing.commit, old, new, score=80)
    await street.later(minutes=DETECTION)
    assert await street.states([change]) == ["rolled_back"]
    [said] = street.regressed()
    assert (said.probe, said.symptoms, said.components) == (
        "findings",
        (new.fingerprint,),
        (COMPONENT,),
    )


@pytest.mark.parametrize(
    ("new", "score"),
    [(at("b.txt"), 80), (at(), 90), (at().model_copy(update={"component": "b"}), 80)],
    ids=["in a file it did not touch", "without cost", "in another component"],
)
async def test_findings_are_held_against_a_change_only_where_it_changed_something(
    quick, new, score
):
    before, change = await one(quick)
    await measured(quick, before, score=90)
    await measured(quick, change.landing.commit, new, score=score)
    await quick.later(minutes=DETECTION)
    assert await quick.states([change]) == ["applied"]
    assert quick.checked()[-1].outcome == "healthy"


async def test_lines_that_no_test_protects_are_no_findings_that_cost_health(quick):
    """A change before it was protected, and this one is not: nothing has become worse by that."""
    before, change = await one(quick)
    await measured(quick, before, score=90)
    await measured(quick, change.landing.commit, at(), score=90)
    for commit, protected in ((before, 4), (change.landing.commit, 0)):
        landed = a_protection_health(quick.wave, COMPONENT, commit=commit, protected=protected)
        await quick.store.health.insert(landed)
    await quick.later(minutes=DETECTION)
    assert await quick.states([change]) == ["applied"]
    assert quick.checked()[-1].outcome == "healthy"


async def test_findings_that_nobody_measured_on_both_sides_are_said_to_be_unmeasured(quick):
    _, change = await one(quick)
    await quick.later(minutes=DETECTION)
    assert "findings: not measured (findings were not measured" in quick.checked()[-1].note
    await measured(quick, change.landing.commit, at(), score=10)
    await quick.later(minutes=SECOND - DETECTION)
    assert "these detectors did not measure" in quick.checked()[-1].note
    assert quick.checked()[-1].outcome == "healthy", "its tests were measured"


async def test_of_several_changes_findings_blame_nobody_as_nobody_looked_in_between(quick):
    before = quick.yard.head()
    changes = await three(quick, second="b 1\n")
    await measured(quick, before, score=90)
    await measured(quick, changes[-1].landing.commit, at(), score=80)
    await quick.later(minutes=DETECTION)
    assert await quick.states(changes) == ["applied"] * 3
    [said] = quick.regressed()
    assert (said.probe, said.enhancement_id) == ("findings", None)


async def test_the_other_detectors_of_a_new_version_blame_nobody(quick):
    before, change = await one(quick)
    await measured(quick, before, score=90)
    target = quick.yard.target.id
    await measured(quick, change.landing.commit, at(), score=80)
    stored = await quick.store.findings.require(f"{target}:{change.landing.commit}:these")
    newer = stored.model_copy(
        update={"id": f"{target}:{change.landing.commit}:others", "detectors": "others"}
    )
    newer = newer.model_copy(update={"measured_at": quick.clock.go(seconds=1)})
    await quick.store.findings.insert(newer)
    await quick.later(minutes=DETECTION)
    assert await quick.states([change]) == ["applied"]
