"""Comments that tell linters to be silent count for as much as they do for flake8 and pylint."""

import pytest

from shared.detectors.linters import is_silenced

IMPORT = "from x import (\n    a,\n    b,{}\n){}\n"


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "#noqa",
        "# NOQA:F401",
        "# noqa: E501,F401",
        "# noqa:E501 F401",
        "# noqa : F401",
        "# noqa F401",
        "# kept for others  # noqa: F401",
        "# pylint: disable=unused-import",
        "# pylint:disable=W0611,C0301",
        "# type: ignore # pylint: disable=unused-import",
    ],
)
def test_a_comment_anywhere_in_a_statement_counts_for_all_of_it(comment):
    for text in (IMPORT.format(f"  {comment}", ""), IMPORT.format("", f"  {comment}")):
        assert is_silenced(text, 2, "F401")
        assert not is_silenced(f"{text}import y\n", 5, "F401")


@pytest.mark.parametrize(
    "comment",
    ["# noqa: E501", "# noqaa", "# pylint: disable=line-too-long", "# pylint: enable=all", "# no"],
)
def test_a_comment_about_something_else_does_not(comment):
    assert not is_silenced(IMPORT.format("", f"  {comment}"), 2, "F401")


BLOCK = """def f():
    # pylint: disable=unused-variable
    if g():
        a = 1
    return 2


def h():
    b = 1
"""


def test_alone_on_a_line_it_counts_for_the_rest_of_the_block():
    assert is_silenced(BLOCK, 4, "F841")
    assert not is_silenced(BLOCK, 9, "F841")


def test_alone_at_the_top_it_counts_for_the_file():
    text = (
        f"'''Doc.'''\n# pylint: disable=unused-variable\n{BLOCK.replace('    # pylint', '    #')}"
    )
    assert is_silenced(text, 11, "F841")
    assert is_silenced("import os\n# pylint: skip-file\n", 1, "F401")


def test_on_a_header_it_counts_for_the_block():
    text = BLOCK.replace("def h():", "def h():  # pylint: disable=unused-variable")
    assert is_silenced(text, 9, "F841")
    assert is_silenced(
        text.replace("    # pylint: disable=unused-variable\n", "    #\n"), 9, "F841"
    )
    assert not is_silenced(text + "b = 1\n", 10, "F841")


def test_it_may_be_about_the_next_statement():
    text = "# pylint: disable-next=unused-import\n\nimport os\nimport re\n"
    assert is_silenced(text, 3, "F401")
    assert not is_silenced(text, 4, "F401")


def test_text_in_a_string_and_code_that_is_not_valid_say_nothing():
    assert not is_silenced("x = '# noqa'\n", 1, "F401")
    assert not is_silenced("x = (\n'  # noqa\n", 1, "F401")
