"""Consoles on which foreign text cannot act: what is no printable character is shown escaped."""

import json
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment

# Line ends are the layout's own by the time a segment is shown.
LAYOUT = "\n"


class SafeConsole(Console):
    r"""A console that shows control characters in any text as escapes, such as `\x1b`.

    A terminal would obey them: a test's name could move the cursor, or hide what follows it.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Return the segments of a renderable, with its text made harmless."""
        for each in super().render(renderable, options):
            yield each if each.control else Segment(without_controls(each.text, LAYOUT), each.style)


def shown(text: str) -> str:
    """Return foreign text for a place within a line: no markup, only printable characters."""
    return escape(without_controls(text))


def shown_lines(text: str, indent: int = 0) -> str:
    """Return foreign text that may have several lines; all but the first are indented.

    So none of them looks like a line of ours.
    """
    return f"\n{'':{indent}}".join(map(shown, text.splitlines()))


def without_controls(text: str, kept: str = "") -> str:
    """Return `text` with every character escaped that is not printable, but those in `kept`."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in kept else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    r"""Return a character as an escape, such as `\x1b`."""
    return character.encode("unicode_escape").decode()


def print_data(data: BaseModel | Any) -> None:
    """Print data for another program as JSON, in ASCII: a terminal obeys some other characters."""
    value = data.model_dump(mode="json") if isinstance(data, BaseModel) else data
    print(json.dumps(value, indent=1))  # noqa: T201 - data for another program
