"""Ids as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.domain.ids import FEWEST, is_full, is_suffix, short
from shared.kernel.ids import uuid7


def test_what_is_shown_can_be_typed():
    whole = uuid7()
    assert is_suffix(short(whole))
    assert whole.endswith(short(whole))
    assert is_full(whole)
    assert not is_full(short(whole))


@given(st.uuids().map(str), st.integers(1, 36))
def test_any_end_that_is_long_enough_means_an_id(whole, length):
    assert is_suffix(whole[-length:]) is (length >= FEWEST)


@pytest.mark.parametrize("typed", ["", "abcde", "ghijkl", "ABCDEF", "abc def", "a" * 37, "../../x"])
def test_what_cannot_be_an_end_is_none(typed):
    assert not is_suffix(typed)
