"""Which functions must be called otherwise after a change, and which its new lines call."""

import pytest

from services.resolver.domain.signatures import called_names, changed_signatures

BEFORE = b"""\
class Till:
    def __init__(self, money): ...
    def pay(self, amount, /, *, tip=0): ...
def total(prices, start=0): ...
"""


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("prices, start=0", "prices, start=0, end=1", {"total"}),
        ("prices, start=0", "prices, start", {"total"}),
        ("prices, start=0", "values, start=0", {"total"}),
        ("total(", "summed(", {"total"}),
        ("def total", "async def total", {"total"}),
        ("self, money", "self, money, bank", {"Till"}),
        ("tip=0", "tip", {"pay"}),
        ("tip=0", "tip=0, **rest", {"pay"}),
        ("prices, start=0", "prices: list[int], start: int = 0", set()),
        ("start=0", "start=1", set()),
        ("amount, /", "sum, /", set()),
        (": ...", ": pass", set()),
        ("class Till:", "class Till(", set()),
    ],
)
def test_a_change_of_what_callers_must_write(old, new, changed):
    after = BEFORE.replace(old.encode(), new.encode())
    assert changed_signatures(BEFORE, after) == changed


def test_only_calls_in_the_given_lines_count():
    source = b"f()\na.g(1)\nh(\n  2,\n)\n(lambda: 0)()\n"
    assert called_names(source, [(1, 2)]) == {"g"}
    assert called_names(source, [(3, 4)]) == {"h"}
    assert called_names(source, [(0, 6)]) == {"f", "g", "h"}
    assert called_names(source, []) == called_names(b"f(", [(0, 1)]) == set()
