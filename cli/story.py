"""The story of a change, for a terminal: a line per step, and one line for a series of runs."""

import textwrap
from collections.abc import Sequence
from itertools import groupby

from rich.console import Console

from cli.console import shown
from cli.text import count, duration
from shared.contracts.story import Story, StoryStep
from shared.kernel.ids import short_id

WIDTH_COLUMNS = 100
TIME_COLUMNS = 12
# The columns of time and step name, before the sentence.
INDENT_COLUMNS = 29
MAX_LISTED_TESTS = 3
STYLES = {
    "landed": "green",
    "approved": "green",
    "rejected": "red",
    "rolled_back": "red",
    "rollback_refused": "red",
    "needs_approval": "yellow",
    "held_back": "yellow",
    "returned": "yellow",
    "expired": "yellow",
    "superseded": "yellow",
    "waits": "yellow",
}
NAMES = {"run_without": "other run", "rollback_refused": "not rolled back"}
# Steps of which many in a row may say the same.
SERIES = frozenset({"run", "run_without"})
TIMED = frozenset({"head", "run", "run_without", "mutants", "benchmarks"})


def show_story(story: Story, console: Console) -> None:
    """Show every step in order; consecutive runs with the same answer share a line."""
    console.print("\n[bold]Story[/]")
    day = None
    last_tests: tuple[str, ...] = ()
    for series in group_series(story.steps):
        first = series[0]
        if first.at is not None and first.at.date() != day:
            day = first.at.date()
            console.print(f"  [dim]{day.isoformat()}[/]")
        _show_series(series, last_tests, console)
        last_tests = series[-1].against or last_tests


def group_series(steps: Sequence[StoryStep]) -> list[tuple[StoryStep, ...]]:
    """Group consecutive runs of one purpose with the same answer; other steps stay alone."""
    series: list[tuple[StoryStep, ...]] = []
    for key, group in groupby(steps, key=_series_key):
        together = tuple(group)
        share_a_line = key[0] in SERIES and not _is_alone(together[0])
        series += [together] if share_a_line else [(each,) for each in together]
    return series


def _series_key(step: StoryStep) -> tuple[str, str, bool | None, bool]:
    """Return what steps must have in common to share a line, the kind first."""
    worse = None if step.worse is None else step.worse > 0
    purpose = "" if step.kind == "run_without" else step.purpose
    return (step.kind, purpose, worse, _is_alone(step))


def _is_alone(step: StoryStep) -> bool:
    """Return whether a step is a run of the change alone, which is never one of a series."""
    return step.kind == "run" and step.changes == 1


def _show_series(series: Sequence[StoryStep], last_tests: Sequence[str], console: Console) -> None:
    """Show a series; `last_tests` were just listed and are not listed again."""
    first = series[0]
    at = f"{first.at:%H:%M:%S}" if first.at else ""
    name = first.purpose if first.kind == "run" else NAMES.get(first.kind, first.kind)
    name = name.replace("_", " ")
    style = STYLES.get(first.kind, "default")
    lines = _wrap(_sentence(series))
    console.print(
        f"  [dim]{at:<8}[/]  [{style}]{shown(name):<{INDENT_COLUMNS - TIME_COLUMNS}}"
        f"{shown(lines[0])}[/]",
    )
    for line in [*lines[1:], *_reason(series), *_tests(series[-1], last_tests)]:
        console.print(f"{'':<{INDENT_COLUMNS}}[dim]{shown(line)}[/]")


def _wrap(text: str) -> list[str]:
    """Return the text in lines that fit beside the time and name; at least one line."""
    return textwrap.wrap(text, WIDTH_COLUMNS - INDENT_COLUMNS, break_long_words=False) or [""]


def _sentence(series: Sequence[StoryStep]) -> str:
    """Return the sentence of a single step, or one that sums up a series."""
    first = series[0]
    took = [each.seconds for each in series if each.seconds is not None and each.kind in TIMED]
    time = f" ({duration(sum(took))})" if took else ""
    if len(series) == 1:
        return first.sentence + time
    sizes = ", ".join(str(each.changes) for each in series)
    return f"{count(len(series), 'run')} of {sizes} changes: {_answer(series)}{time}"


def _answer(series: Sequence[StoryStep]) -> str:
    """Return what a series of runs says about the change."""
    first = series[0]
    if first.worse is None:
        return "no answer"
    if first.kind == "run_without":
        return f"{_worse(series)} worse without it as well"
    return f"{_worse(series)} worse: a suspect" if first.worse else "none worse: cleared"


def _worse(series: Sequence[StoryStep]) -> str:
    """Return the number of worse tests in a series of runs, or its range: `2 to 5`."""
    numbers = sorted({each.worse or 0 for each in series})
    return f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else str(numbers[0])


def _reason(series: Sequence[StoryStep]) -> list[str]:
    """Return why the (last) run of a series was requested, wrapped."""
    last = series[-1]
    if last.kind not in {"run", "benchmarks"} or not last.asked:
        return []
    run = f" · run {short_id(last.run)}" if len(series) == 1 and last.run else ""
    return _wrap(f"why: {last.asked}{run}")


def _tests(step: StoryStep, last_tests: Sequence[str]) -> list[str]:
    """Return the first tests against the change, unless they were just listed."""
    lists_tests = step.kind in {"run", "rejected", "held_back"}
    if not lists_tests or set(step.against) == set(last_tests):
        return []
    lines = list(step.against[:MAX_LISTED_TESTS])
    if len(step.against) > MAX_LISTED_TESTS:
        lines.append(f"and {len(step.against) - MAX_LISTED_TESTS} more")
    return lines
