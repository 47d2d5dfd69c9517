"""Who is to blame for what got worse after landing, on small worlds that are known whole."""

import random
from datetime import timedelta
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.validator.watch.domain.watching import (
    BEFORE,
    MIN_CHECK_INTERVAL,
    MOST_SEVERE_FIRST,
    REQUIRED_PASSES,
    TIP,
    CheckSchedule,
    Culprit,
    Drifted,
    Healthy,
    NeedsObservation,
    NotObserved,
    NotRepeated,
    ObservationRequest,
    Observed,
    Regressed,
    Unmeasured,
    evaluate,
    final_trigger,
    most_severe,
    split_into_chains,
)
from services.validator.watch.domain.wording import rollback_reason, sentence, window_missed_note
from tests.support.builders import NOW


class World:
    """Which tests fail at which places; what is not said is as at the batch's end."""

    def __init__(self, changes, failing, *, tip=None, unseen=(), flaky=(), chance=None):
        self.changes = changes
        self.failing = {k: frozenset(v) for k, v in failing.items()}
        self.tip = self.failing.get(changes, frozenset()) if tip is None else frozenset(tip)
        self.unseen = set(unseen)
        self.flaky = frozenset(flaky)
        self.chance = chance
        self.looks = []

    def observe(self, look):
        self.looks.append(look)
        if look.place in self.unseen:
            return NotObserved("no report")
        bad = self.tip if look.place == TIP else self.failing.get(look.place, frozenset())
        bad |= {t for t in self.flaky if any(self.chance.random() < 0.5 for _ in range(look.times))}
        return Observed(bad & set(look.symptoms) if look.symptoms else bad)

    def evaluate(self):
        seen = {}
        while isinstance(step := evaluate(self.changes, seen), NeedsObservation):
            assert step.request not in seen, "nothing is looked at twice"
            seen[step.request] = self.observe(step.request)
        assert evaluate(self.changes, dict(seen)) == step, "the same looks give the same answer"
        return step


def broken_from(place, changes, *tests):
    return {each: set(tests) for each in range(place, changes + 1)}


@pytest.mark.parametrize(
    ("changes", "guilty"), [(n, g) for n in range(1, 9) for g in range(1, n + 1)]
)
def test_the_change_that_brought_it_is_found_wherever_it_stands(changes, guilty):
    world = World(changes, broken_from(guilty, changes, "t"))
    assert world.evaluate() == Regressed(("t",), (Culprit(guilty, ("t",)),))


def test_a_healthy_branch_takes_one_look():
    world = World(4, {})
    assert world.evaluate() == Healthy()
    assert world.looks == [ObservationRequest(TIP)]


def test_bisecting_looks_at_a_few_of_many_and_only_at_what_fails():
    world = World(64, broken_from(23, 64, "t"), tip=["t"])
    assert world.evaluate() == Regressed(("t",), (Culprit(23, ("t",)),))
    assert len(world.looks) <= 5 + 6 + 2
    assert all(each.symptoms == ("t",) for each in world.looks[1:])


def test_what_fails_just_so_without_the_batch_is_nobodys_doing():
    world = World(3, {place: {"t"} for place in range(4)})
    assert world.evaluate() == Drifted(("t",))
    assert [each.place for each in world.looks] == [TIP, BEFORE]


def test_of_what_fails_only_that_which_passed_before_counts():
    world = World(2, {0: {"old"}, 1: {"old"}, 2: {"old", "new"}})
    assert world.evaluate() == Regressed(("new",), (Culprit(2, ("new",)),))


def test_what_only_later_commits_bring_is_blamed_on_nobody_here():
    step = World(3, {}, tip=["t"]).evaluate()
    assert isinstance(step, Regressed)
    assert (step.symptoms, step.culprits) == (("t",), ())
    assert "as it landed" in step.reason


def test_two_culprits_are_both_found_each_with_its_own():
    failing = {2: {"a"}, 3: {"a"}, 4: {"a", "b"}, 5: {"a", "b"}}
    step = World(5, failing).evaluate()
    assert step == Regressed(("a", "b"), (Culprit(2, ("a",)), Culprit(4, ("b",))))


def test_of_one_that_broke_mended_and_broke_again_a_change_that_brought_it_is_blamed():
    step = World(5, {1: {"t"}, 4: {"t"}, 5: {"t"}}).evaluate()
    assert isinstance(step, Regressed)
    [culprit] = step.culprits
    assert culprit.place in {1, 4}


@pytest.mark.parametrize("place", [TIP, BEFORE])
def test_where_the_branch_or_what_was_before_cannot_be_measured_nothing_is_said(place):
    world = World(3, broken_from(2, 3, "t"), unseen=[place])
    assert world.evaluate() == Unmeasured("no report")


@pytest.mark.parametrize("place", [1, 2, 3])
def test_where_the_batch_cannot_be_measured_it_is_worse_and_nobody_is_blamed(place):
    step = World(3, broken_from(2, 3, "t"), unseen=[place]).evaluate()
    assert isinstance(step, Regressed)
    assert (step.symptoms, step.culprits) == (("t",), ())
    assert "no report" in step.reason


class Scripted(World):
    """Answers from a list for one place, then as the world is."""

    def __init__(self, *given, script, **more):
        super().__init__(*given, **more)
        self.script = {place: list(answers) for place, answers in script.items()}

    def observe(self, look):
        seen = super().observe(look)
        answers = self.script.get(look.place)
        return Observed(frozenset(answers.pop(0))) if answers else seen


def test_what_does_not_fail_again_on_the_branch_is_nobodys_doing():
    world = Scripted(2, broken_from(1, 2, "t"), script={TIP: [{"t"}, set()]})
    assert world.evaluate() == NotRepeated(("t",))


def test_what_fails_before_the_second_time_is_nobodys_doing():
    world = Scripted(2, broken_from(1, 2, "t"), script={BEFORE: [set(), {"t"}]})
    assert world.evaluate() == NotRepeated(("t",))


@pytest.mark.parametrize(
    "script",
    [{2: [{"t"}, set()]}, {1: [set(), {"t"}]}],
    ids=["it passes with the change the second time", "it fails right before it the second time"],
)
def test_a_change_is_blamed_only_for_what_it_brings_twice(script):
    step = Scripted(4, broken_from(2, 4, "t"), script=script).evaluate()
    assert isinstance(step, Regressed)
    assert not step.culprits
    assert "each time" in step.reason


def test_passing_counts_against_a_change_only_several_times_in_a_row():
    world = World(4, broken_from(3, 4, "t"))
    world.evaluate()
    steady = [each.place for each in world.looks if each.times == REQUIRED_PASSES]
    assert steady == [BEFORE, 2]


@pytest.mark.parametrize("changes", [1, 3, 8])
def test_a_test_that_fails_every_other_time_blames_next_to_nobody(changes):
    blamed = 0
    for seed in range(3000):
        step = World(changes, {}, flaky=["f"], chance=random.Random(seed)).evaluate()
        blamed += isinstance(step, Regressed) and bool(step.culprits)
    assert blamed <= 1


@st.composite
def worlds(draw):
    changes = draw(st.integers(1, 7))
    tests = st.sets(st.sampled_from("abcd"))
    failing = {place: draw(tests) for place in range(changes + 1)}
    return World(changes, failing, tip=draw(tests))


@given(worlds())
def test_whoever_is_blamed_brought_it_and_it_is_there_and_was_not_before(world):
    step = world.evaluate()
    worse = world.tip - world.failing[BEFORE]
    if not world.tip:
        assert step == Healthy()
    elif not worse:
        assert step == Drifted(tuple(sorted(world.tip)))
    else:
        assert isinstance(step, Regressed)
        assert set(step.symptoms) == worse
        for culprit in step.culprits:
            found = set(culprit.symptoms)
            assert found
            assert found <= worse
            assert found <= world.failing[culprit.place]
            assert not found & world.failing[culprit.place - 1]
        explained = {each for culprit in step.culprits for each in culprit.symptoms}
        assert explained == worse & world.failing[world.changes]


def minutes(schedule):
    return [
        (schedule.due(n + 1) - schedule.begun).total_seconds() / 60 for n in range(schedule.checks)
    ]


@pytest.mark.parametrize(
    ("window", "checks", "dues"),
    [
        (60, 1, [60]),
        (60, 2, [15, 60]),
        (60, 3, [20 / 3, 80 / 3, 60]),
        (60, 4, [3.75, 15, 33.75, 60]),
        (0.1, 3, [0.5, 1, 1.5]),
        (1, 2, [0.5, 1]),
    ],
)
def test_checks_are_spread_over_the_window_with_the_early_ones_closer(window, checks, dues):
    schedule = CheckSchedule(NOW, timedelta(minutes=window), checks)
    assert minutes(schedule) == pytest.approx(dues)


@pytest.mark.parametrize(("window", "checks"), [*product([0.01, 1, 60, 5000], [1, 3, 50])])
def test_no_check_is_at_once_and_no_two_are_closer_than_the_least(window, checks):
    schedule = CheckSchedule(NOW, timedelta(minutes=window), checks)
    dues = [NOW, *(schedule.due(n + 1) for n in range(checks))]
    assert all(
        late - early >= MIN_CHECK_INTERVAL - timedelta(seconds=1) / 1000
        for early, late in pairwise(dues)
    )
    assert dues[-1] >= NOW + timedelta(minutes=window)


@pytest.mark.parametrize(
    ("after", "number", "over"),
    [
        (0, 0, False),
        (6, 0, False),
        (7, 1, False),
        (27, 2, False),
        (60, 3, False),
        (120, 3, False),
        (121, 3, True),
    ],
)
def test_what_was_missed_is_made_up_for_by_one_until_it_is_too_late(after, number, over):
    schedule = CheckSchedule(NOW, timedelta(minutes=60), 3)
    now = NOW + timedelta(minutes=after)
    assert (schedule.number(now), schedule.over(now)) == (number, over)


@pytest.mark.parametrize(
    ("parents", "found"),
    [
        ({"a": "x", "b": "a", "c": "b"}, [["a", "b", "c"]]),
        ({"a": "x", "b": "foreign", "c": "b"}, [["a"], ["b", "c"]]),
        ({"a": "x", "b": "y", "c": "z"}, [["a"], ["b"], ["c"]]),
    ],
)
def test_what_does_not_stand_on_the_one_before_is_watched_apart(parents, found):
    assert split_into_chains(list(parents), parents) == found
    assert split_into_chains([], {}) == []


@pytest.mark.parametrize(
    ("over", "rolled_back", "refused", "trigger"),
    [
        (False, False, False, None),
        (False, True, False, None),
        (True, False, False, "complete"),
        (True, True, False, "revert"),
        (False, False, True, "give_up"),
        (False, True, True, "give_up"),
        (True, False, True, "give_up"),
        (True, True, True, "give_up"),
    ],
)
def test_how_a_watch_ends(over, rolled_back, refused, trigger):
    assert final_trigger(over=over, rolled_back=rolled_back, refused=refused) == trigger


@pytest.mark.parametrize(("one", "other"), [*product(MOST_SEVERE_FIRST, repeat=2)])
def test_what_is_graver_is_said_of_both(one, other):
    first = min(MOST_SEVERE_FIRST.index(one), MOST_SEVERE_FIRST.index(other))
    assert most_severe([one, other]) == MOST_SEVERE_FIRST[first]


def test_what_was_not_measured_does_not_outdo_what_was():
    assert most_severe(["healthy", "unmeasured"]) == "healthy"
    assert most_severe([]) == "unmeasured"


@pytest.mark.parametrize(
    ("step", "culprits", "words"),
    [
        (Healthy(), [], ["no worse"]),
        (Drifted(("t",)), [], ["t is worse", "without the changes", "no change is blamed"]),
        (NotRepeated(("t", "u")), [], ["t, u are worse", "no change is blamed"]),
        (Unmeasured("no report"), [], ["not measured (no report)"]),
        (Regressed(("t",)), ["a title"], ["t is worse", "because of 'a title'"]),
        (Regressed(("t",), reason="why"), [], ["no change is blamed: why"]),
        (Regressed(("t",), (Culprit(1, ("t",)),)), [], ["rolled back already"]),
        (Regressed(tuple("abcde")), ["x"], ["a, b, c and 2 more are worse"]),
    ],
)
def test_what_people_read(step, culprits, words):
    said = sentence("tests", step, culprits, "f" * 40)
    assert said.startswith("tests: ")
    assert all(each in said for each in words), said


def test_what_else_people_read():
    assert "t is worse" in rollback_reason(("t",), "f" * 40)
    assert "none of 3 checks was" in window_missed_note(0, 3)
    assert "only 2 of 3 checks were" in window_missed_note(2, 3)
