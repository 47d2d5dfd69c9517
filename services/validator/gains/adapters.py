"""Records the inputs of functions in a target's tests, and times the functions on them.

All of that happens in a sandbox; out here, what was recorded is bytes.
"""

import secrets
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from services.validator import in_target
from services.validator.benchmarks.adapters.instructions import InstructionCounter
from services.validator.benchmarks.adapters.runner import CoinToss, SandboxedBenchmarks
from services.validator.benchmarks.adapters.workspace import FILES
from services.validator.benchmarks.domain.benchmarks import SamplingPlan
from services.validator.benchmarks.domain.reports import BenchmarkReport
from services.validator.gains.domain.functions import MeasuredFunction, with_recording
from services.validator.gains.domain.inputs import replay_inputs
from services.validator.gains.domain.plan import GainPlan
from services.validator.in_target.replay import NOTHING_CALLABLE
from services.validator.suite.adapters.suite import OUTPUT_TAIL_LINES
from services.validator.suite.adapters.suite_run import (
    IN_TARGET_PACKAGE,
    SuiteRun,
    create_signing_keys,
    export_tree,
)
from services.validator.suite.domain.reports import Infrastructure
from services.validator.suite.domain.sources import decode_source
from shared.environments.ports import Environment, Trees
from shared.sandbox.ports import Sandbox
from shared.sandbox.scratch import Scratch, complete_in_thread
from shared.targets.config import BenchSection
from shared.targets.profile import TargetProfile
from shared.targets.tree import Tree
from shared.targets.writer import FolderWriter

INPUTS_REPORT = "reports/inputs.jsonl"
INSTALL_RECORDER = f"from {IN_TARGET_PACKAGE}.inputs import install\n\ninstall({{!r}})\n"
REPLAY = Path(in_target.__file__).with_name("replay.py")
# Less than this share of the run time is no gain.
MIN_GAIN = 0.02
# One pass over the inputs may take so long, and the whole comparison of a change about so long.
PASS_SECONDS, COMPARISON_SECONDS = 60, 600.0
NOTHING_RECORDED = "no test calls what it changes with values that can be recorded"


class SandboxedFunctionBenchmarks:
    """The `FunctionBenchmarks` port: a recorded test run, then a comparison as of benchmarks."""

    def __init__(self, sandbox: Sandbox, scratch: Scratch, trees: Trees, toss: CoinToss) -> None:
        self._sandbox = sandbox
        self._scratch = scratch
        self._trees = trees
        self._benchmarks = SandboxedBenchmarks(
            sandbox,
            scratch,
            trees,
            toss,
            spare=COMPARISON_SECONDS,
            counter=InstructionCounter(sandbox, spare=0),
            proves_equality=False,
        )

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
        """Record the inputs without the change, and replay them with and without it in turn."""
        recorded = await self._record(
            plan, profile, environment, tests, target_id=target_id, base_oid=base_oid
        )
        if isinstance(recorded, Infrastructure):
            return recorded
        inputs = replay_inputs(recorded, plan.functions)
        if not inputs:
            return _nothing_compared(NOTHING_RECORDED)
        found = await self._benchmarks.compare(
            (plan.before, tree_oid),
            profile,
            environment,
            BenchSection(
                # Isolated, as a file of the tree must not be imported in place of Python's own.
                command=f"python -I {FILES}/{REPLAY.name}",
                tolerance=MIN_GAIN,
                timeout=PASS_SECONDS,
                format="lines",
            ),
            target_id=target_id,
            files={REPLAY.name: REPLAY.read_bytes(), "inputs.json": inputs.encode()},
        )
        if isinstance(found, Infrastructure) and found.output_tail.endswith(NOTHING_CALLABLE):
            return _nothing_compared(NOTHING_CALLABLE)
        return found

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
            await complete_in_thread(_write_recording_files, run.tree, tree, plan, name)
            run.prepare_scratch()
            command, inputs = run.command(), run.scratch / INPUTS_REPORT
            own = {"GROUNDSWELL_INPUTS": str(inputs), "GROUNDSWELL_TREE": str(run.tree)}
            command = replace(command, env={**command.env, **own}, reports=(INPUTS_REPORT,))
            completed = await self._sandbox.run(command)
        if completed.exit_code is None or completed.abort_reason:
            return Infrastructure(completed.abort_reason, completed.tail(OUTPUT_TAIL_LINES))
        return completed.reports.get(INPUTS_REPORT, b"")


def _nothing_compared(why: str) -> BenchmarkReport:
    """Return the report of no comparison, with the reason."""
    return BenchmarkReport(SamplingPlan(MIN_GAIN), (), notes=(why,))


def _write_recording_files(folder: Path, tree: Tree, plan: GainPlan, recorder: str) -> None:
    """Overwrite the files of a plan's functions by such as record; a link is left alone."""
    by_path: Mapping[str, dict[int, MeasuredFunction]] = defaultdict(dict)
    for number, each in enumerate(plan.functions):
        by_path[each.path][number] = each
    with FolderWriter(folder) as writer:
        for path, functions in by_path.items():
            text = with_recording(decode_source(tree.read(path) or b""), functions, recorder)
            writer.overwrite(path, text.encode(errors="surrogateescape"))
