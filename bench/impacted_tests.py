"""Impacted tests: the cost of recording, beside coverage.py, and the recall of the selection.

Mutants are tried one at a time: the body of a function, drawn at random, becomes `return None`. The
tests that fail then and passed before are the truth; recall is the share of them that
`impacted_tests` selects from a recording of the tree without the mutant. A mutant that makes the
suite hang is left out. The peer of recording is coverage.py with a context for each test. Times are
CPU seconds.
"""

import random  # noqa: TID251 - this is the composition root
import statistics
import subprocess
import sys
import venv
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.harness import Result, main
from bench.package_suite import Package, SuiteRun
from bench.targets import copy_example, download
from services.validator.impact.domain.impact import Change, impacted_tests
from services.validator.suite.domain.imports import import_graph
from services.validator.suite.domain.recording import ImpactMap
from services.validator.suite.domain.reports import Outcome
from services.validator.suite.domain.sources import Function, read_source

# The number of mutants by package; one run of the suite of the second takes most of a minute.
MUTANTS = {"boltons": 40, "more-itertools": 4}
QUICK_MUTANTS = 3
REPETITIONS = 3
# With a mutant, the suite may take this many times as long as without, and a minute.
HANGING_FACTOR, HANGING_ALLOWANCE_SECONDS = 10, 60
MAX_SLOWDOWN, MIN_RECALL = 2.5, 0.95
BYTES_PER_KB = 1e3
MAX_PRINTED_TESTS = 5


@dataclass(frozen=True)
class MutatedFile:
    """A file of a target before and after one of its functions was made to return None."""

    path: str
    before: str
    after: str
    function: str


@dataclass(frozen=True)
class MutantResult:
    """The tests that a mutant makes fail and those selected for it; both empty if it hangs."""

    failing: frozenset[str]
    selected: frozenset[str]
    hangs: bool = False


def run(quick: bool) -> Result:
    """Measure each package; `quick` measures half of the bundled example and claims nothing."""
    with TemporaryDirectory(prefix="groundswell-bench-") as folder:
        scratch = Path(folder)
        if quick:
            packages = [
                Package("examples/shop", copy_example(scratch, half=True), Path(sys.executable))
            ]
        else:
            python = make_environment(scratch / "venv")
            packages = [Package(each, download(each, scratch), python) for each in MUTANTS]
        rows = [measure(each, scratch / "run", quick=quick) for each in packages]
    bar = f"recording <= {MAX_SLOWDOWN} x plain; recall of killed mutants >= {MIN_RECALL}"
    holds = all(row["x plain"] <= MAX_SLOWDOWN and row["recall"] >= MIN_RECALL for row in rows)
    return Result("impacted_tests", bar, rows, holds)


def make_environment(at: Path) -> Path:
    """Create a virtual environment with pytest and coverage.py; return its interpreter."""
    venv.create(at, with_pip=True)
    python = at / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "pytest", "coverage"], check=True)
    return python


def measure(package: Package, scratch: Path, *, quick: bool) -> dict[str, Any]:
    """Time plain, recorded and coverage.py's runs in turn, try the mutants, and return the row."""
    plain, recorded, contexts = [], [], []
    for _ in range(1 if quick else REPETITIONS):
        plain.append(package.run_suite(scratch))
        recorded.append(package.run_suite(scratch, record=True))
        contexts += [] if quick else [package.time_coverage_contexts()]
    before, after = (statistics.median(each.seconds for each in ran) for ran in (plain, recorded))
    impact = read_impact_map(recorded[-1].recorded, package.tree)
    text = impact.to_json().encode()
    mutants = MUTANTS.get(package.name, QUICK_MUTANTS)
    return {
        "target": package.name,
        "tests": len(impact.tests),
        "plain s": before,
        "recorded s": after,
        "x plain": after / before,
        "contexts s": statistics.median(contexts) if contexts else 0.0,
        "map kB": len(text) / BYTES_PER_KB,
        "stored kB": len(zlib.compress(text, 1)) / BYTES_PER_KB,
        "unknown": len(impact.unknown),
        **mutant_columns(try_mutants(package, scratch, impact, plain[-1], mutants), plain[-1]),
    }


def read_impact_map(content: bytes, tree: Path) -> ImpactMap:
    """Return the impact map of a recording, completed with the imports of the tree's modules."""
    texts = {str(path.relative_to(tree)): path.read_text() for path in tree.rglob("*.py")}
    return replace(ImpactMap.from_recording(content), imports=import_graph(texts))


def try_mutants(
    package: Package, scratch: Path, impact: ImpactMap, plain: SuiteRun, number: int
) -> list[MutantResult]:
    """Run the suite with each of so many mutants, and print the failing tests not selected."""
    results = []
    for each in list(draw_mutants(package.tree, impact, number)):
        result = try_mutant(package, scratch, impact, plain, each)
        if missed := sorted(result.failing - result.selected)[:MAX_PRINTED_TESTS]:
            print(f"{package.name}: {each.path} {each.function}: missed {missed}")
        results.append(result)
    return results


def try_mutant(
    package: Package, scratch: Path, impact: ImpactMap, plain: SuiteRun, mutant: MutatedFile
) -> MutantResult:
    """Run the suite with one mutant in the tree, and restore the file."""
    change = Change(mutant.before, mutant.before, mutant.after)
    selected = impacted_tests(impact, {mutant.path: change}, plain.outcomes) or frozenset()
    timeout = HANGING_FACTOR * plain.seconds + HANGING_ALLOWANCE_SECONDS
    (package.tree / mutant.path).write_text(mutant.after)
    mutated = package.run_suite(scratch, timeout_seconds=timeout)
    (package.tree / mutant.path).write_text(mutant.before)
    if not mutated.outcomes:
        return MutantResult(frozenset(), frozenset(), hangs=True)
    failing = frozenset(
        test
        for test, outcome in plain.outcomes.items()
        if outcome is Outcome.PASSED and mutated.outcomes.get(test) is not Outcome.PASSED
    )
    return MutantResult(failing, frozenset(selected))


def mutant_columns(results: Sequence[MutantResult], plain: SuiteRun) -> dict[str, Any]:
    """Return the counts of mutants, the recall, and the shares of tests that were selected."""
    finished = [each for each in results if not each.hangs]
    failing = sum(len(each.failing) for each in finished)
    caught = sum(len(each.failing & each.selected) for each in finished)
    shares = [len(each.selected) / len(plain.outcomes) for each in finished]
    return {
        "mutants": len(finished),
        "hanging": len(results) - len(finished),
        "survived": sum(not each.failing for each in finished),
        "missed": sum(bool(each.failing - each.selected) for each in finished),
        "recall": caught / failing if failing else 1.0,
        "mean selected": statistics.mean(shares) if shares else 0.0,
        "median selected": statistics.median(shares) if shares else 0.0,
    }


def draw_mutants(tree: Path, impact: ImpactMap, number: int) -> Iterator[MutatedFile]:
    """Yield mutants of functions that some test reaches, the same ones each time."""
    every = [
        (path, function)
        for path in sorted(impact.reached)
        if not is_test_file(path)
        for function in functions_of((tree / path).read_text())
        if impact.reaching(path, function)
    ]
    for path, function in random.Random(0).sample(every, min(number, len(every))):  # noqa: S311
        text = (tree / path).read_text()
        yield MutatedFile(path, text, without_body(text, function), function.name)


def is_test_file(path: str) -> bool:
    """Return whether a path is that of a test or of something that only tests use."""
    name = path.rpartition("/")[2]
    return name.startswith(("test_", "conftest")) or "tests/" in path


def functions_of(text: str) -> list[Function]:
    """Return the functions of a source text; none if it cannot be parsed."""
    source = read_source(text)
    return list(source.functions.values()) if source else []


def without_body(text: str, function: Function) -> str:
    """Return the text with the body of a function replaced by `return None`."""
    lines, first = text.splitlines(keepends=True), function.node.body[0]
    start = min([first.lineno, *(each.lineno for each in getattr(first, "decorator_list", ()))])
    is_one_line = start == function.node.lineno
    before = lines[start - 1][: first.col_offset] if is_one_line else " " * first.col_offset
    return "".join([*lines[: start - 1], f"{before}return None\n", *lines[function.last :]])


if __name__ == "__main__":
    main("impacted_tests", run)
