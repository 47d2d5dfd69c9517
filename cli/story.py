"""The story of a change, for a person: a line for each thing that happened, and one for a long series."""

import textwrap
from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.markup import escape

from cli.text import count, seconds, short
from shared.contracts.story import Story, StoryStep

WIDTH = 100
# What stands before the sentence: time and name.
INDENT = 25
LISTED_TESTS = 3
STYLES = {
    "landed": "green",
    "approved": "green",
    "refused": "red",
    "rolled_back": "red",
    "kept": "red",
    "asked": "yellow",
    "held": "yellow",
    "returned": "yellow",
    "let_go": "yellow",
}
NAMES = {
    "let_go": "let go",
    "rolled_back": "rolled back",
    "kept": "not undone",
    "asked": "waits",
    "mutants": "planted",
    "held": "held back",
    "elsewhere": "elsewhere",
}
# Of what there may be many that say the same.
SERIES = {"run", "elsewhere"}
TIMED = {"head", "run", "elsewhere", "mutants", "benchmarks"}


def show_story(story: Story, console: Console) -> None:
    """Every step in order; runs that say the same one after the other are one line."""
    console.print("\n[bold]Story[/]")
    day = None
    named: tuple[str, ...] = ()
    for series in condensed(story.steps):
        first = series[0]
        if first.at is not None and first.at.date() != day:
            day = first.at.date()
            console.print(f"  [dim]{day.isoformat()}[/]")
        _show(series, named, console)
        named = series[-1].against or named


def condensed(steps: Sequence[StoryStep]) -> list[tuple[StoryStep, ...]]:
    """Series of runs of one purpose and one answer; everything else alone."""
    series: list[tuple[StoryStep, ...]] = []
    for key, group in groupby(steps, key=_alike):
        together = tuple(group)
        series += [together] if key[0] in SERIES else [(each,) for each in together]
    return series


def _alike(step: StoryStep) -> tuple[str, str, bool | None, bool]:
    worse = None if step.worse is None else step.worse > 0
    # What it did alone is never one of many.
    purpose = "" if step.kind == "elsewhere" else step.purpose
    alone = step.kind == "run" and step.changes == 1
    return (step.kind, purpose, worse, alone)


def _show(series: Sequence[StoryStep], named: Sequence[str], console: Console) -> None:
    """`named` are the tests that were listed last, and need not be again."""
    first = series[0]
    at = f"{first.at:%H:%M:%S}" if first.at else ""
    name = first.purpose if first.kind == "run" else NAMES.get(first.kind, first.kind)
    style = STYLES.get(first.kind, "default")
    lines = _wrapped(_sentence(series))
    console.print(
        f"  [dim]{at:<8}[/]  [{style}]{escape(name):<{INDENT - 12}}{escape(lines[0])}[/]",
    )
    for line in [*lines[1:], *_asked(series), *_tests(series[-1], named)]:
        console.print(f"{'':<{INDENT}}[dim]{escape(line)}[/]")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH - INDENT, break_long_words=False) or [""]


def _sentence(series: Sequence[StoryStep]) -> str:
    """The only step's own, or what all of them come to."""
    first = series[0]
    took = [each.seconds for each in series if each.seconds is not None and each.kind in TIMED]
    time = f" ({seconds(sum(took))})" if took else ""
    if len(series) == 1:
        return first.sentence + time
    sizes = ", ".join(str(each.changes) for each in series)
    answer = "none worse: cleared" if not first.worse else f"{_figures(series)} worse: a suspect"
    if first.kind == "elsewhere":
        answer = f"{_figures(series)} worse without it as well"
    if first.worse is None:
        answer = "no answer"
    return f"{count(len(series), 'run')} of {sizes} changes: {answer}{time}"


def _figures(series: Sequence[StoryStep]) -> str:
    figures = sorted({each.worse or 0 for each in series})
    return f"{figures[0]} to {figures[-1]}" if len(figures) > 1 else str(figures[0])


def _asked(series: Sequence[StoryStep]) -> list[str]:
    """Why it was run; of a series, why the last one was."""
    last = series[-1]
    if last.kind not in {"run", "benchmarks"} or not last.asked:
        return []
    run = f" · run {short(last.run)}" if len(series) == 1 and last.run else ""
    return _wrapped(f"asked: {last.asked}{run}")


def _tests(step: StoryStep, named: Sequence[str]) -> list[str]:
    """What speaks against it, unless that was said just before."""
    if step.kind not in {"run", "refused", "held"} or set(step.against) == set(named):
        return []
    lines = list(step.against[:LISTED_TESTS])
    if len(step.against) > LISTED_TESTS:
        lines.append(f"and {len(step.against) - LISTED_TESTS} more")
    return lines
