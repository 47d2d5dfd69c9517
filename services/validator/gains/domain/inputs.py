"""What was recorded of the calls of functions, and what the replay of them is given.

All of it is data of the target. What is pickled in it is never loaded outside of the sandbox.
"""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from services.validator.gains.domain.functions import MeasuredFunction


@dataclass(frozen=True)
class RecordedCalls:
    """What tests called: `inputs` is the JSON for the replay, empty without any input.

    `unpickled` are the numbers of functions of whose different calls at least half have arguments
    that do not pickle. `tests` are those that call any function; none where that is not known.
    """

    inputs: str = ""
    unpickled: frozenset[int] = frozenset()
    tests: tuple[str, ...] = ()
    is_empty: bool = True


def read_calls(recorded: bytes, functions: Sequence[MeasuredFunction]) -> RecordedCalls:
    """Return what was recorded of the calls of functions.

    `recorded` has a line for each call; of a line that is damaged, nothing is taken.
    """
    calls = [_read(line) for line in recorded.splitlines()]
    calls = [each for each in calls if 0 <= each.get("function", -1) < len(functions)]
    if not calls:
        return RecordedCalls()
    pickled = Counter(each["function"] for each in calls if each["input"] is not None)
    unpickled = Counter(each["function"] for each in calls if each["input"] is None)
    tests = {each["test"] for each in calls}
    return RecordedCalls(
        _replay_inputs(calls, functions),
        frozenset(each for each, count in unpickled.items() if count >= pickled[each]),
        () if "" in tests else tuple(sorted(tests)),
        is_empty=False,
    )


def _replay_inputs(calls: Collection[dict[str, Any]], functions: Sequence[MeasuredFunction]) -> str:
    """Return the JSON for the replay of recorded calls; empty if none has an input."""
    found: dict[int, dict[str, Any]] = {}
    path: list[str] = []
    for call in calls:
        if call["input"] is None:
            continue
        number = call["function"]
        path = path or call["path"]
        known = found.setdefault(number, _entry(functions[number], call["module"]))
        if call["module"] == known["module"] and call["input"] not in known["inputs"]:
            known["inputs"].append(call["input"])
    return json.dumps({"path": path, "functions": list(found.values())}) if found else ""


def _entry(function: MeasuredFunction, module: str) -> dict[str, Any]:
    """Return what the replay has to know of a function of a module, without inputs yet."""
    return {
        "label": function.label,
        "module": module,
        "name": function.name,
        "decorated": function.decorated,
        "inputs": [],
    }


def _read(line: bytes) -> dict[str, Any]:
    """Return one recorded call, or nothing if its line is damaged."""
    try:
        call = json.loads(line)
        path = [str(each) for each in call["path"]]
        return {
            "function": int(call["function"]),
            "module": str(call["module"]),
            "path": path,
            "input": None if call["input"] is None else str(call["input"]),
            "test": str(call["test"]),
        }
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError):
        return {}
