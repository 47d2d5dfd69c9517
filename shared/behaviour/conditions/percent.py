"""Edits of texts that the operator `%` fills.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast

from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.conditions.formatting import (
    conversions_between,
    formatted_parts,
    parts_of_f_string,
    reason_of_order,
)
from shared.behaviour.conditions.spelling import not_builtin
from shared.behaviour.conditions.types import as_format, percent_parts, unevident_value, unless_all
from shared.behaviour.evidence import INT, STR
from shared.behaviour.place import Place


@condition(
    "each value is evidently text or an int, or only read and written by %r, and there is one for "
    "each field of the literal"
)
def as_f_string(place: Place) -> Answer:
    """`"%s" % x` and `f"{x}"` both give `str(x)` if `x` is text or an int.

    `%` evaluates all values before it formats the first one, and an f-string one after the other.
    Formatting texts and ints has no effect, so that nobody can tell. Where `%r` formats anything
    else, all values but the first must only be read, so that nothing comes between. A field `{x!s}`
    formats the text that `str(x)` gives, if `str` is Python's own.
    """
    found = percent_parts(place.old) if isinstance(place.new, ast.JoinedStr) else None
    if found is None or isinstance(found, str):
        return found
    pieces, values = found
    call = as_format(pieces, values)
    expected = formatted_parts(call)
    assert isinstance(place.new, ast.JoinedStr)
    between = conversions_between(expected or [], parts_of_f_string(place.new))
    if expected is None or between is None:
        return None
    foreign = (why for each in between if (why := not_builtin(place, each)))
    if why := next(foreign, None) or unevident_value(place, pieces, values):
        return why
    quiet = unless_all(place, {STR, INT}, "text or an int", *values) == HOLDS
    return HOLDS if quiet else reason_of_order(place, call)
