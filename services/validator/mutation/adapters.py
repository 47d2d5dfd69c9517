"""Tries mutants in a target's own test session, in a sandbox."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from services.validator.mutation.domain.mutants import PLACE, SWITCH
from services.validator.mutation.domain.plan import MutantResult, MutationReport
from services.validator.suite.adapters.signed_lines import verify_lines
from services.validator.suite.adapters.suite import OUTPUT_TAIL_LINES
from services.validator.suite.adapters.suite_run import (
    IN_TARGET_PACKAGE,
    LINES_REPORT,
    SuiteRun,
    create_signing_keys,
    export_tree,
)
from services.validator.suite.domain.reports import Infrastructure
from shared.environments.ports import Environment, Trees
from shared.sandbox.ports import Completed, Limits, Sandbox
from shared.sandbox.scratch import Scratch, complete_in_thread
from shared.targets.profile import TargetProfile
from shared.targets.writer import FolderWriter

PLUGIN = "mutation_session"
SWITCH_NAMES = (SWITCH, PLACE)
# Python processes that a test starts import the mutated files too.
INSTALL_SWITCH = f"from {IN_TARGET_PACKAGE}.switch import install\n\ninstall({{!r}}, {{!r}})\n"


class SandboxedMutationRunner:
    """The `MutationRunner` port for pytest: runs a clean copy of the tree with mutated files."""

    def __init__(self, sandbox: Sandbox, scratch: Scratch, trees: Trees) -> None:
        self._sandbox = sandbox
        self._scratch = scratch
        self._trees = trees

    async def run(
        self,
        tree_oid: str,
        plan: str,
        profile: TargetProfile,
        environment: Environment,
        tests: tuple[str, ...] = (),
        *,
        target_id: str,
        base_oid: str = "",
    ) -> MutationReport | Infrastructure:
        """Try the mutants of a plan in a copy of the tree with the mutated files, in the sandbox.

        The pass without mutants may take as long as the suite may, the mutants as long as the plan
        says.
        """
        content = json.loads(plan)
        names = random_names()
        files = {path: _with_names(text, names) for path, text in content.pop("files").items()}
        async with self._scratch.workspace() as workspace:
            keys = create_signing_keys(profile.test.framework)
            run = replace(
                SuiteRun(workspace, profile.test, environment, tests, keys, plugin=PLUGIN),
                startup=INSTALL_SWITCH.format(*names),
            )
            oids = (tree_oid, base_oid)
            await complete_in_thread(export_tree, run, profile, self._trees, target_id, oids)
            await complete_in_thread(write_mutated_files, run.tree, files)
            run.prepare_scratch()
            (run.scratch / "mutants.json").write_text(json.dumps(content))
            command = run.command()
            variables = {
                **command.env,
                "GROUNDSWELL_MUTANTS": str(run.scratch / "mutants.json"),
                "GROUNDSWELL_TREE": str(run.tree),
            }
            limits = Limits(wall=profile.test.timeout + float(content["longest"]))
            completed = await self._sandbox.run(replace(command, env=variables, limits=limits))
        return _read(completed, run.keys, len(content["mutants"]))


def write_mutated_files(tree: Path, files: Mapping[str, str]) -> None:
    """Overwrite regular files of the tree; a link is left alone, as it may lead anywhere."""
    with FolderWriter(tree) as writer:
        for path, text in files.items():
            writer.overwrite(path, text.encode())


def random_names() -> tuple[str, str]:
    """Return new names of the two builtins, as long as those in the plan."""
    switch, place = (f"_{secrets.token_hex(len(each))[: len(each) - 1]}" for each in SWITCH_NAMES)
    return switch, place


def _with_names(text: str, names: Sequence[str]) -> str:
    """Return a mutated file that calls the switch by these names."""
    for planned, name in zip(SWITCH_NAMES, names, strict=True):
        text = text.replace(planned, name)
    return text


def _read(
    completed: Completed, keys: Sequence[bytes], mutants: int
) -> MutationReport | Infrastructure:
    """Return the result of each mutant, or why the session gave no whole report."""
    reason = completed.abort_reason
    try:
        lines = verify_lines(completed.reports.get(LINES_REPORT, b""), keys)
        results = {line["id"]: _result(line) for line in lines if line["event"] == "mutant"}
        ends = [line for line in lines if line["event"] == "finish"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = f"The report of the mutants is damaged: {error!r}."
    if not reason and (len(ends) != 1 or len(results) != mutants):
        reason = "The test session with the mutants ended before its end."
    if reason:
        return Infrastructure(reason, completed.tail(OUTPUT_TAIL_LINES))
    passing, failing = int(ends[0].get("usable", 0)), tuple(map(str, ends[0].get("failing", ())))
    return MutationReport(results, passing, completed.seconds, failing)


def _result(line: Mapping[str, Any]) -> MutantResult:
    """Return the result in one report line. Raises ValueError, KeyError or TypeError if damaged."""
    killed = line["killed"]
    if killed is not None and not isinstance(killed, bool):
        raise ValueError("a mutant is neither killed nor survived")
    return MutantResult(
        killed, bool(line["reached"]), str(line["by"]), int(line["tests"]), str(line["why"])
    )
