"""Wall time of `groundswell run` against the target's own suite: at most 4 x the suite + 20 s.

The peer is the suite run by hand (`python -m pytest -q` in the environment that Groundswell built).
The targets are source archives from PyPI, downloaded into a scratch directory, and the bundled
example. All agent types that a user gets are at work. Each run starts with an empty
GROUNDSWELL_HOME, so its time includes starting the stack, building the environment and running the
baseline.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.harness import Result, main
from bench.targets import copy_example, download, write_small_target

PACKAGES = ("boltons", "more-itertools", "schema", "tabulate")
MAX_SUITE_RATIO, ALLOWANCE_SECONDS = 4.0, 20.0
SUITE_RUNS = 3


def run(quick: bool) -> Result:
    """Measure each target; `quick` measures only a small generated target."""
    with TemporaryDirectory(prefix="groundswell-bench-") as scratch:
        names = () if quick else PACKAGES
        rows = [measure(each, download(each, Path(scratch)), Path(scratch)) for each in names]
        if quick:
            last, target = "small", write_small_target(Path(scratch))
        else:
            last, target = "examples/shop", copy_example(Path(scratch))
        rows.append(measure(last, target, Path(scratch)))
    holds = all(row["of limit"] <= 1.0 for row in rows)
    return Result("run_overhead", "wall time <= 4 x suite + 20 s on every target", rows, holds)


def measure(name: str, target: Path, scratch: Path) -> dict[str, Any]:
    """Time one cold run, then the suite by hand in its environment; exit if the run fails."""
    home = scratch / f"home-{name.replace('/', '-')}"
    environment = {**os.environ, "GROUNDSWELL_HOME": str(home)}
    command = [sys.executable, "-m", "cli", "run", str(target), "--json"]
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - started
    if done.returncode != 0:
        raise SystemExit(f"groundswell run {name} failed:\n{done.stdout}\n{done.stderr}")
    report = json.loads(done.stdout)
    suite = suite_seconds(target, home)
    limit = MAX_SUITE_RATIO * suite + ALLOWANCE_SECONDS
    return {
        "target": name,
        "suite s": suite,
        "wall s": wall,
        "limit s": limit,
        "of limit": wall / limit,
        **time_by_phase(report, wall),
        "landed": len(report["landed"]),
        "refused": len(report["rejected"]),
    }


def suite_seconds(target: Path, home: Path) -> float:
    """Return the median time of the suite run by hand, in seconds."""
    python = next((home / "environments").glob("*/bin/python"))
    seconds = []
    for _ in range(SUITE_RUNS):
        started = time.perf_counter()
        subprocess.run(
            [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider"],
            cwd=target,
            env={
                **os.environ,
                "PYTHONPATH": f"{target}:{target / 'src'}",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            capture_output=True,
            check=False,
        )
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def time_by_phase(report: dict[str, Any], wall: float) -> dict[str, float]:
    """Divide the wall time of a run into environment, test runs, and the rest, in seconds."""
    environment = float(report["environment_seconds"] or 0.0)
    runs = sum(float(each["seconds"]) for each in report["runs"])
    return {"environment s": environment, "runs s": runs, "rest s": wall - environment - runs}


if __name__ == "__main__":
    main("run_overhead", run)
