"""What was recorded of the calls of functions, and what the replay of them is given.

All of it is data of the target. What is pickled in it is never loaded outside of the sandbox.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from services.validator.gains.domain.functions import MeasuredFunction

# As many calls of a function are timed in tests as `call_timer` takes.
MAX_TIMED_CALLS = 20


@dataclass(frozen=True)
class RecordedCalls:
    """What tests called: `inputs` is the JSON for the replay, empty without any input.

    It has the functions of whose different calls more than half have arguments that pickle. `tests`
    make the first calls of each function; none where that is not known.
    """

    inputs: str = ""
    tests: tuple[str, ...] = ()
    is_empty: bool = True


def read_calls(recorded: bytes, functions: Sequence[MeasuredFunction]) -> RecordedCalls:
    """Return what was recorded of the calls of functions.

    `recorded` has a line for each call; of a line that is damaged, nothing is taken.
    """
    calls: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for each in map(_read, recorded.splitlines()):
        if 0 <= each.get("function", -1) < len(functions):
            calls[each["function"]].append(each)
    replayed = [
        call
        for mine in calls.values()
        if 2 * sum(each["input"] is not None for each in mine) > len(mine)
        for call in mine
    ]
    tests = {each["test"] for mine in calls.values() for each in mine[:MAX_TIMED_CALLS]}
    return RecordedCalls(
        _replay_inputs(replayed, functions),
        () if "" in tests else tuple(sorted(tests)),
        is_empty=not calls,
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
