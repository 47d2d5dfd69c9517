"""ProtectionSummary in green on real packages: how much of what the rules engine changes their tests protect, and what asking costs.

The targets are source archives from PyPI. All proposals of the rules engine are put on each other in one tree,
as the gate does it; mutants are placed in what they touch, and tried with those of the target's own tests that
reach them, as a recording of the head says. The peer is a full run of the same suite on the same tree, in turn with
it; mutation testing as it is usually done is one such run for each fault. Recording is not in the time: the gate's full runs are recorded anyway.
"""

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.harness import Result, main
from bench.rules_engine import rules_proposals
from bench.targets import copy_example, download
from services.validator.git.adapters.repository import GitRepository
from services.validator.impact.usecases.recordings import Recorded
from services.validator.mutation.adapters import SandboxedMutationRunner
from services.validator.mutation.domain.placement import place_mutants
from services.validator.mutation.domain.plan import ChangedFile, MutationPlan, MutationReport
from services.validator.mutation.domain.protection import judge_protection
from services.validator.mutation.usecases.affordable import select_affordable
from services.validator.suite.adapters.suite import SandboxedSuite
from services.validator.suite.domain.recording import ImpactMap
from services.validator.suite.domain.reports import Reported
from shared.agent_types import Proposal
from shared.contracts.documents.protection import Protection, protection_share
from shared.contracts.documents.targets import Target
from shared.detectors.ports import Source
from shared.environments.build import UvEnvironments
from shared.environments.ports import Environment
from shared.kernel.clock import utc_now
from shared.kernel.ids import uuid7
from shared.sandbox.choice import choose_sandbox
from shared.sandbox.ports import Sandbox
from shared.sandbox.scratch import Scratch
from shared.sandbox.supervised import SupervisedSandbox
from shared.targets.mirror import Mirror
from shared.targets.patches import make_patch
from shared.targets.paths import is_protected
from shared.targets.profile import TargetProfile, profile_target

PACKAGES = ("boltons", "more-itertools", "schema", "tabulate")
RUNS = 3
LIMIT = 0.1
SECONDS = 128.0
FEW = 4


@dataclass(frozen=True)
class Bench:
    """A package with what it takes to run its tests."""

    name: str
    quick: bool
    target: Target
    mirror: Mirror
    profile: TargetProfile
    environment: Environment
    sandbox: Sandbox
    scratch: Scratch
    home: Path

    @property
    def head(self) -> str:
        return self.mirror.branch(self.target.base_branch) or ""

    def tree(self, _target: str, oid: str) -> Any:
        return self.mirror.tree(oid)

    async def suite(self, oid: str, *, record: bool = False) -> Reported:
        """A full run."""
        suite = SandboxedSuite(self.sandbox, self.scratch, self.tree)
        outcome = await suite.run(
            oid, self.profile, self.environment, target_id=self.target.id, record=record
        )
        if not isinstance(outcome, Reported):
            raise SystemExit(f"{self.name}: {outcome.reason}\n{outcome.output_tail}")
        return outcome

    async def proposals(self) -> list[Proposal]:
        """What the rules engine would change, without what people have to allow first; `quick`: the first few."""
        source = Source(self.mirror.tree(self.head), self.profile, self.target.id)
        found = [
            each
            for component in self.profile.components
            for each in await rules_proposals(source, component.name, self.home / "agents")
        ]
        config = self.profile.config
        found = found[:FEW] if self.quick else found
        return [
            each for each in found if not any(is_protected(p, config) for p in each.changes or ())
        ]


@dataclass(frozen=True)
class Batch:
    """Changes on each other: the tree after each, and the files of each."""

    trees: dict[str, str]
    files: dict[str, tuple[str, ...]]

    @property
    def tree(self) -> str:
        return list(self.trees.values())[-1]


def run(quick: bool) -> Result:
    """One row per package; `quick` takes the example, and claims nothing."""
    with TemporaryDirectory(prefix="groundswell-bench-") as folder:
        scratch = Path(folder)
        scratch.chmod(0o755)
        if quick:
            targets = {"examples/shop": copy_example(scratch)}
        else:
            targets = {each: download(each, scratch) for each in PACKAGES}
        rows = asyncio.run(_measure_all(targets, scratch / "home", quick=quick))
    held = all(row["a mutant"] <= LIMIT for row in rows)
    bar = f"a fault costs <= {LIMIT} x one full run of the suite (by itself it would cost 1)"
    return Result("protection", bar, rows, held)


async def _measure_all(
    targets: dict[str, Path], home: Path, *, quick: bool
) -> list[dict[str, Any]]:
    scratch = Scratch(home / "runs", uuid7)
    sandbox, _ = await choose_sandbox(home, scratch)
    rows = []
    for name, path in targets.items():
        target = Target(
            id=uuid7(),
            location=str(path),
            root_commit="0" * 40,
            name=name,
            base_branch="main",
            landing_branch="groundswell/main",
            created_at=utc_now(),
        )
        rows.append(await _measure(await _bench(target, home, sandbox, scratch, quick=quick)))
    if isinstance(sandbox, SupervisedSandbox):
        await sandbox.close()
    return rows


async def _bench(
    target: Target, home: Path, sandbox: Sandbox, scratch: Scratch, *, quick: bool
) -> Bench:
    mirror = Mirror.at(home, target.id)
    mirror.fetch(target.location)
    head = mirror.branch("main") or ""
    described = profile_target(mirror.tree(head))
    environments = UvEnvironments(home, sandbox, scratch, lambda _, oid: mirror.tree(oid))
    environment = await environments.prepare(target.id, described, mirror.tree(head).oid)
    return Bench(target.name, quick, target, mirror, described, environment, sandbox, scratch, home)


async def _measure(bench: Bench) -> dict[str, Any]:
    recorded = await bench.suite(bench.head, record=True)
    batch = await _batch(bench, recorded)
    plan, seconds = place_mutants(_changed_files(bench, batch)), []
    plan, tests = _selection(bench, batch, plan, recorded)
    suites, tried = [], None
    for _ in range(1 if bench.quick else RUNS):
        suites.append((await bench.suite(batch.tree)).report.seconds)
        tried = await _try_out(bench, batch, plan, tests)
        seconds.append(tried.seconds)
    suite, mutants = statistics.median(suites), statistics.median(seconds)
    known = [judge_protection(plan, each, tried) for each in batch.trees]
    return {
        "target": bench.name,
        "tests": len(recorded.report.results),
        "needed": len(tests) or len(recorded.report.results),
        **_counted(known),
        "suite s": suite,
        "mutants s": mutants,
        "x suite": mutants / suite,
        "a change": mutants / suite / len(known),
        "a mutant": mutants / suite / max(len(plan.mutants), 1),
    }


def _counted(known: Sequence[Protection]) -> dict[str, Any]:
    """Of changes and of lines only what was measured."""
    share = protection_share(known)
    counted: dict[str, Any] = {
        "changes": len(known),
        "nothing": sum(each.state == "nothing" for each in known),
        "unknown": sum(each.state == "unknown" for each in known),
        "not tried": sum(each.not_measured for each in known),
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


async def _batch(bench: Bench, recorded: Reported) -> Batch:
    """All proposals, but those with which a test fails that passed: the gate would not land them."""
    patches, files = {}, {}
    for each in await bench.proposals():
        key = uuid7()
        patches[key] = make_patch(
            {
                path: (old.encode(), new.encode())
                for path, (old, new) in (each.changes or {}).items()
            }
        )
        files[key] = tuple(sorted(each.changes or ()))
    repository = GitRepository(bench.mirror)
    good: list[str] = []

    async def passes(some: Sequence[str]) -> bool:
        composed = repository.compose(bench.head, [(each, patches[each]) for each in some])
        if composed.failed:
            return False
        report = (await bench.suite(composed.tree)).report
        return not report.failing - recorded.report.failing

    left = [list(patches)]
    while left:
        some = left.pop()
        if await passes([*good, *some]):
            good += some
        elif len(some) > 1:
            left += [some[len(some) // 2 :], some[: len(some) // 2]]
    composed = repository.compose(bench.head, [(each, patches[each]) for each in good])
    return Batch(dict(composed.steps), {each: files[each] for each in good})


def _changed_files(bench: Bench, batch: Batch) -> dict[str, list[ChangedFile]]:
    order = [bench.mirror.tree(each) for each in (bench.head, *batch.trees.values())]
    return {
        change: [
            ChangedFile(path, tuple(tree.read(path) for tree in order[number:]))
            for path in batch.files[change]
        ]
        for number, change in enumerate(batch.trees)
    }


def _selection(
    bench: Bench, batch: Batch, plan: MutationPlan, recorded: Reported
) -> tuple[MutationPlan, tuple[str, ...]]:
    """As the gate chooses: the mutants that can be afforded, and the tests for them; empty is all."""
    impact = ImpactMap.from_json(recorded.impact or "")
    head = bench.mirror.tree(bench.head).oid
    known = Recorded(head, impact)
    affordable, tests = select_affordable(
        plan, bench.mirror, known, (head, batch.tree), recorded.report.outcomes
    )
    return affordable, tuple(sorted(tests or ()))


async def _try_out(
    bench: Bench, batch: Batch, plan: MutationPlan, tests: tuple[str, ...]
) -> MutationReport:
    runner = SandboxedMutationRunner(bench.sandbox, bench.scratch, bench.tree)
    outcome = await runner.run(
        batch.tree,
        plan.to_json(SECONDS),
        bench.profile,
        bench.environment,
        tests,
        target_id=bench.target.id,
    )
    if not isinstance(outcome, MutationReport):
        raise SystemExit(f"{bench.name}: {outcome.reason}\n{outcome.output_tail}")
    return outcome


if __name__ == "__main__":
    main("protection", run)
