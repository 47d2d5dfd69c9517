"""Places in the tree of paths: a claim meets ancestors, itself and descendants, nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.resolver.domain.book import ClaimIndex
from services.resolver.domain.overlaps import overlap
from services.resolver.domain.path_tree import PathTree
from services.resolver.domain.places import EVERYWHERE, PathPlace, place_of
from shared.targets.paths import literal_pattern, matches
from tests.unit.resolver.test_overlap_patterns import paths, patterns

SEGMENTS = st.lists(st.sampled_from("abc"), max_size=4).map(tuple)
CLAIMS = st.dictionaries(st.sampled_from("xyz"), st.sets(SEGMENTS, max_size=4))
NAMES = st.text(st.sampled_from("aB*?[]! \\#é"), min_size=1, max_size=3)


@pytest.mark.parametrize(
    ("pattern", "place"),
    [
        ("/a/b/", PathPlace(("a", "b"))),
        ("/A/B.py", PathPlace(("a", "b.py"))),
        ("a/b", PathPlace(("a", "b"))),
        ("/foo\\ bar/x\\[1\\].py", PathPlace(("foo bar", "x[1].py"))),
        ("/a/*.py", PathPlace(("a",), exact=False)),
        ("/a/**/b/", PathPlace(("a",), exact=False)),
        ("/e\u0301/", PathPlace(("é",))),
        ("/*/a/", EVERYWHERE),
        ("*.py", EVERYWHERE),
        ("docs/", EVERYWHERE),
        ("!/a/", EVERYWHERE),
        ("/", EVERYWHERE),
        ("", EVERYWHERE),
    ],
)
def test_a_pattern_stands_at_its_longest_prefix_without_globs(pattern, place):
    assert place_of(pattern) == place


@given(st.lists(NAMES, min_size=1, max_size=3).map("/".join), st.booleans())
def test_an_exact_place_is_all_that_its_pattern_covers(path, is_folder):
    pattern = literal_pattern(path + "/" * is_folder)
    place = place_of(pattern)
    if place.exact:
        assert "/".join(place.segments) == path.casefold()
        assert matches(f"{path}/below", (pattern,))


def naive(one, other):
    """Whether one of two places is the other, or above it."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


@given(CLAIMS, st.sets(SEGMENTS, max_size=3), st.sets(st.sampled_from("xyz")))
def test_the_tree_finds_who_a_naive_search_finds(claims, asked, gone):
    tree = PathTree()
    for holder, places in claims.items():
        for each in places:
            tree.add(holder, [each])
    for holder in gone:
        tree.remove(holder)
    expected = {
        holder
        for holder, places in claims.items()
        if holder not in gone and any(naive(one, other) for one in places for other in asked)
    }
    assert set(tree.in_the_way(asked)) == expected


def test_what_was_taken_back_leaves_nothing_in_the_tree():
    tree = PathTree()
    tree.add("x", [("a", "b"), ("a", "c"), ()])
    tree.add("y", [("a", "b", "d")])
    for holder in "xyx":
        tree.remove(holder)
    assert vars(tree._root) == vars(PathTree()._root)


@given(st.lists(patterns, min_size=1, max_size=3), st.lists(patterns, min_size=1, max_size=3))
def test_patterns_meet_where_the_overlap_test_says_so_and_their_places_allow_it(one, other):
    index = ClaimIndex()
    index.put("other", other)
    found = list(index.overlapping("one", one))
    assert len(found) <= overlap(one, other)


@given(
    st.lists(patterns, min_size=1, max_size=3),
    st.lists(patterns, min_size=1, max_size=3),
    st.lists(paths, max_size=10),
)
def test_claims_that_share_a_file_always_meet(one, other, files):
    index = ClaimIndex()
    index.put("other", other)
    if any(matches(path, one) and matches(path, other) for path in files):
        assert list(index.overlapping("one", one)) == ["other"]


def test_nobody_is_in_their_own_way():
    index = ClaimIndex()
    index.put("one", ["/a/"])
    assert list(index.overlapping("one", ["/a/b/"])) == []
    index.put("one", None)
    assert list(index.overlapping("other", ["/a/"])) == []
