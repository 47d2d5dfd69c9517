"""Run every benchmark and rewrite docs/benchmarks.md from their results: `python -m bench.all`.

`--quick` runs each on small inputs, and writes nothing.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.harness import format_cell
from shared.kernel.clock import utc_now

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"


def names() -> list[str]:
    """Return the names of all benchmarks: the modules of this folder that call `harness.main`."""
    return sorted(
        each.stem for each in HERE.glob("*.py") if f'main("{each.stem}", run)' in each.read_text()
    )


def page(results: list[dict[str, Any]]) -> str:
    """Return a Markdown page with a table for each result, as `harness.to_json_object` gives it."""
    lines = ["# Benchmarks", "", f"Measured on {utc_now():%Y-%m-%d} by `make bench`.", ""]
    for each in results:
        holds = {True: "holds", False: "**does not hold**", None: "claims nothing"}[each["holds"]]
        columns = list(each["rows"][0]) if each["rows"] else []
        lines += [f"## {each['name']}", "", f"`{each['commit']}` on {each['machine']}.", ""]
        lines += [f"Bar: {each['bar']}: {holds}.", ""]
        lines += [_row(columns), "|" + "---|" * len(columns)]
        lines += [_row([format_cell(row[c]) for c in columns]) for row in each["rows"]]
        lines.append("")
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    """Return a row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def command(name: str, out: Path, *, quick: bool) -> list[str]:
    """Return the command of one benchmark, which writes its result to `out`."""
    only = ["--quick"] if quick else []
    return [sys.executable, "-m", f"bench.{name}", *only, "--json", str(out)]


def main() -> None:
    """Run all benchmarks in turn and write the page; exit with 1 if one fails or misses its bar.

    With `--quick` each runs quickly, which claims nothing, so the page stays as it is.
    """
    parser = argparse.ArgumentParser(description="Run every benchmark.")
    parser.add_argument("--quick", action="store_true", help="small inputs; claims nothing")
    quick = parser.parse_args().quick
    results, failed = [], False
    with tempfile.TemporaryDirectory() as scratch:
        for name in names():
            out = Path(scratch) / f"{name}.json"
            done = subprocess.run(command(name, out, quick=quick), check=False)
            failed |= done.returncode != 0
            if out.exists():
                results.append(json.loads(out.read_text()))
    if not quick:
        PAGE.write_text(page(results))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
