"""Records the inputs of functions in a target's tests, and times the functions on them.

All of that happens in a sandbox; out here, what was recorded is bytes.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from services.validator import in_target
from services.validator.benchmarks.adapters.instructions import InstructionCounter
from services.validator.benchmarks.adapters.runner import CoinToss, SandboxedBenchmarks
from services.validator.benchmarks.adapters.workspace import FILES
from services.validator.benchmarks.domain.benchmarks import SamplingPlan
from services.validator.benchmarks.domain.reports import BenchmarkReport
from services.validator.gains.adapters.called_tests import CalledTests
from services.validator.gains.domain.inputs import read_calls
from services.validator.gains.domain.plan import GainPlan
from services.validator.gains.domain.timed_calls import NOTHING_TIMED, read_times
from services.validator.gains.domain.versions import versions_of
from services.validator.in_target.replay import NOTHING_CALLABLE
from services.validator.suite.domain.reports import Infrastructure
from services.validator.suite.domain.sources import decode_source
from shared.environments.ports import Environment, Trees
from shared.sandbox.ports import Sandbox
from shared.sandbox.scratch import Scratch
from shared.targets.config import BenchSection
from shared.targets.profile import TargetProfile

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
        called = CalledTests(
            self._sandbox,
            self._scratch,
            self._trees,
            plan,
            profile,
            environment,
            target_id,
            base_oid,
        )
        comparison = _Comparison(called, tree_oid, self._toss)
        recorded = await called.recorded(tests)
        if isinstance(recorded, Infrastructure):
            return recorded
        calls = read_calls(recorded, plan.functions)
        if calls.is_empty:
            return _nothing_compared(NOTHING_RECORDED)
        found = await comparison.by_replay(calls.inputs) if calls.inputs else None
        if found is None or (isinstance(found, BenchmarkReport) and not found.rounds):
            return await comparison.in_tests(calls.tests or tests)
        return found


@dataclass(frozen=True)
class _Comparison:
    """A comparison of functions without a change, as `called` has them, and with it (`after`)."""

    called: CalledTests
    after: str
    toss: CoinToss

    async def by_replay(self, inputs: str) -> BenchmarkReport | Infrastructure:
        """Compare on recorded inputs, given as the JSON for the replay, in pairs of processes."""
        called = self.called
        benchmarks = SandboxedBenchmarks(
            called.sandbox,
            called.scratch,
            called.trees,
            self.toss,
            spare=COMPARISON_SECONDS,
            counter=InstructionCounter(called.sandbox, spare=0),
            proves_equality=False,
        )
        # Isolated, as a file of the tree must not be imported in place of Python's own.
        command = f"python -I {FILES}/{REPLAY.name}"
        found = await benchmarks.compare(
            (called.plan.before, self.after),
            called.profile,
            called.environment,
            BenchSection(command=command, tolerance=MIN_GAIN, timeout=PASS_SECONDS, format="lines"),
            target_id=called.target_id,
            files={REPLAY.name: REPLAY.read_bytes(), "inputs.json": inputs.encode()},
        )
        is_nothing = isinstance(found, Infrastructure) and found.output_tail.endswith(
            NOTHING_CALLABLE
        )
        return _nothing_compared(NOTHING_CALLABLE) if is_nothing else found

    async def in_tests(self, tests: tuple[str, ...]) -> BenchmarkReport | Infrastructure:
        """Compare where these tests (all if none) call the functions, in one run of them."""
        functions = self.called.plan.functions
        versions = versions_of(functions, await asyncio.to_thread(self._texts))
        if versions is None:
            return _nothing_compared(NOTHING_TIMED)
        times = await self.called.timed(tests, versions)
        return times if isinstance(times, Infrastructure) else read_times(times, functions)

    def _texts(self) -> dict[str, tuple[str, str]]:
        """Return the files of the functions, before and after, by path."""
        called = self.called
        before, after = (
            called.trees(called.target_id, e) for e in (called.plan.before, self.after)
        )
        return {
            each.path: (
                decode_source(before.read(each.path) or b""),
                decode_source(after.read(each.path) or b""),
            )
            for each in called.plan.functions
        }


def _nothing_compared(why: str) -> BenchmarkReport:
    """Return the report of no comparison, with the reason."""
    return BenchmarkReport(SamplingPlan(MIN_GAIN), (), notes=(why,))
