"""Which changes leave the compiled program as it is, and which only look as if they did."""

import itertools
import textwrap

import pytest

from services.validator.proof.comparison.compare import Comparer


def compare(before, after):
    texts = [textwrap.dedent(each).encode() for each in (before, after)]
    return Comparer().compare(*texts)


SAME = {
    "comments and layout": ("x = 1\n", "# one\nx = (\n    1\n)\n"),
    "a pass too many (PIE790)": ('def f():\n    "doc"\n    pass\n', 'def f():\n    "doc"\n'),
    "nested conditions (SIM102)": (
        "def f(a, b):\n    if a:\n        if b:\n            return 1\n",
        "def f(a, b):\n    if a and b:\n        return 1\n",
    ),
    "nested managers (SIM117)": (
        "def f(a, b):\n    with a:\n        with b:\n            a()\n",
        "def f(a, b):\n    with a, b:\n        a()\n",
    ),
    "an alias that renames nothing (PLC0414)": ("import os as os\n", "import os\n"),
    "a negated identity (E714)": (
        "def f(a):\n    return not a is None\n",
        "def f(a):\n    return a is not None\n",
    ),
    "a coding comment (UP009)": ("# -*- coding: utf-8 -*-\nx = 'ü'\n", "x = 'ü'\n"),
    "else after return (RET505)": (
        "def f(a):\n    if a:\n        return 1\n    else:\n        return g(a)\n",
        "def f(a):\n    if a:\n        return 1\n    return g(a)\n",
    ),
    "line ends": ("x = 1\r\ny = 2\r\n", "x = 1\ny = 2\n"),
    "one statement of many": (
        "import os\n\n\ndef f(a):\n    if not (a):\n        return 1\n\n\nclass A:\n    x = 1\n",
        "import os\n\n\ndef f(a):\n    if not a:\n        return 1\n\n\nclass A:\n    x = 1\n",
    ),
}


@pytest.mark.parametrize("pair", SAME.values(), ids=SAME)
def test_the_same_program_is_proven(pair):
    assert compare(*pair) is not None


BY_FORM = {
    "values returned by way of a name": (
        "def f(a):\n    x = g(a)\n    return x\n",
        "def f(a):\n    return g(a)\n",
    ),
    "returns of None": (
        "def f(a):\n    if a:\n        g(a)\n        return\n    return None\n",
        "def f(a):\n    if a:\n        g(a)\n",
    ),
    "truth values": (
        "def f(a):\n    while True if a else False:\n        g(a)\n",
        "def f(a):\n    while a:\n        g(a)\n",
    ),
    "choices": (
        "def f(a):\n    if a:\n        x = 1\n    else:\n        x = 2\n    return x + 1\n",
        "def f(a):\n    x = 1 if a else 2\n    return x + 1\n",
    ),
    "branches that do the same": (
        (
            "def f(a, b):\n    if a:\n        g(1)\n    elif b:\n        g(1)\n    else:\n"
            "        g(2)\n"
        ),
        "def f(a, b):\n    if a or b:\n        g(1)\n    else:\n        g(2)\n",
    ),
    "negated conditions": (
        (
            "def f(a):\n    if not a:\n        x = g(1)\n        g(x)\n    else:\n"
            "        g(2)\n    return 3\n"
        ),
        (
            "def f(a):\n    if a:\n        g(2)\n    else:\n        x = g(1)\n        g(x)\n"
            "    return 3\n"
        ),
    ),
    "branches after one that leaves": (
        (
            "def f(a):\n    for x in a:\n        if x:\n            g(x)\n"
            "            continue\n        elif h(x):\n            g(3)\n            g(4)\n"
            "        else:\n            g(5)\n"
        ),
        (
            "def f(a):\n    for x in a:\n        if x:\n            g(x)\n"
            "            continue\n        if h(x):\n            g(3)\n            g(4)\n"
            "        else:\n            g(5)\n"
        ),
    ),
}


@pytest.mark.parametrize("form", BY_FORM)
def test_equivalent_spellings_are_reduced_to_one(form):
    found = compare(*BY_FORM[form])
    assert found is not None
    assert set(found) <= {form, "choices"}


def test_a_condition_that_gives_a_truth_value_is_returned_as_it_is():
    before = "def f(a, b):\n    if a in b:\n        return True\n    return False\n"
    after = "def f(a, b):\n    return a in b\n"
    assert compare(before, after) == ("choices", "truth values")
    assert compare(before.replace("a in b", "a == b"), after.replace("a in b", "a == b")) is None


DIFFERENT = {
    "another constant of equal value": ("x = 1\n", "x = True\n"),
    "the sign of zero": ("x = 0.0\n", "x = -0.0\n"),
    "another name": ("def f(a):\n    return a\n", "def f(b):\n    return b\n"),
    "a docstring": ('def f():\n    """One."""\n', 'def f():\n    """Two."""\n'),
    "the docstring of the module": ("'a'\nx = 1\n", "'b'\nx = 1\n"),
    "a statement before what becomes the docstring": ("pass\n'a'\n", "'a'\n"),
    "an import that nothing uses": ("import os\nx = 1\n", "x = 1\n"),
    "a debug branch, which -O leaves out": ("if __debug__:\n    f()\n", "f()\n"),
    "a text that is joined": ("x = 'a' % b\n", "x = f'a'\n"),
    "annotations that are evaluated": (
        "from __future__ import annotations\ndef f(a: int): pass\n",
        "def f(a: int): pass\n",
    ),
    "a line that continues": ("x = f \\\n\n(y)\n", "x = f \\\n(y)\n"),
    "lines inside of a string": (
        "x = '''\nif a:\n    pass\n'''\n",
        "x = '''\nif a:\n    pass\n\n'''\n",
    ),
    "a name that a `finally` reads": (
        (
            "def f(a):\n    x = 1\n    try:\n        x = g(a)\n        return x\n"
            "    finally:\n        h(x)\n"
        ),
        "def f(a):\n    x = 1\n    try:\n        return g(a)\n    finally:\n        h(x)\n",
    ),
    "a name held while a manager ends": (
        "def f(a):\n    with a:\n        x = g(a)\n        return x\n",
        "def f(a):\n    with a:\n        return g(a)\n",
    ),
    "a name of a closure": (
        "def f(a):\n    def h():\n        return x\n    g(h)\n    x = a()\n    return x\n",
        "def f(a):\n    def h():\n        return x\n    g(h)\n    return a()\n",
    ),
    "a global name": (
        "def f(a):\n    global x\n    x = g(a)\n    return x\n",
        "def f(a):\n    global x\n    return g(a)\n",
    ),
    "a parameter that is assigned": (
        "def f(x):\n    x = g(x)\n    return x\n",
        "def f(x):\n    return g(x)\n",
    ),
    "names that are read unspelled": (
        "def f(a):\n    x = g(a, locals)\n    return x\n",
        "def f(a):\n    return g(a, locals)\n",
    ),
    "the truth of what is no truth value": (
        "def f(a):\n    return True if a else False\n",
        "def f(a):\n    return a\n",
    ),
    "a branch that may go on": (
        "def f(a):\n    if a:\n        g()\n    else:\n        h()\n",
        "def f(a):\n    if a:\n        g()\n    h()\n",
    ),
    "two branches that do the same by different conditions": (
        "def f(a, b):\n    if a:\n        g(1)\n    elif b:\n        g(1)\n",
        "def f(a, b):\n    if a and b:\n        g(1)\n",
    ),
    "other effects first": (
        "def f(a):\n    if a():\n        g.x = 1\n    else:\n        g.y = 1\n",
        "def f(a):\n    g.x = 1 if a() else 1\n",
    ),
}


@pytest.mark.parametrize("pair", DIFFERENT.values(), ids=DIFFERENT)
def test_what_may_differ_is_not_proven(pair):
    assert compare(*pair) is None


def test_invalid_deep_and_huge_files_are_not_proven():
    deep = "x = " + "-" * 100_000 + "1\n"
    assert compare("def f(:\n", "def f( :\n") is None
    assert compare(deep, "\n" + deep) is None
    huge = "x = 1\n" * 200_000
    assert compare(huge, huge + "\n") is None
    assert Comparer().compare(b"# coding: no-such\nx=1\n", b"# coding: no-such\nx = 1\n") is None


def test_changes_that_build_on_each_other_are_compared_by_the_statements_that_differ():
    base = "".join(
        f"def f{n}(a):\n    if a:\n        return {n}\n    else:\n        return 0\n"
        for n in range(50)
    )
    comparer, texts = Comparer(), [base]
    for n in range(50):
        changed = texts[-1].replace(
            f"return {n}\n    else:\n        return 0\n", f"return {n}\n    return 0\n", 1
        )
        texts.append(changed)
    pairs = itertools.pairwise(texts)
    assert [comparer.compare(a.encode(), b.encode()) for a, b in pairs] == [()] * 50
