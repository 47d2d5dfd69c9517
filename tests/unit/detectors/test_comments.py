"""A fix that would drop what a person wrote beside the code is not offered."""

import pytest

from shared.detectors import comments
from shared.detectors.comments import drops_comment
from shared.detectors.texts import Edit
from shared.kernel.sections import TextSection

LOOP = "for x in y:\n    # a promise to the customers\n    use(x)\n"


def replaced(text, content, *, first=1, last=None):
    """Edits that replace whole lines of a text."""
    end = last or text.count("\n") + 1
    return (Edit((first, 1), (end, 1), content),)


@pytest.mark.parametrize(
    ("text", "content", "drops"),
    [
        (LOOP, "all(map(use, y))\n", True),
        (LOOP, "# a promise to the customers\nall(map(use, y))\n", False),
        (LOOP, "#a  promise to the customers\nall(map(use, y))\n", False),
        ("import os  # for later\n", "", True),
        ("import os  # type: ignore[import]\n", "", True),
        ("import os  # noqa: E402\n", "", True),
        ("x = '# no comment'\n", "x = ''\n", False),
        ("# -*- coding: utf-8 -*-\nx = 1\n", "x = 1\n", False),
        ("#!/usr/bin/python\n# coding=utf-8\n", "#!/usr/bin/python\n", False),
        ("x = 1\ny = 2\n# coding: by hand\n", "x = 1\n", True),
        ("# twice\nx = 1\n# twice\n", "# twice\n", True),
        ("x = (  # broken\n", "x = (\n", True),
    ],
)
def test_comments_are_compared_by_their_words(text, content, drops):
    assert drops_comment(text, replaced(text, content)) is drops


def test_a_comment_elsewhere_is_none_of_the_fix():
    text = "x = 1\n# why\ny = 2\n"
    assert not drops_comment(text, (Edit((1, 1), (1, 6), "x = 2"),))


@pytest.mark.parametrize("dropped", ["# one", "# two", "# three", "# four"])
def test_a_fix_is_compared_in_the_statements_that_it_edits_alone(dropped, monkeypatch):
    text = "a = 1  # one\n\nclass C:\n    b = 2  # two\n\n    c = 3  # three\n\nd = 4  # four\n"
    compared, count = [], comments._comments
    monkeypatch.setattr(comments, "_comments", lambda *some: compared.append(some) or count(*some))
    row = text[: text.index(dropped)].count("\n") + 1
    column = text.splitlines()[row - 1].index("#") + 1
    end = (row, column + len(dropped))
    assert drops_comment(text, (Edit((row, column), end, ""),))
    assert not drops_comment(text, (Edit((row, column), end, f"#  {dropped[2:]}"),))
    assert len(compared) == 4
    assert all(part.count("#") <= 1 for part, _ in compared)


@pytest.mark.parametrize(
    "text",
    [
        "#!/usr/bin/python\n# coding: x\nimport os  # a\n# b\n\nx = '#'\nclass C:  # c\n    # d\n",
        "import os\nimport sys  # coding: x\nimport io  # coding: x\n# a\n",
        "# a\ndef f(:\n    x = '#'  # b\n",
    ],
)
def test_the_comments_of_a_text_are_those_of_the_whole(text, monkeypatch):
    by_section = comments._comments.__wrapped__(text, 2)
    monkeypatch.setattr(comments, "split_sections", lambda whole: (TextSection(whole),))
    assert by_section == comments._comments.__wrapped__(text, 2)
