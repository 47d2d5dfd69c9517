"""The stack at rest: `groundswell up` is ready in at most 6 s, and takes at most 600 MB in all.

The limits are the peers here. Ready is what a person sees: from typing the command to the line that
says so. Memory is the resident size of every process of the stack and of the command that keeps it,
added up ten seconds later; shared pages count once per process, so it is an upper bound.
"""

import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from bench.harness import Result, main

READY, MEMORY = 6.0, 600.0
ROUNDS = 5
REST = 10.0


def run(quick: bool) -> Result:
    """Medians over some rounds, the first with an empty home."""
    with TemporaryDirectory(prefix="groundswell-bench-") as scratch:
        measured = [
            measure(Path(scratch) / "home", rest=1.0 if quick else REST)
            for _ in range(1 if quick else ROUNDS)
        ]
    ready = statistics.median(each[0] for each in measured)
    memory = statistics.median(each[1] for each in measured)
    rows = [
        {"target": "ready, s", "median": ready, "limit": READY, "of limit": ready / READY},
        {"target": "idle, MB", "median": memory, "limit": MEMORY, "of limit": memory / MEMORY},
    ]
    holds = ready <= READY and memory <= MEMORY
    return Result("stack", "ready <= 6 s, idle <= 600 MB resident", rows, holds)


def measure(home: Path, *, rest: float) -> tuple[float, float]:
    """Seconds until ready, and megabytes at rest."""
    environment = {**os.environ, "GROUNDSWELL_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "up", "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if line.startswith("ready"):
                break
        ready = time.perf_counter() - started
        time.sleep(rest)
        return ready, megabytes(psutil.Process(process.pid))
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()


def megabytes(owner: psutil.Process) -> float:
    """The resident size of a process and all below it."""
    everyone = [owner, *owner.children(recursive=True)]
    return sum(each.memory_info().rss for each in everyone) / (1 << 20)


if __name__ == "__main__":
    main("stack", run)
