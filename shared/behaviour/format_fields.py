"""The fields of texts that `str.format` and the operator `%` fill."""

import re
import string
from dataclasses import dataclass

PERCENT_FIELD = re.compile(r"%(?:\((?P<key>[^()]*)\))?(?P<kind>[^(%]*?[a-zA-Z%]|$|.)", re.DOTALL)


@dataclass(frozen=True)
class Field:
    """A text and the field after it, if any, as `str.format` reads them.

    `argument` is a number or a keyword; None where no field follows the text. `reads` is what is
    read of the argument, such as `.b[0]`.
    """

    literal: str
    argument: str | None = None
    reads: str = ""
    spec: str = ""
    conversion: str | None = None


def fields_of(text: str) -> list[Field] | None:
    """Return the texts and fields of a format, with empty fields numbered.

    Returns None where `str.format` refuses it, or where a specification has fields itself.
    """
    found: list[Field] = []
    count = 0
    try:
        parsed = [*string.Formatter().parse(text)]
    except ValueError:
        return None
    names = [_split(name)[0] for _, name, _, _ in parsed if name is not None]
    if any(not each for each in names) and any(each.isdigit() for each in names):
        return None
    for literal, name, spec, conversion in parsed:
        if name is None:
            found.append(Field(literal))
            continue
        argument, reads = _split(name)
        if "{" in (spec or "") or argument.isdigit() > argument.isdecimal():
            return None
        if not argument:
            argument, count = str(count), count + 1
        number = str(int(argument)) if argument.isdecimal() else argument
        found.append(Field(literal, number, reads, spec or "", conversion))
    return found


def _split(name: str) -> tuple[str, str]:
    """Split the name of a field into its argument and what is read from that: `a`, `.b[0]`."""
    end = next((n for n, each in enumerate(name) if each in ".["), len(name))
    return name[:end], name[end:]


def keys_of_percent(text: str) -> set[str] | None:
    """Return the keys for which a `%` format asks a dict; None if it asks for anything else."""
    found = [match.groups() for match in PERCENT_FIELD.finditer(text)]
    fields = [(key, kind) for key, kind in found if (key, kind) != (None, "%")]
    if any(key is None or "*" in kind or not kind.isalpha() for key, kind in fields):
        return None
    return {key for key, _ in fields}


def pieces_of_percent(text: str) -> list[str] | None:
    """Return texts and the letters of the fields between them, `s` and `r`, of a `%` format.

    Returns None where it has any other field.
    """
    pieces = [""]
    position = 0
    while position < len(text):
        if text[position] != "%":
            pieces[-1] += text[position]
            position += 1
            continue
        letter = text[position + 1 : position + 2]
        if letter == "%":
            pieces[-1] += "%"
        elif letter in {"s", "r"}:
            pieces += [letter, ""]
        else:
            return None
        position += 2
    return pieces
