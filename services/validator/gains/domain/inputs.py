"""What was recorded of the calls of functions, and what the replay of them is given.

All of it is data of the target. What is pickled in it is never loaded outside of the sandbox.
"""

import json
from collections.abc import Sequence
from typing import Any

from services.validator.gains.domain.functions import MeasuredFunction


def replay_inputs(recorded: bytes, functions: Sequence[MeasuredFunction]) -> str:
    """Return the JSON for the replay of recorded calls; empty if none was recorded.

    `recorded` has a line for each call; of a line that is damaged, nothing is taken.
    """
    found: dict[int, dict[str, Any]] = {}
    path: list[str] = []
    for line in recorded.splitlines():
        call = _read(line)
        number = call.get("function", -1)
        if not 0 <= number < len(functions):
            continue
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
        module, data = str(call["module"]), str(call["input"])
        return {"function": int(call["function"]), "module": module, "path": path, "input": data}
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError):
        return {}
