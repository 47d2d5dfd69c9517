"""What is written to a terminal: errors, warnings, times, short ids."""

from rich.console import Console
from rich.markup import escape

from shared.kernel.errors import GroundswellError

SHORT = 8

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def warn(sentence: str) -> None:
    """One line on standard error."""
    err.print(f"[yellow]![/] {escape(sentence)}")


def fail(error: GroundswellError) -> None:
    """What was wrong, and what to do."""
    err.print(f"[bold red]error:[/] {escape(error.message)}")
    if error.hint:
        err.print(f"[dim]hint:[/]  {escape(error.hint)}")


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
