"""Examples that are tests are read from docstrings, as doctest reads them."""

import pytest

from services.validator.approval.domain import EditedFile, edited_tests_reason
from shared.targets.config import TargetConfig

DOCUMENTED = 'def f(x):\n    """Double.\n\n    >>> f(1)\n    2\n    """\n    return x * 2\n'


def reason(before, after, path="m.py"):
    file = EditedFile(path, before, after, frozenset({f"{path}::m.f"}))
    return edited_tests_reason([file], TargetConfig())


@pytest.mark.parametrize(
    ("old", "new", "counts"),
    [
        ("f(1)", "f(2)", True),
        ("    2\n", "    3\n", True),
        ("Double.", "Doubles it.", False),
        ("return x * 2", "return 2 * x", False),
        # In the raw file, prompts of other things look like examples.
        ("return x * 2", "return [x, '''\n>>> none''']", False),
    ],
)
def test_only_an_example_of_a_docstring_that_is_changed_asks(old, new, counts):
    assert bool(reason(DOCUMENTED, DOCUMENTED.replace(old, new))) is counts


def test_text_beside_docstrings_is_no_example():
    before = "PROMPT = '''\n>>> go\n'''\n" + DOCUMENTED
    assert reason(before, before.replace(">>> go", ">>> went")) == ""


def test_what_an_escape_means_counts_and_not_how_it_is_written():
    before = DOCUMENTED.replace("f(1)", "f('\\d')")
    assert "\\d" in before
    assert reason(before, before.replace("\\d", "\\\\d")) == ""


def test_a_text_file_is_read_as_it_is():
    before = ">>> 1\n1\n"
    assert "example" in reason(before, ">>> 2\n2\n", path="notes.txt")


def test_a_file_that_is_not_valid_is_read_as_it_is():
    before = "def f(:\n    '''\n    >>> 1\n    1\n    '''\n"
    assert "example" in reason(before, before.replace(">>> 1", ">>> 2"))
