"""`python -m bench.all`: every benchmark, and docs/benchmarks.md written anew from their JSON."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from shared.kernel.clock import utc_now

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
NOT_BENCHMARKS = {
    "__init__",
    "all",
    "boltons_changes",
    "harness",
    "peers",
    "gate_simulation",
    "targets",
    "worlds",
}


def names() -> list[str]:
    """Every file of this folder that is a benchmark."""
    return sorted(each.stem for each in HERE.glob("*.py") if each.stem not in NOT_BENCHMARKS)


def page(results: list[dict[str, Any]]) -> str:
    """The Markdown page of these results."""
    lines = ["# Benchmarks", "", f"Measured on {utc_now():%Y-%m-%d} by `make bench`.", ""]
    for each in results:
        holds = {True: "holds", False: "**does not hold**", None: "claims nothing"}[each["holds"]]
        columns = list(each["rows"][0]) if each["rows"] else []
        lines += [f"## {each['name']}", "", f"`{each['commit']}` on {each['machine']}.", ""]
        lines += [f"Bar: {each['bar']}: {holds}.", ""]
        lines += ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
        lines += ["| " + " | ".join(_cell(row[c]) for c in columns) + " |" for row in each["rows"]]
        lines.append("")
    return "\n".join(lines)


def _cell(value: Any) -> str:
    """Three figures of what is small."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3f}" if 0 < abs(value) < 1 else f"{value:.2f}"


def main() -> None:
    """Run them one after the other; exit 1 if any bar does not hold."""
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
