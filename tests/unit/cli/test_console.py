"""What other people named cannot act on the terminal, wherever the CLI shows it."""

import io
import re
from types import SimpleNamespace

import pytest
from rich.syntax import Syntax
from rich.table import Table

from cli import text as module
from cli.console import SafeConsole, print_data, shown, shown_lines
from cli.progress import Progress
from shared.kernel.errors import GroundswellError

NASTY = "a\x1b[2Jb\x9b31mc\x07d\re\nLanded\u202ef\u2028g\x00"
OBEYED = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def screen():
    file = io.StringIO()
    return SimpleNamespace(
        file=file,
        console=SafeConsole(file=file, force_terminal=False, soft_wrap=True, highlight=False),
    )


def test_a_name_stays_within_its_line_and_shows_what_is_in_it(screen):
    screen.console.print(f"[bold]{shown(NASTY)}[/]")
    told = screen.file.getvalue()
    assert told.count("\n") == 1
    assert not OBEYED.search(told)
    for part in (
        r"\x1b[2J",
        r"\x9b31m",
        r"\x07",
        r"\r",
        r"\nLanded",
        r"\u202e",
        r"\u2028",
        r"\x00",
    ):
        assert part in told


def test_ordinary_text_of_any_language_is_shown_as_it_is():
    assert shown("Prüfung ✓ 試験 no-op (ß)") == "Prüfung ✓ 試験 no-op (ß)"


def test_foreign_markup_is_text(screen):
    screen.console.print(shown("[red]x[/red] [link=http://evil.example]y[/link]"))
    assert "[red]x[/red] [link=http://evil.example]y[/link]" in screen.file.getvalue()


@pytest.mark.parametrize("kind", ["print", "rule", "table", "syntax", "status"])
def test_even_what_was_not_escaped_does_not_reach_the_terminal(screen, kind):
    table = Table(NASTY)
    table.add_row(NASTY)
    if kind == "print":
        screen.console.print(NASTY)
    elif kind == "rule":
        screen.console.rule(NASTY)
    elif kind == "status":
        with screen.console.status(NASTY):
            screen.console.print(NASTY)
    else:
        screen.console.print(table if kind == "table" else Syntax(NASTY, "diff"))
    assert not OBEYED.search(screen.file.getvalue())


def test_colours_of_our_own_still_work():
    file = io.StringIO()
    console = SafeConsole(file=file, force_terminal=True, color_system="standard")
    console.print(f"[red]{shown(NASTY)}[/]")
    assert "\x1b[31m" in file.getvalue()
    assert "\x1b[2J" not in file.getvalue()


def test_lines_of_foreign_output_are_kept_and_indented(screen):
    screen.console.print(shown_lines("one\n\x1b[31mtwo\r\nthree", 4))
    assert screen.file.getvalue() == "one\n    \\x1b[31mtwo\n    three\n"


def test_errors_and_warnings_and_progress(screen, monkeypatch):
    monkeypatch.setattr(module, "err", screen.console)
    module.fail(GroundswellError(NASTY, hint=NASTY))
    module.warn(NASTY)
    with Progress(screen.console) as progress:
        progress.print_line(NASTY)
        progress.set_activity(NASTY)
    told = screen.file.getvalue()
    assert not OBEYED.search(told)
    assert not re.search(r"^Landed", told, re.MULTILINE)


def test_data_for_programs_is_ascii(capsys):
    print_data({"name": NASTY})
    told = capsys.readouterr().out
    assert told.isascii()
    assert not OBEYED.search(told)
