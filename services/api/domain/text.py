"""Phrases that several sentences of the API are made of."""

from collections.abc import Sequence


def first_of(tests: Sequence[str]) -> str:
    """Return the first test id, and how many more there are."""
    return tests[0] if len(tests) == 1 else f"{tests[0]} and {len(tests) - 1} more"


def count(number: int, noun: str) -> str:
    """Return a number with its noun: `1 test`, `2 tests`."""
    return f"{number} {noun}{'s' * (number != 1)}"


def percent(share: float) -> str:
    """Return a share as a percentage: `95 %`."""
    return f"{share:.0%}".replace("%", " %")
