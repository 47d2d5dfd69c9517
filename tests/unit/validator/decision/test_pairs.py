"""Which two changes may break a test together, and which parts of a batch tell them apart."""

import pytest

from services.validator.decision.evidence import UNKNOWN_SUITE, RunComparison, RunPlan
from services.validator.decision.evidence_log import EvidenceLog
from services.validator.decision.pairs import Masks, by_bits, random_parts, suspected_pairs


def pairs(changes: str, *, fails: list[str], passes: list[str]):
    runs = {RunPlan(tuple(each), ("t",)): RunComparison(frozenset("t")) for each in fails}
    runs |= {RunPlan(tuple(each), ("t",)): RunComparison(frozenset()) for each in passes}
    return suspected_pairs(EvidenceLog(runs, {}, UNKNOWN_SUITE), "t", Masks(changes))


def test_two_changes_are_suspected_unless_the_test_passed_with_both():
    found = pairs("abcd", fails=["abcd"], passes=["abc"])
    assert found.count == 3
    assert [found.count_inside(Masks("abcd").of(frozenset(each))) for each in ("ad", "ab")] == [
        1,
        0,
    ]


def test_two_changes_are_suspected_only_if_they_are_in_each_failing_set():
    found = pairs("abcd", fails=["abcd", "acd"], passes=["ac", "ad"])
    assert found.count == 1
    assert found.last == 3


def test_a_failure_with_changes_from_outside_the_batch_says_nothing_about_it():
    assert pairs("abc", fails=["abc", "bcx"], passes=[]).count == 3


def test_none_are_suspected_where_the_test_passed_with_all():
    assert pairs("abc", fails=[], passes=["abc"]).count == 0


def test_a_part_says_most_if_it_has_half_of_the_pairs_and_nothing_if_all_or_none():
    found, batch = pairs("abcd", fails=["abcd"], passes=[]), Masks("abcd")
    parts = [tuple(each) for each in ("abcd", "ab", "abc", "a")]
    assert by_bits(parts, batch, [found]) == [tuple("abc"), tuple("ab")]
    assert found.bits(batch.of(frozenset("abc"))) == pytest.approx(1.0)


def test_random_parts_are_the_same_ones_for_the_same_batch_and_salt():
    changes = [f"{n:02}" for n in range(100)]
    assert [*random_parts(changes, 1)] == [*random_parts(changes, 1)]
    assert [*random_parts(changes, 1)] != [*random_parts(changes, 2)]
    sizes = [len(each) for each in random_parts(changes, 1)]
    assert all(50 < each < 90 for each in sizes)
