"""The mode in which a call of `open` opens a file."""

import ast

MEANINGFUL = frozenset("rwxabt+")
DEFAULT_MODE = "r"


def mode_of(call: ast.Call) -> str | None:
    """Return the letters of the mode of a call of `open` without `t`, sorted; `r` if it has none.

    Returns None where the mode cannot be told, or `open` would refuse it.
    """
    if any(isinstance(each, ast.Starred) for each in call.args):
        return None
    if any(each.arg is None for each in call.keywords):
        return None
    given = [*call.args[1:2], *(each.value for each in call.keywords if each.arg == "mode")]
    if not given:
        return DEFAULT_MODE
    value = given[0].value if isinstance(given[0], ast.Constant) else None
    if len(given) > 1 or not isinstance(value, str) or not _is_valid(value):
        return None
    return "".join(sorted(set(value) - {"t"}))


def _is_valid(mode: str) -> bool:
    """Return whether `open` accepts a mode, on every Python 3 (`U` is not, since 3.11)."""
    letters = set(mode)
    return (
        letters <= MEANINGFUL
        and len(letters) == len(mode)
        and len(letters & set("rwxa")) == 1
        and not letters >= {"b", "t"}
    )


def rest_of(call: ast.Call) -> list[str]:
    """Return the arguments of a call of `open` besides the mode, as dumped syntax trees."""
    kept = [each for each in call.keywords if each.arg != "mode"]
    return [ast.dump(each) for each in (*call.args[:1], *call.args[2:], *kept)]
