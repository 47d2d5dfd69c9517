"""One run of a target's tests: the files it needs in a workspace, and the command to run."""

import json
import secrets
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.validator import in_target
from services.validator.suite.domain.reports import COMMAND_RESULT_ID
from shared.environments.ports import Environment, Trees
from shared.sandbox.ports import Command, Limits
from shared.targets.paths import is_protected
from shared.targets.profile import TargetProfile, TestPlan
from shared.targets.tree import Tree
from shared.targets.writer import FolderWriter

CUSTOM = "custom"
# Our plugin or runner signs the report of these; only these can run some of the tests.
SIGNED_FRAMEWORKS = {"pytest", "unittest"}
# These write an unsigned report, with a result for each test.
JUNIT, JEST, VITEST = "junit", "jest", "vitest"
# The report files, as paths in the run's scratch directory.
LINES_REPORT, JUNIT_REPORT = "reports/tests.jsonl", "reports/junit.xml"
JSON_REPORT, IMPACT_REPORT = "reports/tests.json", "reports/impact.json"
MAX_SESSIONS_OF_A_COMMAND = 64
KEY_BYTES = 32
IGNORE_COMPILED = shutil.ignore_patterns("__pycache__")
IN_TARGET_FOLDER = Path(in_target.__file__).parent
IN_TARGET_PACKAGE = "groundswell_in_target"
STARTUP = f"""\
import os
import sys

from {IN_TARGET_PACKAGE} import startup

folder = os.path.dirname(__file__)
startup.prepare(folder)
startup.run_next(folder, sys.modules[__name__])
"""


@dataclass(frozen=True)
class SuiteRun:
    """A run of some or all tests (`tests`, empty for all) by a plan's command in a workspace.

    `keys` sign the reports of its test sessions. `plugin` is the module of `in_target` that pytest
    loads. Each test runs `repeat` times; with `record`, the functions it reaches are recorded.
    `startup` is code that each Python process runs when it starts. `approved` are the protected
    files that are taken from the candidate, as a person approved its edits of them.
    """

    workspace: Path
    plan: TestPlan
    environment: Environment
    tests: tuple[str, ...]
    keys: tuple[bytes, ...]
    plugin: str = "by_pytest"
    repeat: int = 1
    record: bool = False
    startup: str = ""
    approved: tuple[str, ...] = ()

    @property
    def tree(self) -> Path:
        """The directory of the tree, in which the command runs."""
        return self.workspace / "tree"

    @property
    def scratch(self) -> Path:
        """The directory of the plugin, the keys, the selected tests and the reports."""
        return self.workspace / "run"

    def prepare_scratch(self) -> None:
        """Write all that the run needs besides the tree."""
        (self.scratch / "reports").mkdir(parents=True)
        (self.scratch / "plugin").mkdir()
        package = self.scratch / "plugin" / IN_TARGET_PACKAGE
        shutil.copytree(IN_TARGET_FOLDER, package, ignore=IGNORE_COMPILED)
        (self.scratch / "plugin" / "sitecustomize.py").write_text(STARTUP + self.startup)
        (self.scratch / "keys").mkdir()
        for number, key in enumerate(self.keys):
            (self.scratch / "keys" / f"{number:03}").write_bytes(key)
        self.environment.link_packages(self.workspace)
        if self.is_selective:
            (self.scratch / "select.json").write_text(json.dumps(self.tests))

    def command(self) -> Command:
        """Return the plan's command with its variables, files and limits.

        pytest gets the plugin through a variable, and so loads it even where the command is a
        script that ends up calling pytest.
        """
        return Command(
            argv=self._argv(),
            tree=self.tree,
            scratch=self.scratch,
            path=(self.environment.bin,),
            readable=self.environment.readable,
            env=self._variables(),
            reports=(LINES_REPORT, JUNIT_REPORT, JSON_REPORT, IMPACT_REPORT),
            limits=Limits(wall=float(self.plan.timeout)),
        )

    def _argv(self) -> tuple[str, ...]:
        """Return the plan's command, by a module of ours or with options if a report needs that."""
        command, report = self.plan.command, self.scratch / JSON_REPORT
        if self.plan.framework == CUSTOM and _is_python_program(command):
            python, *rest = command
            return (python, "-m", f"{IN_TARGET_PACKAGE}.by_script", *rest)
        if self.plan.framework == "unittest":
            python, *_ = command
            return (python, "-m", f"{IN_TARGET_PACKAGE}.by_unittest", *command[3:])
        if self.plan.framework == JEST:
            return (*command, "--json", f"--outputFile={report}")
        if self.plan.framework == VITEST:
            reporters = ("--reporter=default", "--reporter=json", f"--outputFile.json={report}")
            return (*command, *reporters)
        return command

    @property
    def is_selective(self) -> bool:
        """True if only some of the tests run; the result of the whole command needs all of them."""
        return bool(self.tests) and COMMAND_RESULT_ID not in self.tests

    def _variables(self) -> dict[str, str]:
        """Return the environment variables of the command, which tell our code in it what to do."""
        sources = self.environment.import_path(self.tree, self.plan.pythonpath)
        variables = {
            # Ours first: nothing of the tree may take its place.
            "PYTHONPATH": ":".join([str(self.scratch / "plugin"), *sources]),
            "PYTEST_ADDOPTS": self._pytest_options(),
            "VIRTUAL_ENV": str(self.environment.bin.parent),
            "GROUNDSWELL_KEYS": str(self.scratch / "keys"),
            "GROUNDSWELL_REPORT": str(self.scratch / LINES_REPORT),
            "GROUNDSWELL_JUNIT": str(self.scratch / JUNIT_REPORT),
            "NODE_OPTIONS": self._node_options(),
        }
        if self.is_selective:
            variables["GROUNDSWELL_SELECT"] = str(self.scratch / "select.json")
        if self.plan.framework in SIGNED_FRAMEWORKS:
            variables["GROUNDSWELL_REPEAT"] = str(self.repeat)
        if self.plan.framework in SIGNED_FRAMEWORKS and self.record:
            variables["GROUNDSWELL_RECORD"] = str(self.scratch / IMPACT_REPORT)
            variables["GROUNDSWELL_TREE"] = str(self.tree)
        return variables

    def _pytest_options(self) -> str:
        """Return options that make pytest load our plugin, with a cache outside the tree."""
        # A cache directory of its own rather than "-p no:cacheprovider", without which options that
        # a target may set, such as --ff, would be unknown.
        plugin = f"{IN_TARGET_PACKAGE}.{self.plugin}"
        return shlex.join(("-p", plugin, "-o", f"cache_dir={self.scratch / 'cache'}"))

    def _node_options(self) -> str:
        """Return options that make `node --test` write a JUnit report besides its usual output."""
        options = (
            "--test-reporter=spec",
            "--test-reporter-destination=stdout",
            "--test-reporter=junit",
            f"--test-reporter-destination={self.scratch / JUNIT_REPORT}",
        )
        return " ".join(options)


def _is_python_program(command: Sequence[str]) -> bool:
    """Return whether a command runs a script or a module by `python`, without options of that."""
    words = (*command, "", "")
    is_python = Path(words[0]).name.startswith("python")
    return is_python and (words[1] == "-m" or words[1].endswith(".py"))


def create_signing_keys(framework: str) -> tuple[bytes, ...]:
    """Return a key for each test session: one, or many for a command that may hold several."""
    count = MAX_SESSIONS_OF_A_COMMAND if framework == CUSTOM else 1
    return tuple(secrets.token_bytes(KEY_BYTES) for _ in range(count))


def export_tree(
    run: SuiteRun, profile: TargetProfile, trees: Trees, target_id: str, oids: tuple[str, str]
) -> None:
    """Write the candidate's tree, with the protected files as the base has them if not approved.

    Beside them are the files that the set-up made. `oids` are the trees of candidate and base; the
    latter may be empty.
    """
    candidate, base = oids
    tree = trees(target_id, candidate)
    tree.export(run.tree)
    if base and base != candidate:
        _restore_protected_files(trees(target_id, base), tree, profile, run)
    run.environment.add_generated(run.tree)


def _restore_protected_files(
    base: Tree, candidate: Tree, profile: TargetProfile, run: SuiteRun
) -> None:
    """Write the base's version of each protected file that was changed or removed unapproved."""
    with FolderWriter(run.tree) as writer:
        for path in base.files():
            content = base.read(path)
            if path in run.approved or not is_protected(path, profile.config):
                continue
            if candidate.read(path) != content:
                writer.replace(path, content or b"")
