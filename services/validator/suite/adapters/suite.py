"""Runs a target's tests on a tree, in a sandbox, and says what they said."""

import json
import secrets
import shlex
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from services.validator import in_target as inside
from services.validator.suite.adapters.jest import read_jest
from services.validator.suite.adapters.junit import read_junit
from services.validator.suite.adapters.signed_lines import read_lines
from services.validator.suite.domain.imports import import_graph
from services.validator.suite.domain.recording import ImpactMap
from services.validator.suite.domain.reports import (
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
from shared.sandbox.ports import Command, Completed, Limits, Sandbox
from shared.sandbox.scratch import Scratch, complete_in_thread
from shared.targets.languages import PYTHON
from shared.targets.paths import is_protected
from shared.targets.profile import TargetProfile, TestPlan
from shared.targets.tree import Tree

log = structlog.get_logger(__name__)

# The result of a command as a whole, where it may be more than its tests.
WHOLE = "(command)"
CUSTOM = "custom"
# What leaves signed lines and nothing else, and can run a part of the tests.
SIGNED = {"pytest", "unittest"}
# Every test is in a file of the runner's own, or there is no report.
JUNIT_ONLY, JEST, VITEST = "junit", "jest", "vitest"
LINES, JUNIT, JSON = "reports/tests.jsonl", "reports/junit.xml", "reports/tests.json"
IMPACT = "reports/impact.json"
TAIL = 40
SESSIONS = 64
COMPILED = shutil.ignore_patterns("__pycache__")
INSIDE = Path(inside.__file__).parent
PACKAGE = "groundswell_in_target"


class SandboxedSuite:
    """The `Suite` port: a clean copy of the tree for every run, removed afterwards."""

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
    ) -> RunOutcome:
        """Export, run, read. Only pytest and unittest can run a part; any other command always runs whole.

        These two can also be recorded, and repeat by themselves; any other command is run so often.
        """
        if repeat > 1 and profile.test.framework not in SIGNED:
            runs = [
                await self.run(
                    tree_oid, profile, environment, tests, target_id=target_id, base_oid=base_oid
                )
                for _ in range(repeat)
            ]
            return worst(runs)
        async with self._scratch.workspace() as room:
            keys = signing_keys(profile.test.framework)
            run = Run(room, profile.test, environment, tests, keys, repeat=repeat, record=record)
            oids = (tree_oid, base_oid)
            await complete_in_thread(lay_out, run, profile, self._trees, target_id, oids)
            run.furnish()
            completed = await self._sandbox.run(run.command())
        found = outcome(completed, run)
        if isinstance(found, Reported) and IMPACT in completed.reports:
            tree = self._trees(target_id, tree_oid)
            impact = await complete_in_thread(_impact, completed.reports[IMPACT], tree)
            return replace(found, impact=impact)
        return found


@dataclass(frozen=True)
class Run:
    """One run in its room: the tree, and beside it what the run needs and leaves."""

    room: Path
    plan: TestPlan
    environment: Environment
    tests: tuple[str, ...]
    keys: tuple[bytes, ...]
    plugin: str = "by_pytest"
    repeat: int = 1
    record: bool = False

    @property
    def tree(self) -> Path:
        """The working directory."""
        return self.room / "tree"

    @property
    def scratch(self) -> Path:
        """HOME, TMPDIR, the plugin, the selection and the reports."""
        return self.room / "run"

    def furnish(self) -> None:
        """Write down what the plugin is told, and put it where Python finds it."""
        (self.scratch / "reports").mkdir(parents=True)
        (self.scratch / "plugin").mkdir()
        shutil.copytree(INSIDE, self.scratch / "plugin" / PACKAGE, ignore=COMPILED)
        (self.scratch / "keys").mkdir()
        for number, key in enumerate(self.keys):
            (self.scratch / "keys" / f"{number:03}").write_bytes(key)
        self.environment.link_packages(self.room)
        if self._selects:
            (self.scratch / "select.json").write_text(json.dumps(self.tests))

    def command(self) -> Command:
        """The plan's command.

        pytest hears of the plugin by its environment, so that it also does where the command is a
        script that ends up calling it.
        """
        return Command(
            argv=self._argv(),
            tree=self.tree,
            scratch=self.scratch,
            path=(self.environment.bin,),
            readable=self.environment.readable,
            env=self._variables(),
            reports=(LINES, JUNIT, JSON, IMPACT),
            limits=Limits(wall=float(self.plan.timeout)),
        )

    def _argv(self) -> tuple[str, ...]:
        """The plan's command, told to report by what it does not read from its environment."""
        command, report = self.plan.command, self.scratch / JSON
        if self.plan.framework == "unittest":
            python, *_ = command
            return (python, "-m", f"{PACKAGE}.by_unittest", *command[3:])
        if self.plan.framework == JEST:
            return (*command, "--json", f"--outputFile={report}")
        if self.plan.framework == VITEST:
            reporters = ("--reporter=default", "--reporter=json", f"--outputFile.json={report}")
            return (*command, *reporters)
        return command

    @property
    def _selects(self) -> bool:
        return bool(self.tests) and WHOLE not in self.tests

    def _variables(self) -> dict[str, str]:
        # A cache directory of its own rather than "-p no:cacheprovider", without which options that
        # a target may set, such as --ff, would be unknown.
        options = ("-p", f"{PACKAGE}.{self.plugin}", "-o", f"cache_dir={self.scratch / 'cache'}")
        sources = [str(self.tree / each) for each in self.plan.pythonpath]
        variables = {
            "PYTHONPATH": ":".join([*sources, str(self.scratch / "plugin")]),
            "PYTEST_ADDOPTS": shlex.join(options),
            "VIRTUAL_ENV": str(self.environment.bin.parent),
            "GROUNDSWELL_KEYS": str(self.scratch / "keys"),
            "GROUNDSWELL_REPORT": str(self.scratch / LINES),
            "GROUNDSWELL_JUNIT": str(self.scratch / JUNIT),
            "NODE_OPTIONS": " ".join(
                (
                    *("--test-reporter=spec", "--test-reporter-destination=stdout"),
                    *(
                        "--test-reporter=junit",
                        f"--test-reporter-destination={self.scratch / JUNIT}",
                    ),
                )
            ),
        }
        if self._selects:
            variables["GROUNDSWELL_SELECT"] = str(self.scratch / "select.json")
        if self.plan.framework in SIGNED:
            variables["GROUNDSWELL_REPEAT"] = str(self.repeat)
        if self.plan.framework in SIGNED and self.record:
            variables["GROUNDSWELL_RECORD"] = str(self.scratch / IMPACT)
            variables["GROUNDSWELL_TREE"] = str(self.tree)
        return variables


def lay_out(
    run: Run, profile: TargetProfile, trees: Trees, target_id: str, oids: tuple[str, str]
) -> None:
    """The candidate's tree, but its tests and their configuration as the base has them."""
    candidate, base = oids
    tree = trees(target_id, candidate)
    tree.export(run.tree)
    if base and base != candidate:
        _restore(trees(target_id, base), tree, profile, run.tree)


def _impact(content: bytes, tree: Tree) -> str | None:
    """What was recorded, with who imports what in that tree; None where it cannot be read."""
    try:
        recorded = ImpactMap.from_recording(content)
    except ValueError as error:
        log.warning("recording_unreadable", reason=str(error))
        return None
    texts = {path: tree.read(path) or b"" for path in tree.files() if PYTHON.has_suffix(path)}
    sources = {path: decode_source(text) for path, text in texts.items()}
    return replace(recorded, imports=import_graph(sources)).to_json()


def _restore(base: Tree, candidate: Tree, profile: TargetProfile, into: Path) -> None:
    """Put back what decides whether a change is good, where a change that a person let through has touched it."""
    for path in base.files():
        content = base.read(path)
        if not is_protected(path, profile.config) or candidate.read(path) == content:
            continue
        place = into / path
        if place.is_symlink() or place.exists():
            place.unlink()
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content or b"")


def signing_keys(framework: str) -> tuple[bytes, ...]:
    """One for each pytest session: pytest itself is one, any other command may hold several."""
    return tuple(secrets.token_bytes(32) for _ in range(SESSIONS if framework == CUSTOM else 1))


def outcome(completed: Completed, run: Run) -> RunOutcome:
    """What a finished run means. Without a report that can be trusted it means nothing."""
    found = _read(completed, run)
    if isinstance(found, Infrastructure):
        return replace(found, output_tail=completed.tail(TAIL))
    return found if run.plan.framework in SIGNED else Reported(_whole(found.report, run.plan))


def _read(completed: Completed, run: Run) -> RunOutcome:
    code, seconds, reports = completed.exit_code, completed.seconds, completed.reports
    if code is None or completed.abort_reason:
        return Infrastructure(completed.abort_reason)
    if run.plan.framework in {JEST, VITEST}:
        return read_jest(reports.get(JSON), run.tree, exit_code=code, seconds=seconds)
    if run.plan.framework == JUNIT_ONLY or (JUNIT in reports and LINES not in reports):
        return read_junit(reports.get(JUNIT), exit_code=code, seconds=seconds)
    alone = run.plan.framework in SIGNED
    if LINES in reports:
        return read_lines(reports[LINES], run.keys, exit_code=code, seconds=seconds, alone=alone)
    if alone or code < 0:
        return Infrastructure(f"The tests ended with {code} and left no report.")
    return Reported(TestReport({}, seconds, code, problem="Only the exit code is known."))


def _whole(report: TestReport, plan: TestPlan) -> TestReport:
    """With one more result: that of the command, which fails also where each test passed.

    A command that is the test runner and nothing else has it only then.
    """
    failed = report.exit_code != 0 and not report.failing
    if not failed and plan.framework != CUSTOM:
        return report
    result = TestResult(
        WHOLE,
        Outcome.FAILED if failed else Outcome.PASSED,
        report.seconds,
        f"It ended with {report.exit_code}." if failed else "",
    )
    return replace(report, results={**report.results, WHOLE: result})
