"""Edits of JSON that keep all other bytes, and that lay out what is new like what is around it."""

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from shared.detectors.n8n.json_text import Json

LINE_BREAK = re.compile(r"\r\n|\n|\r")
DEFAULT_INDENT = "  "


@dataclass(frozen=True, order=True)
class Splice:
    """Replace the text between two offsets by `content`."""

    start: int
    end: int
    content: str


def apply_splices(text: str, splices: Iterable[Splice]) -> str | None:
    """Return the text with all replacements made; None where two of them overlap."""
    done, last = text, len(text) + 1
    for each in sorted(set(splices), reverse=True):
        if each.end > last:
            return None
        done = done[: each.start] + each.content + done[each.end :]
        last = each.start
    return done


def replace_value(text: str, value: Json, data: Any) -> Splice:
    """Return the edit that puts another value in the place of one, laid out like the text."""
    gap = LINE_BREAK.search(text)
    if gap is None or not isinstance(data, dict | list) or not data:
        return Splice(value.start, value.end, dump(data, _colon(text, value)))
    outer = gap.group() + _indent_at(text, value.start)
    return Splice(value.start, value.end, _laid_out(data, outer, _unit(text)))


def dump(data: Any, colon: str = ": ") -> str:
    """Return a value as JSON in one line, in the spelling of n8n: letters are not escaped."""
    separators = (", ", colon) if colon != ":" else (",", ":")
    return json.dumps(data, ensure_ascii=False, separators=separators)


def keep_members(parent: Json, keep: Collection[int]) -> list[Splice]:
    """Return the edits that take all members out of an object or array but these, by index.

    Commas go with them, and what is between the brackets of an emptied one goes, too.
    """
    members = parent.members
    kept = [n for n in range(len(members)) if n in keep]
    if not kept:
        return [Splice(parent.start + 1, parent.end - 1, "")] if members else []
    gaps = [(-1, kept[0]), *pairwise(kept)]
    edits = [
        Splice(members[before + 1].start, members[after].start, "")
        for before, after in gaps
        if after - before > 1
    ]
    if kept[-1] < len(members) - 1:
        edits.append(Splice(members[kept[-1]].value.end, members[-1].value.end, ""))
    return edits


def remove_member(parent: Json, step: str | int) -> list[Splice]:
    """Return the edits that take one member out of an object or array, by its key or index."""
    gone = parent.member(step)
    return keep_members(parent, [n for n, each in enumerate(parent.members) if each is not gone])


def rename_member(parent: Json, old: str, new: str) -> Splice:
    """Return the edit that gives a member of an object another key."""
    member = parent.member(old)
    assert member is not None
    return Splice(member.start, member.key_end, dump(new))


def add_member(text: str, parent: Json, key: str, data: Any, *, after: str = "") -> Splice:
    """Return the edit that adds a key to an object: behind the key `after`, else at the end."""
    colon = _colon(text, parent)
    members = parent.members
    entry = f"{dump(key)}{colon}"
    if not members:
        return _first_member(text, parent, entry, data)
    behind = parent.member(after) or members[-1]
    gap = text[parent.start + 1 : members[0].start]
    if LINE_BREAK.search(gap):
        value = _laid_out(data, gap, _unit(text))
    else:
        gap = "" if colon == ":" else " "
        value = dump(data, colon)
    return Splice(behind.value.end, behind.value.end, f",{gap}{entry}{value}")


def _first_member(text: str, parent: Json, entry: str, data: Any) -> Splice:
    """Return the edit that puts a first member into an empty object."""
    gap = LINE_BREAK.search(text)
    if gap is None:
        return Splice(parent.start, parent.end, f"{{{entry}{dump(data, _colon(text, parent))}}}")
    outer = gap.group() + _indent_at(text, parent.start)
    inner = outer + _unit(text)
    value = _laid_out(data, inner, _unit(text))
    return Splice(parent.start, parent.end, f"{{{inner}{entry}{value}{outer}}}")


def _indent_at(text: str, offset: int) -> str:
    """Return the indentation of the line that has the character at an offset."""
    line_start = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
    match = re.compile(r"[ \t]*").match(text, line_start)
    return match.group() if match else ""


def _laid_out(data: Any, gap: str, unit: str) -> str:
    """Return a value as JSON over several lines; `gap` is the line break before its key."""
    return gap.join(json.dumps(data, ensure_ascii=False, indent=unit).split("\n"))


def _colon(text: str, parent: Json) -> str:
    """Return the colon with its blanks, as the object or else the text has it elsewhere."""
    for each in parent.members:
        if each.key is not None:
            between = text[each.key_end : each.value.start]
            return between if between.strip() == ":" else ": "
    return ":" if '":' in text and '": ' not in text else ": "


def _unit(text: str) -> str:
    """Return the indentation of one level, as the first indented line has it."""
    match = re.search(r"^([ \t]+)\S", text, re.MULTILINE)
    return match.group(1) if match else DEFAULT_INDENT
