"""Settled, followed up, foreclosed: crossed with every state there is."""

from itertools import product

import pytest

from services.coordinator.domain import waves
from shared.contracts.states import EnhancementState, TaskState
from shared.targets.patches import make_patch
from tests.support.builders import a_finding, a_task, an_enhancement

LOST = {EnhancementState.REJECTED, EnhancementState.EXPIRED}


@pytest.mark.parametrize(
    ("state", "number"), list(product(EnhancementState, range(waves.MAX_ATTEMPTS + 1)))
)
def test_only_what_was_lost_is_followed_up_while_rounds_are_left(state, number):
    expected = state in LOST and number < waves.MAX_ATTEMPTS - 1
    assert waves.needs_follow_up(a_task(attempt=number), [an_enhancement(state=state)]) is expected


def test_one_loss_among_many_is_enough_to_follow_up():
    changes = [an_enhancement(state="applied"), an_enhancement(state="rejected")]
    assert waves.needs_follow_up(a_task(), changes)


def test_a_task_without_changes_needs_no_follow_up():
    assert not waves.needs_follow_up(a_task(), [])


@pytest.mark.parametrize("state", list(EnhancementState))
def test_one_change_that_is_open_keeps_the_others_from_being_settled(state):
    changes = [an_enhancement(state="applied"), an_enhancement(state=state)]
    assert waves.are_decided(changes) is (state in waves.DECIDED)
    assert waves.are_decided(changes[::-1]) is (state in waves.DECIDED)


def test_nothing_at_all_is_settled_and_over():
    assert waves.are_decided([])
    assert waves.are_over([])


@pytest.mark.parametrize("state", list(TaskState))
def test_one_task_that_goes_on_keeps_the_wave_open(state):
    alone = waves.are_over([a_task(state=state)])
    assert waves.are_over([a_task(state="done"), a_task(state=state)]) is alone


@pytest.mark.parametrize(
    "state", sorted(set(EnhancementState) - {"rejected", "rolled_back", "needs_approval"})
)
def test_a_change_neither_rejected_nor_rolled_back_forecloses_nothing(state):
    change = an_enhancement(state=state, reason="whatever", tests=("t::a",))
    assert waves.foreclosure(change) is None


def test_what_waits_for_a_person_is_not_proposed_again():
    assert waves.foreclosure(an_enhancement(state="needs_approval")) == "it needs approval"


@pytest.mark.parametrize(
    ("reason", "lost"),
    [
        ("old-epoch: its task no longer holds the lease under epoch 3", frozenset()),
        ("conflict: another one landed first", frozenset()),
        ("it does not apply", {"f"}),
    ],
)
def test_what_its_epoch_or_another_change_ended_is_not_lost_for_a_reason_of_its_own(reason, lost):
    found = (a_finding(fingerprint="f"),)
    changes = [an_enhancement(state="expired", reason=reason, findings=found) for _ in "ab"]
    assert waves.lost_twice(changes) == lost


def test_the_tests_say_more_than_the_reason():
    change = an_enhancement(state="rejected", reason="some tests got worse", tests=("t::a", "t::b"))
    assert waves.foreclosure(change) == "rejected because of t::a and 1 more"


def test_findings_in_lines_that_wait_for_a_person_are_left_alone_and_others_are_not():
    before, after = b"one = 1\ntwo = 2\n", b"one = 1\ntwo = '2'\n"
    patch = make_patch({"m.py": (before, after)})
    same, other, elsewhere = (
        a_finding(line=2),
        a_finding(line=1),
        a_finding(path="n.py", line=2),
    )
    # It has moved by a line since.
    found = waves.foreclosed_by_pending(
        [a_finding(line=3, fingerprint="moved"), other, elsewhere],
        [patch],
        {"m.py": b"# new\n" + before}.get,
    )
    assert found == {"moved": "its lines are part of a change that needs approval"}
    assert same.fingerprint in waves.foreclosed_by_pending([same], [patch], {"m.py": before}.get)


def a_loss(*fingerprints, state="expired", reason="could not be tried: no report"):
    findings = tuple(a_finding(fingerprint=each) for each in fingerprints)
    return an_enhancement(state=state, reason=reason, findings=findings)


def test_what_was_lost_twice_for_the_same_reason_is_not_tried_a_third_time():
    first = a_loss("a", "b", reason="could not be tried: run 12 at 0123abcd gave no report")
    again = a_loss("b", reason="could not be tried: run 13 at 4567cdef gave no report")
    assert waves.lost_twice([first, again]) == {"b"}
    assert not waves.needs_follow_up(a_task(attempt=1), [again], {"b"})
    assert waves.needs_follow_up(a_task(attempt=1), [first, again], {"b"})


@pytest.mark.parametrize(
    "other",
    [a_loss("b", reason="does not apply"), a_loss("c"), a_loss("b", state="applied")],
    ids=["another reason", "another finding", "landed"],
)
def test_anything_else_is_tried_again(other):
    assert waves.lost_twice([a_loss("b"), other]) == frozenset()


def test_a_change_without_findings_is_followed_up_by_its_attempts_alone():
    assert waves.needs_follow_up(a_task(), [a_loss()], {"b"})


def test_what_another_change_overtook_is_told_to_whoever_makes_it_again():
    reason = "conflict: 'remove x' landed first: both rewrite the same lines of m.py"
    overtaken = an_enhancement(state="expired", reason=reason, title="rename y")
    others = [an_enhancement(state="expired", reason="does not apply: m.py"), overtaken]
    assert waves.sent_back(others) == (f"rename y: {reason.removeprefix('conflict: ')}",)


def test_being_overtaken_twice_is_no_reason_to_give_up():
    finding = a_finding()
    reason = "conflict: 'remove x' landed first"
    lost = [an_enhancement(state="expired", reason=reason, findings=(finding,)) for _ in range(2)]
    assert not waves.lost_twice(lost)
