"""Mutants that leave the program as it is are not tried, as no test could kill them."""

import textwrap

import pytest

from services.validator.mutation.domain.placement import place_mutants
from services.validator.mutation.domain.plan import ChangedFile


def described(before, after):
    texts = tuple(textwrap.dedent(each).encode() for each in (before, after))
    plan = place_mutants({"c": [ChangedFile("m.py", texts)]}, 99)
    return {each.mutant.description for each in plan.mutants}


def test_a_return_that_only_ends_the_function_is_not_left_out():
    before = "def f(a):\n    if a:\n        g(a)\n"
    after = "def f(a):\n    if a:\n        g(a)\n        return\n"
    assert "`return` was left out" not in described(before, after)
    inside = "def f(a):\n    for x in a:\n        if x:\n            return\n        g(x)\n"
    assert "`return` was left out" in described("def f(a):\n    pass\n", inside)


@pytest.mark.parametrize("indent", ["", "    "])
def test_what_is_equivalent_depends_on_the_function_around_it(indent):
    owner = "class A:\n" if indent else ""
    last = f"{owner}{indent}def f(a):\n{indent}    g(a)\n{indent}    return\n"
    plain = last.replace(f"{indent}    return\n", "")
    assert described(plain, last) == set()
    assert described(plain, f"{last}{indent}    h(a)\n") == {
        "`return` was left out",
        "`h(a)` was left out",
    }


def test_a_change_with_equivalent_mutants_only_touches_nothing_that_can_be_wrong():
    before = "def f(a):\n    for x in a:\n        g(x)\n"
    after = "def f(a):\n    for x in a:\n        g(x)\n        continue\n"
    assert described(before, after) == set()
