"""The arguments of calls of `subprocess`, by the names that they have had since Python 3.7."""

import ast

from shared.behaviour.code import ParsedFile

RUN = "subprocess.run"
POPEN = frozenset(
    {RUN, "subprocess.Popen", "subprocess.check_output"}
    | {"subprocess.call", "subprocess.check_call"}
)
NEW_NAMES = {"universal_newlines": "text"}
PIPES = (("stdout", "PIPE"), ("stderr", "PIPE"))
CAPTURE = ("capture_output", ast.dump(ast.Constant(value=True)))


def keywords_of(call: ast.Call, code: ParsedFile) -> list[tuple[str, str]] | None:
    """Return the keywords in order with dumped values, and how output is captured at the end.

    Returns None where they cannot be told, or are refused as given twice.
    """
    found: list[tuple[str, str]] = []
    for each in call.keywords:
        if each.arg is None:
            return None
        is_pipe = code.origin(each.value) == "subprocess.PIPE"
        value = "PIPE" if is_pipe else ast.dump(each.value)
        found.append((NEW_NAMES.get(each.arg, each.arg), value))
    names = [name for name, _ in found]
    if len(set(names)) != len(names):
        return None
    if code.origin(call.func) != RUN:
        return found
    return _with_capture_last(found)


def _with_capture_last(found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the keywords of `run`, with two pipes, or `capture_output=True`, put to the end."""
    names = {name for name, _ in found}
    if all(each in found for each in PIPES) and CAPTURE[0] not in names:
        return [each for each in found if each not in PIPES] + [CAPTURE]
    if CAPTURE in found and names.isdisjoint({"stdout", "stderr"}):
        return [each for each in found if each != CAPTURE] + [CAPTURE]
    return found
