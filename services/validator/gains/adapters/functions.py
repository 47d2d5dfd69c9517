"""Records the inputs of functions in a target's tests, and times the functions on them.

All of that happens in a sandbox; out here, what was recorded is bytes.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from services.validator import in_target
from services.validator.benchmarks.adapters.instructions import InstructionCounter
from services.validator.benchmarks.adapters.runner import CoinToss, SandboxedBenchmarks
from services.validator.benchmarks.adapters.workspace import FILES
from services.validator.benchmarks.domain.benchmarks import SamplingPlan
from services.validator.benchmarks.domain.reports import BenchmarkReport
from services.validator.gains.adapters.timed_tests import (
    SCRIPT,
    TimedTrees,
    files_of_timed_tests,
    write_calling_files,
)
from services.validator.gains.domain.inputs import read_calls
from services.validator.gains.domain.plan import GainPlan
from services.validator.in_target.replay import NOTHING_CALLABLE
from services.validator.in_target.timed_tests import NOTHING_TIMED
from services.validator.suite.adapters.suite import OUTPUT_TAIL_LINES
from services.validator.suite.adapters.suite_run import (
    IN_TARGET_PACKAGE,
    SuiteRun,
    create_signing_keys,
    export_tree,
)
from services.validator.suite.domain.reports import Infrastructure
from shared.environments.ports import Environment, Trees
from shared.sandbox.ports import Sandbox
from shared.sandbox.scratch import Scratch, complete_in_thread
from shared.targets.config import BenchSection
from shared.targets.profile import TargetProfile

INPUTS_REPORT = "reports/inputs.jsonl"
INSTALL_RECORDER = f"from {IN_TARGET_PACKAGE}.inputs import install\n\ninstall({{!r}})\n"
REPLAY = Path(in_target.__file__).with_name("replay.py")
# Less than this share of the run time is no gain.
MIN_GAIN = 0.02
# One pass over the inputs may take so long, and the whole comparison of a change about so long.
PASS_SECONDS, COMPARISON_SECONDS = 60, 600.0
NOTHING_RECORDED = "no test calls what it changes"


class SandboxedFunctionBenchmarks:
    """The `FunctionBenchmarks` port: a recorded test run, then a comparison as of benchmarks."""

    def __init__(self, sandbox: Sandbox, scratch: Scratch, trees: Trees, toss: CoinToss) -> None:
        self._sandbox = sandbox
        self._scratch = scratch
        self._trees = trees
        self._toss = toss

    async def compare(
        self,
        tree_oid: str,
        plan: GainPlan,
        profile: TargetProfile,
        environment: Environment,
        tests: tuple[str, ...] = (),
        *,
        target_id: str,
        base_oid: str,
    ) -> BenchmarkReport | Infrastructure:
        """Record the inputs without the change, and replay them with and without it in turn.

        Where there are none to replay, the calls are timed while the tests make them.
        """
        recorded = await self._record(
            plan, profile, environment, tests, target_id=target_id, base_oid=base_oid
        )
        if isinstance(recorded, Infrastructure):
            return recorded
        calls = read_calls(recorded, plan.functions)
        if calls.is_empty:
            return _nothing_compared(NOTHING_RECORDED)
        comparison = _Comparison(plan, tree_oid, profile, environment, target_id)
        found = await self._replay(comparison, calls.inputs) if calls.inputs else None
        if found is None or (isinstance(found, BenchmarkReport) and not found.rounds):
            return await self._time_in_tests(comparison, calls.tests or tests)
        return found

    async def _replay(
        self, comparison: "_Comparison", inputs: str
    ) -> BenchmarkReport | Infrastructure:
        """Compare the functions on recorded inputs, given as the JSON for the replay."""
        # Isolated, as a file of the tree must not be imported in place of Python's own.
        command = f"python -I {FILES}/{REPLAY.name}"
        files = {REPLAY.name: REPLAY.read_bytes(), "inputs.json": inputs.encode()}
        bench = comparison.bench(command, PASS_SECONDS)
        found = await comparison.run(self._benchmarks(self._trees), bench, files)
        return _nothing_compared(NOTHING_CALLABLE) if _says(found, NOTHING_CALLABLE) else found

    async def _time_in_tests(
        self, comparison: "_Comparison", tests: tuple[str, ...]
    ) -> BenchmarkReport | Infrastructure:
        """Compare the functions where these tests (all if none) call them."""
        plan, test = comparison.plan, comparison.profile.test
        timed = TimedTrees(self._trees, plan)
        run = SuiteRun(Path(), test, comparison.environment, tests, ())
        wanted = tests if run.is_selective else ()
        files = files_of_timed_tests(run.argv(), run.plugin, wanted, plan, timed.builtin)
        bench = comparison.bench(f"python -I {FILES}/{SCRIPT.name}", float(test.timeout))
        found = await comparison.run(self._benchmarks(timed), bench, files)
        return _nothing_compared(NOTHING_TIMED) if _says(found, NOTHING_TIMED) else found

    def _benchmarks(self, trees: Trees) -> SandboxedBenchmarks:
        """Return what compares two of these trees by a command."""
        return SandboxedBenchmarks(
            self._sandbox,
            self._scratch,
            trees,
            self._toss,
            spare=COMPARISON_SECONDS,
            counter=InstructionCounter(self._sandbox, spare=0),
            proves_equality=False,
        )

    async def _record(
        self,
        plan: GainPlan,
        profile: TargetProfile,
        environment: Environment,
        tests: tuple[str, ...],
        *,
        target_id: str,
        base_oid: str,
    ) -> bytes | Infrastructure:
        """Run tests of the tree without the change, and return what was recorded, if they ended.

        How they ended is not looked at: only the inputs are wanted.
        """
        name = f"_{secrets.token_hex(8)}"
        async with self._scratch.workspace() as workspace:
            keys = create_signing_keys(profile.test.framework)
            run = SuiteRun(workspace, profile.test, environment, tests, keys)
            run = replace(run, startup=INSTALL_RECORDER.format(name))
            oids = (plan.before, base_oid)
            await complete_in_thread(export_tree, run, profile, self._trees, target_id, oids)
            tree = self._trees(target_id, plan.before)
            await complete_in_thread(write_calling_files, run.tree, tree, plan, name)
            run.prepare_scratch()
            command, inputs = run.command(), run.scratch / INPUTS_REPORT
            own = {"GROUNDSWELL_INPUTS": str(inputs), "GROUNDSWELL_TREE": str(run.tree)}
            command = replace(command, env={**command.env, **own}, reports=(INPUTS_REPORT,))
            completed = await self._sandbox.run(command)
        if completed.exit_code is None or completed.abort_reason:
            return Infrastructure(completed.abort_reason, completed.tail(OUTPUT_TAIL_LINES))
        return completed.reports.get(INPUTS_REPORT, b"")


@dataclass(frozen=True)
class _Comparison:
    """What is compared, whichever way: the plan's tree, and that with the change (`after`)."""

    plan: GainPlan
    after: str
    profile: TargetProfile
    environment: Environment
    target_id: str

    def bench(self, command: str, timeout: float) -> BenchSection:
        """Return the section of a command that prints the times of functions."""
        return BenchSection(command=command, tolerance=MIN_GAIN, timeout=timeout, format="lines")

    async def run(
        self, benchmarks: SandboxedBenchmarks, bench: BenchSection, files: Mapping[str, bytes]
    ) -> BenchmarkReport | Infrastructure:
        """Compare both trees by a command, which finds these files beside it."""
        return await benchmarks.compare(
            (self.plan.before, self.after),
            self.profile,
            self.environment,
            bench,
            target_id=self.target_id,
            files=files,
        )


def _says(found: BenchmarkReport | Infrastructure, what: str) -> bool:
    """Return whether a command said that there is nothing to compare."""
    return isinstance(found, Infrastructure) and found.output_tail.endswith(what)


def _nothing_compared(why: str) -> BenchmarkReport:
    """Return the report of no comparison, with the reason."""
    return BenchmarkReport(SamplingPlan(MIN_GAIN), (), notes=(why,))
