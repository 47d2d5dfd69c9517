"""The command line of all benchmarks: options, a table, JSON output, and the exit code."""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

MIN_CONSOLE_COLUMNS = 120


@dataclass(frozen=True)
class Result:
    """The outcome of one benchmark.

    `bar` states the claim. All `rows` have the same keys, the first of which is "target".
    `holds` is None if the benchmark claims nothing.
    """

    name: str
    bar: str
    rows: Sequence[dict[str, Any]]
    holds: bool | None


def main(name: str, run: Callable[[bool], Result], argv: Sequence[str] | None = None) -> None:
    """Run a benchmark from the command line and exit with 1 if its bar does not hold.

    `run` takes whether `--quick` was given, which makes it a smoke test without a claim.
    """
    parser = argparse.ArgumentParser(prog=f"python -m bench.{name}")
    parser.add_argument("--quick", action="store_true", help="a smoke test; claims nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there as well")
    options = parser.parse_args(argv)
    result = run(options.quick)
    print_result(result, quick=options.quick)
    if options.json:
        data = to_json_object(result, quick=options.quick)
        options.json.write_text(json.dumps(data, indent=1) + "\n")
    if result.holds is False and not options.quick:
        sys.exit(1)


def print_result(result: Result, *, quick: bool) -> None:
    """Print the rows as a table, and whether the bar holds."""
    console = Console(width=max(MIN_CONSOLE_COLUMNS, Console().width))
    table = Table(title=result.name, title_justify="left", box=None)
    for column in result.rows[0] if result.rows else ():
        left = column == "target"
        table.add_column(column, justify="left" if left else "right", no_wrap=left)
    for row in result.rows:
        table.add_row(*(format_cell(value) for value in row.values()))
    console.print(table)
    conclusions = {True: "holds", False: "DOES NOT HOLD", None: "claims nothing"}
    conclusion = "claims nothing (--quick)" if quick else conclusions[result.holds]
    console.print(f"bar: {result.bar}: {conclusion}", highlight=False, soft_wrap=True)


def to_json_object(result: Result, *, quick: bool) -> dict[str, Any]:
    """Return a result as a JSON object, with the commit and the machine it was measured on."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    machine = (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}"
    )
    holds = None if quick else result.holds
    return {**asdict(result), "holds": holds, "commit": commit.stdout.strip(), "machine": machine}


def format_cell(value: Any) -> str:
    """Return a value as it stands in a table: a float has two decimals, and below 1 a third one."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3f}" if 0 < abs(value) < 1 else f"{value:.2f}"
