"""Runs tests whose calls of functions are timed: a script that runs alone, for one tree.

Beside it lie our package, `timed_tests.json`, and a `sitecustomize` that installs the timer; the
working directory is the tree. For each function it prints a line `name (n calls in tests) value ns`
with the time of all its calls. How the tests end is not looked at.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

# Printed where no function was called with what can be copied.
NOTHING_TIMED = "none of its calls can be made twice in a test"


def environment(folder: str, content: dict[str, Any]) -> dict[str, str]:
    """Return the variables of the tests' command."""
    found = dict(os.environ)
    found["PYTHONPATH"] = os.pathsep.join([folder, *filter(None, [found.get("PYTHONPATH")])])
    options = ["-p", content["plugin"], "-p", "no:randomly", "--maxfail=0"]
    found["PYTEST_ADDOPTS"] = " ".join([*options, "-o", f"cache_dir={folder}/cache"])
    found["GROUNDSWELL_TIMES"] = os.path.join(folder, "times.jsonl")  # noqa: PTH118
    if content["tests"]:
        found["GROUNDSWELL_SELECT"] = os.path.join(folder, "select.json")  # noqa: PTH118
        with open(found["GROUNDSWELL_SELECT"], "w", encoding="utf-8") as file:  # noqa: PTH123
            json.dump(content["tests"], file)
    return found


def measured(path: str, labels: list[str]) -> list[str]:
    """Return a line for each function with a call in the file of times."""
    calls: dict[str, list[float]] = {}
    if os.path.exists(path):  # noqa: PTH110
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            for each in map(json.loads, file):
                calls.setdefault(labels[each["function"]], []).append(each["seconds"])
    return [
        "%s (%d calls in tests) %.3f ns" % (label, len(times), sum(times) * 1e9)  # noqa: UP031
        for label, times in sorted(calls.items())
    ]


def main() -> int:
    """Run the tests, write the lines, and return the exit code."""
    folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    with open(os.path.join(folder, "timed_tests.json"), encoding="utf-8") as file:  # noqa: PTH118, PTH123
        content = json.load(file)
    variables, nowhere = environment(folder, content), subprocess.DEVNULL
    subprocess.run(content["command"], env=variables, stdout=nowhere, stderr=nowhere, check=False)
    lines = measured(variables["GROUNDSWELL_TIMES"], content["labels"])
    if not lines:
        print(NOTHING_TIMED, flush=True)  # noqa: T201
        return 1
    with open(os.environ["GROUNDSWELL_BENCH_OUT"], "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
