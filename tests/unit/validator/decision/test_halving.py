"""Groups of suspects that halve the suspects of many tests at once."""

from hypothesis import given
from hypothesis import strategies as st

from services.validator.decision.halving import half, halving_groups

SUSPECTS = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=2), st.floats(0.001, 999), min_size=2, max_size=40
)


@given(SUSPECTS)
def test_a_half_is_neither_empty_nor_so_large_that_it_takes_more_halvings_than_by_number(weights):
    chosen = half(weights, (), ())
    most = 2 ** ((len(weights) - 1).bit_length() - 1)
    assert 0 < len(chosen) <= most
    assert 0 < len(weights) - len(chosen) <= most


def test_a_suspect_with_most_of_the_weight_is_tried_with_as_few_others_as_the_number_allows():
    weights = {f"{n:02}": 1.0 for n in range(44)} | {"import": 100.0}
    chosen = half(weights, (), ())
    assert "import" in chosen
    assert len(chosen) == 45 - 32


def test_a_suspect_with_most_of_the_weight_is_tried_alone_where_the_number_allows_it():
    assert half({"a": 1.0, "b": 9.0, "c": 1.0}, (), ()) == {"b"}


def search(suspects_by_test: dict, culprits: dict[str, str]) -> dict[str, int]:
    """Return by test after how many groups, one at a time, its culprit was the only suspect."""
    found, left, runs = {}, dict(suspects_by_test), 0
    while left:
        (group,) = halving_groups(left.values(), 1)
        runs += 1
        for test, weights in tuple(left.items()):
            fails = culprits[test] in group
            kept = {each: w for each, w in weights.items() if (each in group) == fails}
            left[test] = kept or weights
            if len(kept) == 1:
                assert set(left.pop(test)) == {culprits[test]}
                found[test] = runs
    return found


@given(SUSPECTS, st.data())
def test_one_culprit_is_found_in_the_logarithm_of_the_number_whatever_the_weights(weights, data):
    culprit = data.draw(st.sampled_from(sorted(weights)))
    assert search({"t": weights}, {"t": culprit})["t"] <= (len(weights) - 1).bit_length()


@given(st.data())
def test_the_same_groups_find_the_culprits_of_all_tests_with_the_same_suspects(data):
    names = [f"{n:02}" for n in range(data.draw(st.integers(2, 64)))]
    tests = [f"t{n}" for n in range(data.draw(st.integers(1, 9)))]
    culprits = {test: data.draw(st.sampled_from(names)) for test in tests}
    found = search({test: dict.fromkeys(names, 1.0) for test in tests}, culprits)
    assert max(found.values()) <= (len(names) - 1).bit_length()


def test_one_series_of_groups_finds_each_of_many_suspects():
    names = [f"{n:02}" for n in range(64)]
    asked = halving_groups([dict.fromkeys(names, 1.0)], 6)
    answers = {each: tuple(each in group for group in asked) for each in names}
    assert len(asked) == 6
    assert len(set(answers.values())) == len(names), "each has answers of its own"


def test_tests_that_share_some_suspects_are_both_halved():
    few, many = dict.fromkeys("abcd", 1.0), dict.fromkeys("cdefghij", 1.0)
    (group,) = halving_groups([many, few], 1)
    assert len(group & few.keys()) == 2
    assert len(group & many.keys()) == 4
