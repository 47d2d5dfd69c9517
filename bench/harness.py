"""What every benchmark shares: arguments, the table for people, the JSON, the exit code."""

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


@dataclass(frozen=True)
class Result:
    """One benchmark's outcome. `rows` share their keys; `holds` is None where nothing was claimed."""

    name: str
    bar: str
    rows: Sequence[dict[str, Any]]
    holds: bool | None


def main(name: str, run: Callable[[bool], Result], argv: Sequence[str] | None = None) -> None:
    """Run `run(quick)`, print its table, write `--json`, and exit 1 when its bar does not hold."""
    parser = argparse.ArgumentParser(prog=f"python -m bench.{name}")
    parser.add_argument("--quick", action="store_true", help="a smoke test; claims nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there as well")
    options = parser.parse_args(argv)
    result = run(options.quick)
    show(result, quick=options.quick)
    if options.json:
        options.json.write_text(json.dumps(described(result, quick=options.quick), indent=1) + "\n")
    if result.holds is False and not options.quick:
        sys.exit(1)


def show(result: Result, *, quick: bool) -> None:
    """The table on standard output."""
    console = Console(width=max(120, Console().width))
    table = Table(title=result.name, title_justify="left", box=None)
    for column in result.rows[0] if result.rows else ():
        left = column == "target"
        table.add_column(column, justify="left" if left else "right", no_wrap=left)
    for row in result.rows:
        table.add_row(*(_cell(value) for value in row.values()))
    console.print(table)
    verdict = {True: "holds", False: "DOES NOT HOLD", None: "claims nothing"}
    said = "claims nothing (--quick)" if quick else verdict[result.holds]
    console.print(f"bar: {result.bar}: {said}", highlight=False, soft_wrap=True)


def described(result: Result, *, quick: bool) -> dict[str, Any]:
    """The result as data, with the commit and the machine it was measured on."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    holds = None if quick else result.holds
    return {**asdict(result), "holds": holds, "commit": commit.stdout.strip(), "machine": machine}


def _cell(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
