"""Runs tests on a copy of a tree whose functions first call something of ours."""

import json
import secrets
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from services.validator.gains.domain.functions import MeasuredFunction, with_recording
from services.validator.gains.domain.plan import GainPlan
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
from shared.sandbox.ports import Command, Sandbox
from shared.sandbox.scratch import Scratch, complete_in_thread
from shared.targets.profile import TargetProfile
from shared.targets.tree import Tree
from shared.targets.writer import FolderWriter

INPUTS_REPORT, TIMES_REPORT = "reports/inputs.jsonl", "reports/times.jsonl"
VERSIONS_FILE = "versions.json"
INSTALL = f"from {IN_TARGET_PACKAGE}.{{}} import install\n\ninstall({{!r}})\n"


@dataclass(frozen=True)
class CalledTests:
    """Tests of the tree without a change, run to record or to time the functions it concerns."""

    sandbox: Sandbox
    scratch: Scratch
    trees: Trees
    plan: GainPlan
    profile: TargetProfile
    environment: Environment
    target_id: str
    base_oid: str

    async def recorded(self, tests: tuple[str, ...]) -> bytes | Infrastructure:
        """Return what is recorded of the functions' calls by these tests, by all if there are none.

        How the tests end is not looked at.
        """
        return await self._run(tests, "inputs", INPUTS_REPORT)

    async def timed(
        self, tests: tuple[str, ...], versions: list[list[dict[str, str]]]
    ) -> bytes | Infrastructure:
        """Return the times of the calls that these tests make, by both versions of each function.

        How the tests end is not looked at.
        """
        files = {VERSIONS_FILE: json.dumps(versions).encode()}
        return await self._run(tests, "call_timer", TIMES_REPORT, files)

    async def _run(
        self,
        tests: tuple[str, ...],
        module: str,
        report: str,
        files: Mapping[str, bytes] | None = None,
    ) -> bytes | Infrastructure:
        """Run the tests with a module of `in_target`, and return the report that it writes."""
        name = f"_{secrets.token_hex(8)}"
        async with self.scratch.workspace() as workspace:
            keys = create_signing_keys(self.profile.test.framework)
            run = SuiteRun(workspace, self.profile.test, self.environment, tests, keys)
            run = replace(run, startup=INSTALL.format(module, name))
            oids = (self.plan.before, self.base_oid)
            await complete_in_thread(
                export_tree, run, self.profile, self.trees, self.target_id, oids
            )
            tree = self.trees(self.target_id, self.plan.before)
            await complete_in_thread(write_calling_files, run.tree, tree, self.plan, name)
            run.prepare_scratch()
            for path, content in (files or {}).items():
                (run.scratch / path).write_bytes(content)
            completed = await self.sandbox.run(_command(run, report))
        if completed.exit_code is None or completed.abort_reason:
            return Infrastructure(completed.abort_reason, completed.tail(OUTPUT_TAIL_LINES))
        return completed.reports.get(report, b"")


def write_calling_files(folder: Path, tree: Tree, plan: GainPlan, builtin: str) -> None:
    """Overwrite the files of a plan's functions by such as call a builtin; a link is left alone."""
    by_path: Mapping[str, dict[int, MeasuredFunction]] = defaultdict(dict)
    for number, each in enumerate(plan.functions):
        by_path[each.path][number] = each
    with FolderWriter(folder) as writer:
        for path, functions in by_path.items():
            text = with_recording(decode_source(tree.read(path) or b""), functions, builtin)
            writer.overwrite(path, text.encode(errors="surrogateescape"))


def _command(run: SuiteRun, report: str) -> Command:
    """Return the command of a run, which tells our module where its files are."""
    file = str(run.scratch / report)
    variable = {INPUTS_REPORT: "GROUNDSWELL_INPUTS", TIMES_REPORT: "GROUNDSWELL_TIMES"}[report]
    own = {
        variable: file,
        "GROUNDSWELL_TREE": str(run.tree),
        "GROUNDSWELL_VERSIONS": str(run.scratch / VERSIONS_FILE),
    }
    command = run.command()
    return replace(command, env={**command.env, **own}, reports=(report,))
