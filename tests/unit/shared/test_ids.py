"""Ids sort by their age and never repeat."""

import uuid
from concurrent.futures import ThreadPoolExecutor

from shared.kernel.ids import uuid7


def test_later_ones_are_greater_also_within_a_millisecond():
    made = [uuid7() for _ in range(5000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_threads_never_get_the_same():
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: uuid7(), range(4000)))
    assert len(set(made)) == len(made)


def test_they_are_version_seven_of_the_rfc_variant():
    made = uuid.UUID(uuid7())
    assert made.version == 7
    assert made.variant == uuid.RFC_4122


def test_a_clock_that_was_set_back_does_not_set_ids_back(monkeypatch):
    before = uuid7()
    monkeypatch.setattr("time.time_ns", lambda: 0)
    assert uuid7() > before
