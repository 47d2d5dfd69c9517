"""Ids as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.domain.ids import (
    MIN_TYPED_CHARACTERS,
    distinct_suffixes,
    is_complete_id,
    is_id_suffix,
)
from shared.kernel.ids import short_id, uuid7


def test_what_is_shown_can_be_typed():
    whole = uuid7()
    assert is_id_suffix(short_id(whole))
    assert whole.endswith(short_id(whole))
    assert is_complete_id(whole)
    assert not is_complete_id(short_id(whole))


@given(st.uuids().map(str), st.integers(1, 36))
def test_any_end_that_is_long_enough_means_an_id(whole, length):
    assert is_id_suffix(whole[-length:]) is (length >= MIN_TYPED_CHARACTERS)


@pytest.mark.parametrize("typed", ["", "abcde", "ghijkl", "ABCDEF", "abc def", "a" * 37, "../../x"])
def test_what_cannot_be_an_end_is_none(typed):
    assert not is_id_suffix(typed)


def test_ids_with_the_same_end_are_told_apart_by_as_little_as_it_takes():
    ids = ["01900000-0000-7000-8000-a00000000000", "01900000-0000-7000-8000-b00000000000"]
    assert distinct_suffixes(ids) == ["a00000000000", "b00000000000"]
    apart = [uuid7(), uuid7()]
    assert distinct_suffixes(apart) == [short_id(each) for each in apart]
