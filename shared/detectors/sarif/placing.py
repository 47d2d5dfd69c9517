"""From what a tool reports to findings in a target, found again after lines have moved."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from shared.contracts.documents.findings import Finding, ReportedFinding
from shared.detectors.findings import Fingerprints, normalized, rule_id
from shared.detectors.ports import FixableFinding, Source
from shared.detectors.sarif.fixes import placed_edits, with_old_texts
from shared.detectors.sources import owned_texts
from shared.detectors.texts import line_at, split_lines

# What is in a longer line is found again by its number alone.
MAX_LINE_CHARACTERS = 500
Lines = dict[str, list[str]]
ELSEWHERE = "{count} {noun} left out: no component owns the file, or agents leave it alone."
MOVED_AWAY = "{count} {noun} left out: the line is not there any more."


def with_lines(reported: Sequence[ReportedFinding], source: Source) -> list[ReportedFinding]:
    """Return what is reported with the text of its line, by which it is found again.

    Its fix gets the texts that it replaces; one whose places are not in the file goes.
    """
    texts = source.texts({each.path for each in reported})
    lines = {path: split_lines(text) for path, text in texts.items()}
    rows = [normalized(line_at(lines.get(each.path, []), each.line)) for each in reported]
    return [
        each.model_copy(
            update={
                "text": row if len(row) <= MAX_LINE_CHARACTERS else "",
                "fix": with_old_texts(each.fix, lines.get(each.path, [])),
            }
        )
        for each, row in zip(reported, rows, strict=True)
    ]


def place_findings(
    reported: Sequence[ReportedFinding], source: Source, *, imported: bool = False
) -> tuple[list[Finding], list[str]]:
    """Return what is reported as findings in a target, and sentences on what is left out."""
    found, notes = place_fixes(reported, source, imported=imported)
    return [each.finding for each in found], notes


def place_fixes(
    reported: Sequence[ReportedFinding], source: Source, *, imported: bool = False
) -> tuple[list[FixableFinding], list[str]]:
    """Return what is reported as findings with edits, and sentences on what is left out.

    What has the text of its line is at the nearest line with that text, or left out. A fix whose
    old texts are not there any more has no edits.
    """
    wanted = {each.path for each in reported}
    texts = owned_texts(source, wanted.__contains__).texts
    lines = {path: split_lines(text) for path, text in texts.items()}
    known = [each for each in reported if each.path in lines]
    rows = {path: _rows_by_text(lines[path]) for path in {each.path for each in known}}
    placed = [
        (row, each) for each in known if (row := _row(each, len(lines[each.path]), rows[each.path]))
    ]
    notes = _notes(ELSEWHERE, len(reported) - len(known)) + _notes(
        MOVED_AWAY, len(known) - len(placed)
    )
    placed.sort(key=lambda each: (each[1].path, each[0], each[1].tool, each[1].code))
    fingerprints: dict[str, Fingerprints] = defaultdict(Fingerprints)
    found = []
    for row, each in placed:
        edits = placed_edits(each.fix, row - each.line, lines[each.path])
        finding = _finding(each, row, lines, source, fingerprints[each.path], imported=imported)
        is_wanted = edits and imported and source.profile.config.policy.unsafe_fixes
        fixable = {"fixable": "unsafe"} if is_wanted else {}
        found.append(FixableFinding(finding.model_copy(update=fixable), edits))
    return found, notes


def _rows_by_text(lines: Sequence[str]) -> dict[str, list[int]]:
    """Return the numbers of lines, counted from 1, by their normalized text."""
    found: dict[str, list[int]] = defaultdict(list)
    for row, line in enumerate(lines, 1):
        found[normalized(line)].append(row)
    return found


def _row(reported: ReportedFinding, count: int, rows: Mapping[str, Sequence[int]]) -> int:
    """Return the line of what is reported in a file of `count` lines, 0 where it is none of them.

    `rows` are the numbers of its lines by their text.
    """
    if not reported.text:
        return reported.line if reported.line <= max(count, 1) else 0
    same = rows.get(reported.text, ())
    return min(same, key=lambda row: abs(row - reported.line), default=0)


def _finding(
    reported: ReportedFinding,
    row: int,
    lines: Lines,
    source: Source,
    fingerprints: Fingerprints,
    *,
    imported: bool,
) -> Finding:
    """Return what is reported as a finding in a line."""
    tool, code, path = reported.tool, reported.code, reported.path
    end = reported.end_line or reported.line
    return Finding(
        rule=rule_id(tool, code),
        severity=reported.severity,
        message=reported.message,
        path=path,
        line=row,
        end_line=min(row + max(end - reported.line, 0), max(len(lines[path]), 1)),
        help_uri=reported.help_uri,
        fingerprint=fingerprints.next(tool, code, path, line_at(lines[path], row)),
        component=source.component(path),
        advice=True,
        imported=imported,
        tool=tool,
    )


def _notes(sentence: str, count: int) -> list[str]:
    """Return a sentence on so many results; none for 0."""
    noun = "result is" if count == 1 else "results are"
    return [sentence.format(count=count, noun=noun)] if count else []
