"""Run every benchmark and rewrite docs/benchmarks.md from their results: `python -m bench.all`."""

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


def main() -> None:
    """Run all benchmarks in turn and write the page; exit with 1 if one fails or misses its bar."""
    results, failed = [], False
    with tempfile.TemporaryDirectory() as scratch:
        for name in names():
            out = Path(scratch) / f"{name}.json"
            done = subprocess.run(
                [sys.executable, "-m", f"bench.{name}", "--json", out], check=False
            )
            failed |= done.returncode != 0
            if out.exists():
                results.append(json.loads(out.read_text()))
    PAGE.write_text(page(results))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
