"""Runs a target's tests on a tree in the sandbox, and reads their report."""

from dataclasses import replace

import structlog

from services.validator.suite.adapters.jest import read_jest
from services.validator.suite.adapters.junit import read_junit
from services.validator.suite.adapters.signed_lines import NO_TESTS, read_lines
from services.validator.suite.adapters.suite_run import (
    CUSTOM,
    IMPACT_REPORT,
    JEST,
    JSON_REPORT,
    JUNIT,
    JUNIT_REPORT,
    LINES_REPORT,
    SIGNED_FRAMEWORKS,
    VITEST,
    SuiteRun,
    create_signing_keys,
    export_tree,
)
from services.validator.suite.domain.imports import import_graph
from services.validator.suite.domain.recording import ImpactMap
from services.validator.suite.domain.reports import (
    COMMAND_RESULT_ID,
    Infrastructure,
    Outcome,
    Reported,
    RunOutcome,
    TestReport,
    TestResult,
    worst,
)
from services.validator.suite.domain.sources import decode_source
from shared.environments.ports import Environment, Trees
from shared.sandbox.ports import Completed, Sandbox
from shared.sandbox.scratch import Scratch, complete_in_thread
from shared.targets.languages import PYTHON
from shared.targets.profile import TargetProfile
from shared.targets.tree import Tree

log = structlog.get_logger(__name__)

OUTPUT_TAIL_LINES = 40
COMMAND_TAIL_LINES = 5


class SandboxedSuite:
    """The `Suite` port: every run gets a clean copy of the tree, which is removed afterwards."""

    def __init__(self, sandbox: Sandbox, scratch: Scratch, trees: Trees) -> None:
        self._sandbox = sandbox
        self._scratch = scratch
        self._trees = trees

    async def run(
        self,
        tree_oid: str,
        profile: TargetProfile,
        environment: Environment,
        tests: tuple[str, ...] = (),
        *,
        target_id: str,
        base_oid: str = "",
        repeat: int = 1,
        record: bool = False,
        approved: tuple[str, ...] = (),
    ) -> RunOutcome:
        """Export the tree, run its tests in the sandbox and read their report.

        Only pytest and unittest can run some of the tests, repeat them within a run, and be
        recorded; any other command runs all tests, and runs again for each repetition.
        """
        if repeat > 1 and profile.test.framework not in SIGNED_FRAMEWORKS:
            runs = [
                await self.run(
                    tree_oid,
                    profile,
                    environment,
                    tests,
                    target_id=target_id,
                    base_oid=base_oid,
                    approved=approved,
                )
                for _ in range(repeat)
            ]
            return worst(runs)
        async with self._scratch.workspace() as workspace:
            keys = create_signing_keys(profile.test.framework)
            run = SuiteRun(
                workspace,
                profile.test,
                environment,
                tests,
                keys,
                repeat=repeat,
                record=record,
                approved=approved,
            )
            oids = (tree_oid, base_oid)
            await complete_in_thread(export_tree, run, profile, self._trees, target_id, oids)
            run.prepare_scratch()
            completed = await self._sandbox.run(run.command())
        outcome = read_outcome(completed, run)
        if isinstance(outcome, Reported) and IMPACT_REPORT in completed.reports:
            tree = self._trees(target_id, tree_oid)
            recording = completed.reports[IMPACT_REPORT]
            impact = await complete_in_thread(_read_impact, recording, tree)
            return replace(outcome, impact=impact)
        return outcome


def _read_impact(recording: bytes, tree: Tree) -> str | None:
    """Return a recording and the import graph of its tree as the JSON of an `ImpactMap`.

    It is None if the recording cannot be read.
    """
    try:
        recorded = ImpactMap.from_recording(recording)
    except ValueError as error:
        log.warning("recording_unreadable", reason=str(error))
        return None
    paths = [path for path in tree.files() if PYTHON.has_suffix(path)]
    sources = {path: decode_source(tree.read(path) or b"") for path in paths}
    return replace(recorded, imports=import_graph(sources)).to_json()


def read_outcome(completed: Completed, run: SuiteRun) -> RunOutcome:
    """Return the report of a finished run, or why there is none that can be trusted."""
    outcome = _read_report(completed, run)
    if isinstance(outcome, Infrastructure):
        return replace(outcome, output_tail=completed.tail(OUTPUT_TAIL_LINES))
    return Reported(_add_command_result(outcome.report, run, completed))


def _read_report(completed: Completed, run: SuiteRun) -> RunOutcome:
    """Return the report of a finished run in the format that it left, or why there is none."""
    code, seconds, reports = completed.exit_code, completed.seconds, completed.reports
    framework = run.plan.framework
    if code is None or completed.abort_reason:
        return Infrastructure(completed.abort_reason)
    if framework in {JEST, VITEST}:
        return read_jest(reports.get(JSON_REPORT), run.tree, exit_code=code, seconds=seconds)
    if framework == JUNIT or (JUNIT_REPORT in reports and LINES_REPORT not in reports):
        return read_junit(reports.get(JUNIT_REPORT), exit_code=code, seconds=seconds)
    alone = framework in SIGNED_FRAMEWORKS
    if LINES_REPORT in reports:
        lines = reports[LINES_REPORT]
        return read_lines(lines, run.keys, exit_code=code, seconds=seconds, alone=alone)
    if alone or code < 0:
        return Infrastructure(f"The tests ended with {code} and left no report.")
    return Reported(TestReport({}, seconds, code, problem="Only the exit code is known."))


def _add_command_result(report: TestReport, run: SuiteRun, completed: Completed) -> TestReport:
    """Add a result for the command as a whole, which may fail although each test passed.

    For a command that is nothing but a test runner, only such a failure is added, or what was asked
    for. A run of a part of the tests says nothing about the whole.
    """
    signed = run.plan.framework in SIGNED_FRAMEWORKS
    # Of pytest, having found no tests is no failure of the whole.
    fine = {0, NO_TESTS} if signed else {0}
    has_failed = report.exit_code not in fine and not report.failing
    is_wanted = run.plan.framework == CUSTOM or COMMAND_RESULT_ID in run.tests
    if (signed and run.is_selective) or not (has_failed or is_wanted):
        return report
    result = TestResult(
        COMMAND_RESULT_ID,
        Outcome.FAILED if has_failed else Outcome.PASSED,
        report.seconds,
        f"It ended with {report.exit_code}:\n{completed.tail(COMMAND_TAIL_LINES)}"
        if has_failed
        else "",
    )
    return replace(report, results={**report.results, COMMAND_RESULT_ID: result})
