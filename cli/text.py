"""What is written to a terminal: errors, warnings, times, short ids."""

import os
import re
import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from shared.kernel.errors import GroundswellError

SHORT = 8
OURS = re.compile(
    r"(?<![\w./-])groundswell (?=(?:run|up|wave|enhancement|backtest|init|doctor|example)\b)"
)

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def warn(sentence: str) -> None:
    """One line on standard error."""
    err.print(f"[yellow]![/] {escape(sentence)}")


def fail(error: GroundswellError) -> None:
    """What was wrong, and what to do."""
    err.print(f"[bold red]error:[/] {escape(error.message)}")
    if error.hint:
        err.print(f"[dim]hint:[/]  {escape(spelled(error.hint))}")


def spelled(text: str) -> str:
    """Commands of ours in `text` as they have to be typed here: `groundswell` may not be on PATH."""
    program = Path(sys.argv[0])
    if shutil.which("groundswell") or program.name != "groundswell":
        return text
    place = os.path.relpath(program)
    return OURS.sub(f"{place if not place.startswith('..') else program} ", text)


def short(full: str) -> str:
    """The end of an id: UUIDv7s made together share their beginning."""
    return full[-SHORT:]


def seconds(value: float | None) -> str:
    """A time for people."""
    if value is None:
        return "not measured"
    minutes, rest = divmod(value, 60)
    return f"{minutes:.0f} min {rest:.0f} s" if minutes else f"{rest:.1f} s"


def count(number: int, one: str, many: str = "") -> str:
    """`1 change`, `2 changes`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
