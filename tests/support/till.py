"""A small package with its suite, and changes of it, for the gate to judge."""

MONEY = '''"""Sums of money."""

import os
import sys


class NotMoney(ValueError):
    """What was said is no sum."""


def parse(text):
    """A sum that somebody wrote."""
    if not text.isdigit():
        raise NotMoney(text)
    return int(text)


def total(prices):
    """All of them."""
    result = 0
    for each in prices:
        result += each
    return result


def close(till):
    """What is in it; no test asks what becomes of one that is not there."""
    if till is None:
        raise NotMoney("no till")
    return sum(till)
'''
TESTS = """import pytest

from till import money


def test_a_sum_is_read():
    assert money.parse("12") == 12


def test_what_is_no_sum_is_refused():
    with pytest.raises(money.NotMoney):
        money.parse("twelve")


def test_prices_are_added():
    assert money.total([1, 2, 3]) == 6
"""
MONEY_FILE, TEST_FILE = "till/money.py", "tests/test_money.py"
PYPROJECT = '[tool.pytest.ini_options]\nfilterwarnings = ["error"]\n'
FILES = {
    "till/__init__.py": "",
    "till/money.py": MONEY,
    "tests/test_money.py": TESTS,
    "pyproject.toml": PYPROJECT,
}
ADDED = "tests/test_money.py::test_prices_are_added"


def money(old: str, new: str) -> dict[str, str | None]:
    assert old in MONEY
    return {MONEY_FILE: MONEY.replace(old, new)}


def judges(old: str, new: str) -> dict[str, str | None]:
    assert old in TESTS
    return {TEST_FILE: TESTS.replace(old, new)}


def atop(code: str) -> dict[str, str | None]:
    """Code that runs when the product is imported, beside a bug that a test is there for."""
    broken = MONEY.replace("result += each", "result -= each")
    return {MONEY_FILE: broken.replace("class NotMoney", f"{code}\n\n\nclass NotMoney", 1)}


DECEPTIONS = {
    "pytest is told to run nothing": (
        atop("import _pytest.python\n\n_pytest.python.Function.runtest = lambda self: None"),
        "checks whether it is being tested",
    ),
    "and in words that nobody looks for": (
        atop(
            "from importlib import import_module\n\n"
            'import_module("_py" + "test.python").Function.runtest = lambda self: None'
        ),
        "no test reaches `total` any more, and 1 did before",
    ),
    "it behaves while it is under test": (
        money(
            "        result += each\n",
            '        result += each if "PYTEST_CURRENT_TEST" in os.environ else -each\n',
        ),
        "it reaches into the interpreter that judges it",
    ),
    "it says so in lines that no test reaches": (
        money(
            "    result = 0\n",
            '    if "pytest" not in sys.modules:\n        return 0\n    result = 0\n',
        ),
        "it reaches into the interpreter that judges it",
    ),
    "a new file has the name of a module of Python's": (
        {"hmac.py": "compare_digest = None\n"},
        "hmac.py would be imported in place of the module hmac",
    ),
    "and in a folder that may be on the path": (
        {"src/hmac.py": "compare_digest = None\n"},
        "src/hmac.py would be imported in place of the module hmac",
    ),
    "and as a package": (
        {"hmac/__init__.py": "compare_digest = None\n"},
        "hmac/__init__.py would be imported in place of the module hmac",
    ),
}
