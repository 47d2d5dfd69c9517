"""Texts for the terminal: errors, warnings, durations and counts."""

import os
import re
import shutil
import sys
from pathlib import Path

from cli.console import SafeConsole, shown, shown_lines
from shared.kernel.errors import GroundswellError

OWN_COMMAND = re.compile(
    r"(?<![\w./-])groundswell "
    r"(?=(?:run|up|wave|enhancement|findings|backtest|init|components|doctor|example)\b)"
)

# Columns of `error: `, below which further lines stand.
ERROR_INDENT = 7
SECONDS_PER_MINUTE = 60

out = SafeConsole(highlight=False, soft_wrap=True)
err = SafeConsole(stderr=True, highlight=False, soft_wrap=True)


def warn(sentence: str) -> None:
    """Print a warning on standard error."""
    err.print(f"[yellow]![/] {shown(sentence)}")


def fail(error: GroundswellError) -> None:
    """Print what went wrong and, if there is a hint, what to do about it."""
    err.print(f"[bold red]error:[/] {shown_lines(error.message, ERROR_INDENT)}")
    if error.hint:
        err.print(f"[dim]hint:[/]  {shown_lines(as_typed_here(error.hint), ERROR_INDENT)}")


def as_typed_here(text: str) -> str:
    """Return `text` with our commands by a path to our program if that is not on PATH."""
    program = Path(sys.argv[0])
    if shutil.which("groundswell") or program.name != "groundswell":
        return text
    relative = os.path.relpath(program)
    return OWN_COMMAND.sub(f"{program if relative.startswith('..') else relative} ", text)


def duration(seconds: float | None) -> str:
    """Return a duration for people: `1.5 s`, `2 min 3 s`, or `not measured`."""
    if seconds is None:
        return "not measured"
    tenths = round(seconds, 1)
    if tenths < SECONDS_PER_MINUTE:
        return f"{tenths:.1f} s"
    minutes, rest = divmod(round(seconds), SECONDS_PER_MINUTE)
    return f"{minutes} min {rest} s"


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: `1 change`, `2 changes`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
