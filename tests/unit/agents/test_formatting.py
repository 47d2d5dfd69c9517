"""What a fix changed is formatted as the target's formatter would, and nothing else is."""

import ast

import pytest

from services.agents.domain import formatting
from services.agents.domain.formatting import Formatted, format_where_changed
from shared.kernel.sections import TextSection


def result(before, after, *, neat_before="", neat_after=""):
    """`before` and `after` are as the formatter writes them, unless it writes otherwise."""
    return format_where_changed(
        Formatted(before, neat_before or before), Formatted(after, neat_after or after)
    )


def test_a_text_that_was_formatted_stays_so():
    before = "import os\n\n\ndef f():\n    return 1\n"
    after, neat = "\n\ndef f():\n    return 1\n", "def f():\n    return 1\n"
    assert result(before, after, neat_after=neat) == neat


def test_only_changed_lines_that_were_formatted_are_in_any_other():
    before, neat_before = "a=1\nb = set( [1] )\n", "a = 1\nb = set([1])\n"
    after, neat = "a=1\nb = { 1 }\n", "a = 1\nb = {1}\n"
    assert result(before, after, neat_before=neat_before, neat_after=neat) == after
    before = before.replace("( [1] )", "([1])")
    formatted = result(before, after, neat_before=neat_before, neat_after=neat)
    assert formatted == "a=1\nb = {1}\n"


def test_lines_that_would_be_put_in_elsewhere_are_not():
    before = "import a\ndef f():\n    return set([1])\n"
    after = "import a\ndef f():\n    return {1}\n"
    neat = "import a\n\n\ndef f():\n    return {1}\n"
    assert result(before, after, neat_before=neat + "#", neat_after=neat) == after


@pytest.mark.parametrize(
    ("before", "after", "neat", "expected"),
    [
        ("a=1\nimport os\n\n\nx = 1\n", "a=1\n\n\nx = 1\n", "a = 1\n\nx = 1\n", "a=1\n\nx = 1\n"),
        ("import os\n\na=1\n", "\na=1\n", "a = 1\n", "a=1\n"),
        (
            "a=1\n\n\n\nb = set()\n",
            "a=1\n\n\n\nb = {}\n",
            "a = 1\n\nb = {}\n",
            "a=1\n\n\n\nb = {}\n",
        ),
        (
            "a=1\nb = c\n",
            "a=1\ndef b(): c\n",
            "a = 1\n\n\ndef b():\n    c\n",
            "a=1\n\n\ndef b():\n    c\n",
        ),
        ("a=1\n\n\n\nb\n", "a=1\n\n\n\nb\nc\n", "a = 1\n\nb\nc\n", "a=1\n\n\n\nb\nc\n"),
    ],
)
def test_blank_lines_beside_what_is_gone_are_those_of_the_formatter(before, after, neat, expected):
    neat_before = before.replace("a=1", "a = 1")
    assert result(before, after, neat_before=neat_before, neat_after=neat) == expected


def test_blank_lines_that_were_not_the_formatters_stay_where_a_neighbour_is_gone():
    before = "def f():\n    x = 1\n    return x\n\n\n\ny=2\n"
    after = "def f():\n    return 1\n\n\n\ny=2\n"
    neat = "\n\n\ny = 2\n"
    assert (
        result(
            before,
            after,
            neat_before=before.replace("\n\n\n\ny=2\n", neat),
            neat_after=after.replace("\n\n\n\ny=2\n", neat),
        )
        == after
    )


LONG = "x=1\ny = f(\n    list(one),\n    other,\n)\n"


def test_a_statement_that_was_formatted_is_formatted_as_a_whole():
    after = LONG.replace("list(one)", "one")
    neat = "x = 1\ny = f(one, other)\n"
    neat_before = LONG.replace("x=1", "x = 1")
    expected = "x=1\ny = f(one, other)\n"
    assert result(LONG, after, neat_before=neat_before, neat_after=neat) == expected
    gone = LONG.replace("    other,\n", "")
    assert result(LONG, gone, neat_before=neat_before, neat_after="x = 1\ny = f(list(one))\n") == (
        "x=1\ny = f(list(one))\n"
    )


def test_one_that_was_not_keeps_the_lines_that_did_not_change():
    before = "y = f(\n  list(one),\n  other\n)\n"
    after = before.replace("list(one)", "one")
    neat_before = "y = f(list(one), other)\n"
    mixed = result(before, after, neat_before=neat_before, neat_after="y = f(one, other)\n")
    assert mixed == after


def test_what_would_mean_something_else_is_not_taken():
    before, after = "x = f(1,\n2)\n", "x = g(1,\n2)\n"
    mixed = result(before, after, neat_before="x = f(1, 2)\n", neat_after="x = g(1, 2)\n")
    assert ast.dump(ast.parse(mixed)) == ast.dump(ast.parse(after))
    assert result("x\n", "x = 1\n", neat_after="x = 2\n") == "x = 1\n"


def test_a_text_that_cannot_be_parsed_is_left_as_it_is():
    assert result("def f(:\n", "def g(:\n", neat_after="def h(:\n") == "def g(:\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "# a\n\n\nimport os\n\n\n# b\n\ndef f():\n    # c\n\n    return 1\n# d\n\n\n",
        "@a\n\n@b\nclass C:\n    x = '''\nd\n'''\n\n    def f(self): pass\n\n\nC\n",
        "if C:\n    1\nelse:\n    2",
        "a = 1\r\n\r\nb = [\r\n1,\r\n]\r\n",
        "a = 1\n\n\ndef f(:\n    # e\n\n\nb = 2\n",
    ],
)
def test_the_parts_of_a_text_are_those_of_the_whole(text, monkeypatch):
    parts = formatting._parts.__wrapped__(text)
    monkeypatch.setattr(formatting, "split_sections", lambda whole: (TextSection(whole),))
    whole = formatting._parts.__wrapped__(text)
    assert parts == whole
    assert "".join(each.blanks + each.text for each in parts) == text
