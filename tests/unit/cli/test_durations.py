"""Durations for people, at the limits of what they are rounded to."""

import pytest

from cli.text import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "not measured"),
        (0, "0.0 s"),
        (1.54, "1.5 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (60, "1 min 0 s"),
        (119.4, "1 min 59 s"),
        (119.7, "2 min 0 s"),
        (123, "2 min 3 s"),
        (3599.6, "60 min 0 s"),
    ],
)
def test_no_duration_has_sixty_seconds(seconds, text):
    assert duration(seconds) == text
