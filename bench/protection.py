"""The cost of mutation testing on real packages, and how many changes their tests protect.

The targets are source archives from PyPI. All proposals of the rules engine are applied on top of
each other in one tree, as in the gate. Those that leave the compiled program as it is are proven;
mutants are put into what the others touch, and run with the target's tests that reach them by a
recording of the head. The peer is a full run of the suite on the same tree, in turn with it;
mutation testing usually takes one per mutant. The recording is not counted: the gate's full runs
are recorded anyway.
"""

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.harness import Result, main
from bench.sandboxed_package import SandboxedPackage, prepare_package
from bench.targets import copy_example, download
from services.validator.git.adapters.repository import GitRepository
from services.validator.impact.usecases.recordings import Recorded
from services.validator.mutation.adapters import SandboxedMutationRunner
from services.validator.mutation.domain.placement import place_mutants
from services.validator.mutation.domain.plan import ChangedFile, MutationPlan, MutationReport
from services.validator.mutation.domain.protection import judge_protection
from services.validator.mutation.usecases.affordable import select_affordable
from services.validator.proof.comparison.compare import Comparer
from services.validator.suite.domain.recording import ImpactMap
from services.validator.suite.domain.reports import Reported
from shared.contracts.documents.protection import Protection, protection_share
from shared.kernel.ids import uuid7
from shared.sandbox.choice import choose_sandbox
from shared.sandbox.scratch import Scratch
from shared.sandbox.supervised import SupervisedSandbox
from shared.targets.patches import make_patch

PACKAGES = ("boltons", "more-itertools", "schema", "tabulate")
REPETITIONS = 3
MAX_MUTANT_COST = 0.1
MUTATION_LIMIT_SECONDS = 128.0
QUICK_PROPOSALS = 4


@dataclass(frozen=True)
class Batch:
    """Changes on top of each other: by change, the tree after it and the files it touches."""

    trees: dict[str, str]
    files: dict[str, tuple[str, ...]]

    @property
    def tree(self) -> str:
        """The tree after all changes."""
        return list(self.trees.values())[-1]


def run(quick: bool) -> Result:
    """Measure each package; `quick` measures half of the bundled example and claims nothing."""
    with TemporaryDirectory(prefix="groundswell-bench-") as folder:
        scratch = Path(folder)
        scratch.chmod(0o755)
        if quick:
            targets = {"examples/shop": copy_example(scratch, half=True)}
        else:
            targets = {each: download(each, scratch) for each in PACKAGES}
        rows = asyncio.run(_measure_all(targets, scratch / "home", quick=quick))
    holds = all(row["a mutant"] <= MAX_MUTANT_COST for row in rows)
    bar = (
        f"a mutant costs <= {MAX_MUTANT_COST} x one full run of the suite "
        "(in a run of its own it would cost 1)"
    )
    return Result("protection", bar, rows, holds)


async def _measure_all(
    targets: dict[str, Path], home: Path, *, quick: bool
) -> list[dict[str, Any]]:
    """Return a row for each target, measured in the best sandbox of this machine."""
    scratch = Scratch(home / "runs", uuid7)
    sandbox, _ = await choose_sandbox(home, scratch)
    rows = []
    for name, path in targets.items():
        package = await prepare_package(name, path, home, sandbox, scratch)
        rows.append(await _measure(package, quick=quick))
    if isinstance(sandbox, SupervisedSandbox):
        await sandbox.close()
    return rows


async def _measure(package: SandboxedPackage, *, quick: bool) -> dict[str, Any]:
    """Time full runs and mutation in turn, and return the row of a package."""
    recorded = await package.run_suite(package.head, record=True)
    batch = await _batch(package, recorded, QUICK_PROPOSALS if quick else None)
    changed = _changed_files(package, batch)
    proven = _proven(changed)
    plan = place_mutants({key: each for key, each in changed.items() if key not in proven})
    seconds = []
    plan, tests = _selection(package, batch, plan, recorded)
    suites, report = [], None
    for _ in range(1 if quick else REPETITIONS):
        suites.append((await package.run_suite(batch.tree)).report.seconds)
        report = await _run_mutants(package, batch, plan, tests)
        seconds.append(report.seconds)
    suite, mutants = statistics.median(suites), statistics.median(seconds)
    left = [each for each in batch.trees if each not in proven]
    protections = [judge_protection(plan, each, report) for each in left]
    return {
        "target": package.name,
        "tests": len(recorded.report.results),
        "needed": len(tests) or len(recorded.report.results),
        "proven": len(proven),
        **_count(protections),
        "suite s": suite,
        "mutants s": mutants,
        "x suite": mutants / suite,
        "a change": mutants / suite / len(batch.trees),
        "a mutant": mutants / suite / max(len(plan.mutants), 1),
    }


def _count(protections: Sequence[Protection]) -> dict[str, Any]:
    """Return counts of changes, mutants and lines; shares are of what was measured."""
    share = protection_share(protections)
    counted: dict[str, Any] = {
        "not proven": len(protections),
        **{
            state: sum(each.state == state for each in protections)
            for state in ("protected", "unprotected", "nothing", "unknown", "not_measured")
        },
        "not tried": sum(each.not_measured for each in protections),
    }
    if share is not None:
        counted |= {
            "mutants": share.mutants,
            "killed": share.killed,
            "protected changes": f"{share.protected_changes}/{share.changes}",
            "protected lines": f"{share.protected_lines}/{share.lines}",
            "of lines": share.protected_lines / share.lines,
        }
    return counted


async def _batch(package: SandboxedPackage, recorded: Reported, limit: int | None) -> Batch:
    """Return a batch of the proposals that break no test, found by bisection.

    `limit` is how many of the proposals are tried; None is all.
    """
    patches, files = {}, {}
    for each in (await package.proposals())[:limit]:
        key = uuid7()
        patches[key] = make_patch(
            {
                path: (old.encode(), new.encode())
                for path, (old, new) in (each.changes or {}).items()
            }
        )
        files[key] = tuple(sorted(each.changes or ()))
    repository = GitRepository(package.mirror)
    good: list[str] = []

    async def passes(some: Sequence[str]) -> bool:
        """Return whether no test fails with these changes that passes on the head."""
        composed = repository.compose(package.head, [(each, patches[each]) for each in some])
        if composed.failed:
            return False
        report = (await package.run_suite(composed.tree)).report
        return not report.failing - recorded.report.failing

    remaining = [list(patches)]
    while remaining:
        some = remaining.pop()
        if await passes([*good, *some]):
            good += some
        elif len(some) > 1:
            remaining += [some[len(some) // 2 :], some[: len(some) // 2]]
    composed = repository.compose(package.head, [(each, patches[each]) for each in good])
    return Batch(dict(composed.steps), {each: files[each] for each in good})


def _changed_files(package: SandboxedPackage, batch: Batch) -> dict[str, list[ChangedFile]]:
    """Return each change's files, with their texts before it and after each change on top."""
    order = [package.mirror.tree(each) for each in (package.head, *batch.trees.values())]
    return {
        change: [
            ChangedFile(path, tuple(tree.read(path) for tree in order[number:]))
            for path in batch.files[change]
        ]
        for number, change in enumerate(batch.trees)
    }


def _proven(changed: dict[str, list[ChangedFile]]) -> set[str]:
    """Return the changes that leave the program as it is, under the Python that runs this."""
    comparer = Comparer()
    return {
        key
        for key, files in changed.items()
        if files
        and all(
            comparer.compare(each.texts[0] or b"", each.texts[1] or b"") is not None
            for each in files
        )
    }


def _selection(
    package: SandboxedPackage, batch: Batch, plan: MutationPlan, recorded: Reported
) -> tuple[MutationPlan, tuple[str, ...]]:
    """Select mutants and their tests as the gate does; no tests means all of them."""
    impact = ImpactMap.from_json(recorded.impact or "")
    head = package.mirror.tree(package.head).oid
    recording = Recorded(head, impact)
    affordable, tests = select_affordable(
        plan, package.mirror, recording, (head, batch.tree), recorded.report.outcomes
    )
    return affordable, tuple(sorted(tests or ()))


async def _run_mutants(
    package: SandboxedPackage, batch: Batch, plan: MutationPlan, tests: tuple[str, ...]
) -> MutationReport:
    """Run the suite with every mutant of a plan; raises SystemExit if it gives no report."""
    runner = SandboxedMutationRunner(package.sandbox, package.scratch, package.tree)
    outcome = await runner.run(
        batch.tree,
        plan.to_json(MUTATION_LIMIT_SECONDS),
        package.profile,
        package.environment,
        tests,
        target_id=package.target.id,
    )
    if not isinstance(outcome, MutationReport):
        raise SystemExit(f"{package.name}: {outcome.reason}\n{outcome.output_tail}")
    return outcome


if __name__ == "__main__":
    main("protection", run)
