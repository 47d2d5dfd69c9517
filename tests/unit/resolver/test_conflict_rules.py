"""How proposals overlap, which goes first, and how that ends, on plain values."""

from itertools import product

import pytest

from services.resolver.domain.conflicts import (
    ENDED,
    Overlap,
    compare,
    expected_value,
    expected_values,
    find_overlap,
    outcome_of,
)
from services.resolver.domain.footprints import Footprint, LineEdit
from services.resolver.domain.records import record_of, resolved
from shared.contracts.documents.conflicts import ConflictKind as Kind
from shared.contracts.documents.conflicts import ConflictOutcome as Outcome
from shared.contracts.documents.conflicts import ConflictStrategy as Strategy
from shared.contracts.states import ENHANCEMENT
from shared.contracts.states import EnhancementState as State
from tests.support.builders import NOW, a_finding, a_task, a_wave, an_enhancement


def at(*lines, new=b"x\n", path="m.py", **fields):
    """A footprint that rewrites these lines, without context."""
    return Footprint(
        spans={path: tuple((line, line + 1) for line in lines)},
        edits=frozenset(LineEdit(path, line, line + 1, (new,)) for line in lines),
        **fields,
    )


def found_overlap(arriving, other, mine, its):
    return find_overlap(arriving, other, mine, its, expected_values((arriving, other)))


def a_proposal(worth=1, state="proposed", **fields):
    findings = tuple(a_finding(severity="note") for _ in range(worth))
    wave = a_wave(target_id="1" * 8 + "-1111-1111-1111-" + "1" * 12)
    return an_enhancement(a_task(wave), findings=findings, prior=0.5, state=state, **fields)


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        (at(1), at(1), Kind.IDENTICAL),
        (at(1, 5), at(5), Kind.CONTAINED),
        (at(1), at(1, new=b"y\n"), Kind.TEXTUAL),
        (at(1, 3), at(3, 5), Kind.TEXTUAL),
        (at(1), at(5), Kind.DISJOINT_HUNKS),
        (at(1), at(1, path="n.py"), None),
        (at(1, signatures={"f"}), at(5, calls={"f"}), Kind.SIGNATURE),
        (at(1, signatures={"f"}), at(5, path="n.py", calls={"f"}), Kind.SIGNATURE),
        (at(1, signatures={"f"}), at(5, path="n.py", calls={"g"}, signatures={"f"}), None),
    ],
)
def test_how_two_footprints_overlap(one, other, kind):
    assert compare(one, other) is kind
    assert compare(other, one) is kind


def test_two_texts_between_the_same_lines_conflict():
    one, other = (Footprint(spans={"m.py": ((at, at),)}) for at in (3, 3))
    assert compare(one, other) is Kind.TEXTUAL
    assert compare(one, Footprint(spans={"m.py": ((4, 4),)})) is Kind.DISJOINT_HUNKS


def test_nothing_is_worth_more_than_what_its_task_proposed_before_it():
    task = a_task(a_wave())
    worth = [3, 1, 5]
    made = [
        an_enhancement(task, findings=(a_finding(severity="note"),) * each, prior=1, order=order)
        for order, each in enumerate(worth)
    ]
    other = a_proposal(2)
    values = expected_values([*reversed(made), other])
    first, second, third = [values[each.id] for each in made]
    assert first > second == third
    assert values[other.id] == expected_value(other)


def test_of_two_new_ones_what_is_worth_more_goes_first_whoever_arrives():
    small, large = a_proposal(1), a_proposal(5)
    assert expected_value(small) < expected_value(large)
    for mine, its in ((small, large), (large, small)):
        found = found_overlap(mine, its, at(1), at(1, new=b"y\n"))
        assert (found.first, found.second) == (large, small)


@pytest.mark.parametrize(
    ("state", "waits"),
    [
        ("proposed", False),
        ("cleared", False),
        ("validating", True),
        ("validated", True),
        ("applied", True),
        ("conflicting", False),
        ("needs_approval", False),
    ],
)
def test_what_got_further_goes_first_and_nobody_waits_for_a_person(state, waits):
    arriving, other = a_proposal(5), a_proposal(1, state)
    found = found_overlap(arriving, other, at(1), at(1, new=b"y\n"))
    assert (found.second is arriving) is waits


def test_identical_edits_need_one_approval_only():
    arriving, other = a_proposal(5), a_proposal(1, "needs_approval")
    found = found_overlap(arriving, other, at(1), at(1))
    assert found.second is arriving
    assert record_of(found, now=NOW).outcome is Outcome.SUPERSEDED


def test_what_landed_meanwhile_is_no_overlap_where_the_arriving_one_still_applies():
    arriving, landed = a_proposal(), a_proposal(1, "applied")
    assert found_overlap(arriving, landed, at(1), at(5)) is None
    assert found_overlap(arriving, landed, at(1, calls={"f"}), at(5, signatures={"f"})) is None
    found = found_overlap(arriving, landed, at(1), at(1, new=b"y\n"))
    assert record_of(found, now=NOW).outcome is Outcome.REMADE


@pytest.mark.parametrize(
    ("kind", "engine", "state", "nothing_left", "strategy"),
    [
        (Kind.DISJOINT_HUNKS, "rules", "proposed", False, Strategy.BOTH_STAND),
        (Kind.IDENTICAL, "rules", "proposed", True, Strategy.SUPERSEDE),
        (Kind.CONTAINED, "rules", "proposed", True, Strategy.SUPERSEDE),
        (Kind.CONTAINED, "rules", "proposed", False, Strategy.REMAKE),
        (Kind.TEXTUAL, "rules", "proposed", False, Strategy.REMAKE),
        (Kind.TEXTUAL, "claude", "proposed", False, Strategy.SEND_BACK),
        (Kind.TEXTUAL, "external", "proposed", False, Strategy.PERSON),
        (Kind.TEXTUAL, "rules", "needs_approval", False, Strategy.PERSON),
        (Kind.SIGNATURE, "rules", "proposed", False, Strategy.STACK),
        (Kind.BUILDS_ON, "rules", "proposed", False, Strategy.STACK),
    ],
)
def test_what_is_done_about_an_overlap(kind, engine, state, nothing_left, strategy):
    second = a_proposal(1, state, engine=engine)
    assert Overlap(kind, a_proposal(), second, nothing_left).strategy is strategy


ONCE_FIRST_IS = {
    (Strategy.STACK, "applied"): Outcome.STACKED,
    (Strategy.SUPERSEDE, "applied"): Outcome.SUPERSEDED,
    (Strategy.REMAKE, "applied"): Outcome.REMADE,
    (Strategy.SEND_BACK, "applied"): Outcome.SENT_BACK,
    (Strategy.PERSON, "applied"): Outcome.LEFT_TO_PERSON,
    (Strategy.REMAKE, "rejected"): Outcome.SECOND_STANDS,
    (Strategy.SUPERSEDE, "rejected"): Outcome.SECOND_STANDS,
    (Strategy.SUPERSEDE, "rolled_back"): Outcome.SECOND_STANDS,
    (Strategy.REMAKE, "needs_approval"): Outcome.SECOND_STANDS,
    (Strategy.REMAKE, "validating"): None,
    (Strategy.REMAKE, "conflicting"): None,
}


@pytest.mark.parametrize(("strategy", "state"), ONCE_FIRST_IS)
def test_how_it_ends_once_the_first_has(strategy, state):
    found = outcome_of(Kind.TEXTUAL, strategy, State(state), State.CONFLICTING)
    assert found is ONCE_FIRST_IS[strategy, state]


def test_what_was_built_on_a_lost_proposal_is_made_again():
    for state in (State.REJECTED, State.EXPIRED):
        found = outcome_of(Kind.BUILDS_ON, Strategy.STACK, state, State.CONFLICTING)
        assert found is Outcome.REMADE


@pytest.mark.parametrize(("first", "second"), [*product(State, State)])
def test_nothing_waits_for_what_has_ended(first, second):
    for kind, strategy in product(Kind, Strategy):
        found = outcome_of(kind, strategy, first, second)
        if ENHANCEMENT.terminal(first) or first in {State.APPLIED, State.NEEDS_APPROVAL}:
            assert found is not None
    assert {each for each in State if ENHANCEMENT.terminal(each)} | {State.APPLIED} == {*ENDED}


def test_a_pair_has_one_record_in_whatever_order_it_is_compared():
    one, other = a_proposal(), a_proposal()
    first, second = (
        record_of(Overlap(Kind.TEXTUAL, *pair), now=NOW) for pair in ((one, other), (other, one))
    )
    assert first.id == second.id
    assert set(first.waves) == {one.wave_id, other.wave_id}
    assert first.outcome is None
    assert first.resolved_at is None


def test_a_record_is_resolved_once_the_states_say_how():
    record = record_of(Overlap(Kind.TEXTUAL, a_proposal(), a_proposal()), now=NOW)
    assert resolved(record, State.VALIDATING, State.CONFLICTING, now=NOW) is None
    done = resolved(record, State.APPLIED, State.CONFLICTING, now=NOW)
    assert (done.outcome, done.resolved_at) == (Outcome.REMADE, NOW)


def test_what_the_gate_gave_back_still_goes_first():
    begun = a_proposal(1, "cleared", history=({"state": "validating", "at": NOW},))
    found = found_overlap(a_proposal(5), begun, at(1), at(1, new=b"y\n"))
    assert found.first is begun
