"""The fixes that a SARIF log offers, as edits of a file in which lines may have moved."""

from collections.abc import Sequence

from shared.contracts.documents.findings import ReportedEdit
from shared.detectors.texts import Edit, Edits, line_at

# Beyond these, columns that count UTF-16 code units are others than those that count characters.
LAST_CHARACTER_OF_ONE_UNIT = "\uffff"


def with_old_texts(fix: Sequence[ReportedEdit], lines: list[str]) -> tuple[ReportedEdit, ...]:
    """Return a fix with the texts that it replaces; empty if a place of it is not in the file."""
    made = [_with_end(each, lines) for each in fix]
    if any(_text_at(each, lines) is None for each in made):
        return ()
    return tuple(each.model_copy(update={"old": _text_at(each, lines)}) for each in made)


def placed_edits(fix: Sequence[ReportedEdit], shift: int, lines: list[str]) -> Edits:
    """Return a fix as edits, so many lines further down; none where the old texts are not there."""
    made = [
        each.model_copy(update={"line": each.line + shift, "end_line": each.end_line + shift})
        for each in fix
    ]
    if any(_text_at(each, lines) != each.old for each in made):
        return ()
    return tuple(Edit((e.line, e.column), (e.end_line, e.end_column), e.new) for e in made)


def _with_end(edit: ReportedEdit, lines: list[str]) -> ReportedEdit:
    """Return an edit with its end column, which is that of the line's end if none is given."""
    if edit.end_column:
        return edit
    line = line_at(lines, edit.end_line).rstrip("\r\n")
    return edit.model_copy(update={"end_column": len(line) + 1})


def _text_at(edit: ReportedEdit, lines: list[str]) -> str | None:
    """Return what an edit replaces; None where its place is not in the file, or unsure."""
    start, end = (edit.line, edit.column), (edit.end_line, edit.end_column)
    if not (1 <= edit.line <= len(lines) + 1 and start <= end):
        return None
    # The line after the last one is where a text is appended.
    rows = [*lines, ""][edit.line - 1 : edit.end_line]
    if len(rows) != edit.end_line - edit.line + 1:
        return None
    if any(each > LAST_CHARACTER_OF_ONE_UNIT for row in rows for each in row):
        return None
    if edit.column > len(rows[0]) + 1 or edit.end_column > len(rows[-1]) + 1:
        return None
    rows[-1] = rows[-1][: edit.end_column - 1]
    return "".join(rows)[edit.column - 1 :]
