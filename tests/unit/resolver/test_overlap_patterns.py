"""Overlaps: a wrong "yes" costs a wait, a wrong "no" lets two agents into the same file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.resolver.domain.overlaps import overlap
from shared.targets.paths import matches

names = st.sampled_from(["a", "b", "src", "Src", "m.py", "M.PY", "x-1", "[a]", "é"])
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
pieces = st.sampled_from(
    ["a", "b", "src", "Src", "m.py", "*.py", "*.PY", "*", "**", "x-1", "[a-b]", "[ab]*", "?", "é"]
)
patterns = st.tuples(
    st.sampled_from(["", "", "/", "**/", "!"]),
    st.lists(pieces, min_size=1, max_size=4).map("/".join),
    st.sampled_from(["", "/", "/**", "/*"]),
).map("".join)
sets = st.lists(patterns, min_size=1, max_size=3)


@given(sets, sets, st.lists(paths, max_size=10))
def test_sets_that_share_a_file_overlap(one, other, files):
    if any(matches(path, one) and matches(path, other) for path in files):
        assert overlap(one, other)


@given(sets, sets)
def test_it_does_not_matter_who_is_asked_first(one, other):
    assert overlap(one, other) == overlap(other, one)


@given(sets)
def test_a_set_overlaps_itself(one):
    assert overlap(one, one)


def test_an_empty_set_overlaps_nothing():
    assert not overlap([], ["*"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/a/", "/b/"),
        ("/src/a/", "/src/b/"),
        ("/src/a.py", "/src/b.py"),
        ("/src/*.py", "/src/a/"),
        ("/src/*.py", "/src/notes.md"),
        ("src/a/", "src/b/"),
        ("/a/b/", "/b/a/"),
        ("/data?/", "/data/"),
    ],
)
def test_what_can_be_told_apart_does_not_wait_for_each_other(one, other):
    assert not overlap([one], [other])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", "/b/"),  # not anchored: it may be anywhere
        ("*.py", "/src/"),
        ("/src/**", "/src/a/b.py"),
        ("/**/m.py", "/a/"),
        ("/src/a*", "/src/*b"),
        ("!/a/", "/b/"),  # takes something out of another pattern
        ("/src", "/src/a/b/"),
    ],
)
def test_in_doubt_they_overlap(one, other):
    assert overlap([one], [other])


@pytest.mark.parametrize(
    ("one", "other", "path"),
    [
        pytest.param("/[^a]/", "/b/", "b/x.py", id="negated with a caret"),
        pytest.param("/[!a]", "/A", "A", id="capitals outside a negated set"),
        pytest.param("/foo\\ bar/", "/foo bar/", "foo bar/x.py", id="escaped space"),
        pytest.param("/\\#a/", "/#a/", "#a/x.py", id="escaped hash"),
        pytest.param("/a ", "/a", "a", id="trailing space"),
        pytest.param("/ß/", "/?/", "ß/x.py", id="a letter that folds into two"),
    ],
)
def test_patterns_written_in_unusual_ways_overlap_where_they_share_a_file(one, other, path):
    if not (matches(path, [one]) and matches(path, [other])):
        pytest.skip("they do not share it")
    assert overlap([one], [other])
