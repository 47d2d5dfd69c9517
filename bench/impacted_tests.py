"""Impacted tests: what recording costs beside coverage.py's contexts, how few are chosen, and how often rightly.

Faults are planted one at a time: the body of a function, drawn by chance, becomes `return None`. The tests that fail then
and passed before are the truth; recall is the share of them that `impacted` had chosen, from a recording of the
tree without the fault. A fault that makes the suite hang says nothing and is left out. Times are processor seconds.
"""

import os
import random  # noqa: TID251 - this is the composition root
import resource
import shutil
import statistics
import subprocess
import sys
import venv
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.harness import Result, main
from bench.targets import copy_example, download
from services.validator import in_target as inside
from services.validator.impact.domain.impact import Change, impacted_tests
from services.validator.suite.adapters.signed_lines import read_lines
from services.validator.suite.domain.imports import imports
from services.validator.suite.domain.recording import ImpactMap
from services.validator.suite.domain.reports import Outcome
from services.validator.suite.domain.sources import Function, read_source

# By how many faults are planted; the suite of the second takes most of a minute for each.
PACKAGES = {"boltons": 40, "more-itertools": 4}
FEW_FAULTS = 3
RUNS = 3
HANGING = 10
SLOWDOWN, RECALL = 2.5, 0.95
CONTEXTS = "[run]\ndynamic_context = test_function\n"


@dataclass(frozen=True)
class Bench:
    """A package and the Python that its tests run with."""

    name: str
    tree: Path
    python: Path

    def suite(
        self, scratch: Path, tree: Path, *, record: bool = False, limit: float = 600
    ) -> "Ran":
        """The whole suite, reported by our plugin as in a sandbox, but in none."""
        shutil.rmtree(scratch, ignore_errors=True)
        (scratch / "keys").mkdir(parents=True)
        (scratch / "keys" / "000").write_bytes(bytes(32))
        shutil.copytree(Path(inside.__file__).parent, scratch / "plugin" / "groundswell_in_target")
        told = {
            "PYTHONPATH": f"{tree}:{tree / 'src'}:{scratch / 'plugin'}",
            "PYTEST_ADDOPTS": "-p groundswell_in_target.by_pytest -p no:cacheprovider",
            "GROUNDSWELL_KEYS": str(scratch / "keys"),
            "GROUNDSWELL_REPORT": str(scratch / "lines"),
        }
        if record:
            told |= {"GROUNDSWELL_RECORD": str(scratch / "map"), "GROUNDSWELL_TREE": str(tree)}
        started = _used()
        code = run_in(tree, [str(self.python), "-m", "pytest", "-q"], told, limit)
        seconds = _used() - started
        if code is None:
            return Ran(seconds, {})
        lines = (scratch / "lines").read_bytes()
        outcome = read_lines(lines, [bytes(32)], exit_code=code, seconds=seconds)
        outcomes = outcome.report.outcomes if hasattr(outcome, "report") else {}
        return Ran(seconds, outcomes, (scratch / "map").read_bytes() if record else b"")

    def with_contexts(self) -> float:
        """The peer: coverage.py, with the test as the context of each line."""
        (self.tree / "contexts.ini").write_text(CONTEXTS)
        command = [
            str(self.python),
            "-m",
            "coverage",
            "run",
            "--rcfile=contexts.ini",
            "-m",
            "pytest",
        ]
        told = {"PYTHONPATH": f"{self.tree}:{self.tree / 'src'}"}
        started = _used()
        run_in(self.tree, [*command, "-q", "-p", "no:cacheprovider"], told, 3600)
        return _used() - started


def _used() -> float:
    """Processor seconds of all children that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@dataclass(frozen=True)
class Ran:
    """Empty `outcomes` where there was no report."""

    seconds: float
    outcomes: dict[str, Outcome]
    recorded: bytes = b""


def run_in(tree: Path, command: list[str], told: dict[str, str], limit: float) -> int | None:
    """The exit code; None where it took too long."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **told}
    try:
        return subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, check=False, timeout=limit
        ).returncode
    except subprocess.TimeoutExpired:
        return None


def run(quick: bool) -> Result:
    """One row per package; `quick` takes the example, and claims nothing."""
    with TemporaryDirectory(prefix="groundswell-bench-") as folder:
        scratch = Path(folder)
        if quick:
            benches = [Bench("examples/shop", copy_example(scratch), Path(sys.executable))]
        else:
            python = an_environment(scratch / "venv")
            benches = [Bench(each, download(each, scratch), python) for each in PACKAGES]
        rows = [measure(each, scratch / "run", quick=quick) for each in benches]
    bar = f"recording <= {SLOWDOWN} x plain; recall of planted faults >= {RECALL}"
    held = all(row["x plain"] <= SLOWDOWN and row["recall"] >= RECALL for row in rows)
    return Result("impacted_tests", bar, rows, held)


def an_environment(at: Path) -> Path:
    """A Python with pytest and the peer."""
    venv.create(at, with_pip=True)
    python = at / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "pytest", "coverage"], check=True)
    return python


def measure(bench: Bench, scratch: Path, *, quick: bool) -> dict[str, Any]:
    """Times in turn, then the faults."""
    plain, recorded, contexts = [], [], []
    for _ in range(1 if quick else RUNS):
        plain.append(bench.suite(scratch, bench.tree))
        recorded.append(bench.suite(scratch, bench.tree, record=True))
        contexts += [] if quick else [bench.with_contexts()]
    before, after = (statistics.median(each.seconds for each in ran) for ran in (plain, recorded))
    impact = _map(recorded[-1].recorded, bench.tree)
    text = impact.to_json().encode()
    return {
        "target": bench.name,
        "tests": len(impact.tests),
        "plain s": before,
        "recorded s": after,
        "x plain": after / before,
        "contexts s": statistics.median(contexts) if contexts else 0.0,
        "map kB": len(text) / 1e3,
        "stored kB": len(zlib.compress(text, 1)) / 1e3,
        "unknown": len(impact.unknown),
        **faults(bench, scratch, impact, plain[-1], PACKAGES.get(bench.name, FEW_FAULTS)),
    }


def _map(content: bytes, tree: Path) -> ImpactMap:
    texts = {str(path.relative_to(tree)): path.read_text() for path in tree.rglob("*.py")}
    return replace(ImpactMap.from_recording(content), imports=imports(texts))


def faults(
    bench: Bench, scratch: Path, impact: ImpactMap, plain: Ran, number: int
) -> dict[str, Any]:
    """Plant so many, and compare what fails with what was chosen."""
    caught = missed = unnoticed = hanging = 0
    shares, misses = [], 0
    for path, before, after, name in list(planted(bench.tree, impact, number)):
        chosen = (
            impacted_tests(impact, {path: Change(before, before, after)}, plain.outcomes)
            or frozenset()
        )
        (bench.tree / path).write_text(after)
        ran = bench.suite(scratch, bench.tree, limit=HANGING * plain.seconds + 60)
        (bench.tree / path).write_text(before)
        failing = {
            test
            for test, was in plain.outcomes.items()
            if was is Outcome.PASSED and ran.outcomes.get(test) is not Outcome.PASSED
        }
        hanging += not ran.outcomes
        if not ran.outcomes:
            continue
        unnoticed += not failing
        caught, missed = caught + len(failing & chosen), missed + len(failing - chosen)
        misses += bool(failing - chosen)
        shares.append(len(chosen) / len(plain.outcomes))
        if failing - chosen:
            print(f"{bench.name}: {path} {name}: missed {sorted(failing - chosen)[:5]}")
    return {
        "faults": len(shares),
        "hanging": hanging,
        "unnoticed": unnoticed,
        "faults missed": misses,
        "recall": caught / (caught + missed) if caught + missed else 1.0,
        "share chosen": statistics.mean(shares) if shares else 0.0,
        "median": statistics.median(shares) if shares else 0.0,
    }


def planted(tree: Path, impact: ImpactMap, number: int) -> Iterator[tuple[str, str, str, str]]:
    """(path, text, text with the fault, function), the same ones each time."""
    every = [
        (path, function)
        for path in sorted(impact.reached)
        if not path.rpartition("/")[2].startswith(("test_", "conftest")) and "tests/" not in path
        for function in _functions((tree / path).read_text())
        if impact.reaching(path, function)
    ]
    for path, function in random.Random(0).sample(every, min(number, len(every))):  # noqa: S311
        text = (tree / path).read_text()
        yield path, text, without(text, function), function.name


def _functions(text: str) -> list[Function]:
    source = read_source(text)
    return list(source.functions.values()) if source else []


def without(text: str, function: Function) -> str:
    """The text with a function that does nothing."""
    lines, first = text.splitlines(keepends=True), function.node.body[0]
    start = min([first.lineno, *(each.lineno for each in getattr(first, "decorator_list", ()))])
    indent = " " * first.col_offset
    if start == function.node.lineno:
        head = lines[start - 1][: first.col_offset]
        return "".join([*lines[: start - 1], f"{head}return None\n", *lines[function.last :]])
    return "".join([*lines[: start - 1], f"{indent}return None\n", *lines[function.last :]])


if __name__ == "__main__":
    main("impacted_tests", run)
