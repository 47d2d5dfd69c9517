"""Start time and idle memory of the stack: `groundswell up` is ready in 6 s and uses 600 MB.

There is no peer, only these limits. The start time is what a user waits: from the command to the
line "ready". Memory is what all processes of the stack and the command itself take ten seconds
later: their proportional set sizes added up, which count a page that several share once in all.
"""

import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from bench.harness import Result, main

MAX_START_SECONDS, MAX_MEMORY_MB = 6.0, 600.0
REPETITIONS = 5
IDLE_SECONDS, QUICK_IDLE_SECONDS = 10.0, 1.0
BYTES_PER_MB = 1 << 20


def run(quick: bool) -> Result:
    """Report medians over several starts, the first of which has an empty home directory."""
    with TemporaryDirectory(prefix="groundswell-bench-") as scratch:
        measured = [
            measure(
                Path(scratch) / "home", idle_seconds=QUICK_IDLE_SECONDS if quick else IDLE_SECONDS
            )
            for _ in range(1 if quick else REPETITIONS)
        ]
    ready = statistics.median(each[0] for each in measured)
    memory = statistics.median(each[1] for each in measured)
    rows = [
        limit_row("ready, s", ready, MAX_START_SECONDS),
        limit_row("idle, MB", memory, MAX_MEMORY_MB),
    ]
    holds = ready <= MAX_START_SECONDS and memory <= MAX_MEMORY_MB
    return Result("stack", "ready <= 6 s, idle <= 600 MB (proportional set size)", rows, holds)


def limit_row(name: str, median: float, limit: float) -> dict[str, Any]:
    """Return one row of the table, with the measured value as a share of its limit."""
    return {"target": name, "median": median, "limit": limit, "of limit": median / limit}


def measure(home: Path, *, idle_seconds: float) -> tuple[float, float]:
    """Start the stack once; return the seconds until it is ready and its idle memory in MB."""
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
        time.sleep(idle_seconds)
        return ready, proportional_megabytes(psutil.Process(process.pid))
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()


def proportional_megabytes(process: psutil.Process) -> float:
    """Return the proportional set sizes of a process and all its descendants, added up, in MB."""
    processes = [process, *process.children(recursive=True)]
    return sum(each.memory_full_info().pss for each in processes) / BYTES_PER_MB


if __name__ == "__main__":
    main("stack", run)
