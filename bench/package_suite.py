"""Running the test suite of a package without a sandbox, and measuring its CPU time."""

import os
import resource
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from services.validator import in_target
from services.validator.suite.adapters.signed_lines import read_lines
from services.validator.suite.domain.reports import Outcome

SUITE_TIMEOUT_SECONDS, CONTEXTS_TIMEOUT_SECONDS = 600.0, 3600.0
REPORT_KEY = bytes(32)
CONTEXTS_CONFIG = "[run]\ndynamic_context = test_function\n"


@dataclass(frozen=True)
class SuiteRun:
    """A finished run of a suite, in CPU seconds; `outcomes` is empty if it gave no report."""

    seconds: float
    outcomes: dict[str, Outcome]
    recorded: bytes = b""


@dataclass(frozen=True)
class Package:
    """A package to measure, and the Python interpreter that its tests run with."""

    name: str
    tree: Path
    python: Path

    @property
    def pythonpath(self) -> str:
        """The directories that hold the package's modules."""
        return f"{self.tree}:{self.tree / 'src'}"

    def run_suite(
        self,
        scratch: Path,
        *,
        record: bool = False,
        timeout_seconds: float = SUITE_TIMEOUT_SECONDS,
    ) -> SuiteRun:
        """Run the whole suite with our pytest plugin as in a sandbox, but without one."""
        install_plugin(scratch)
        variables = {
            "PYTHONPATH": f"{self.pythonpath}:{scratch / 'plugin'}",
            "PYTEST_ADDOPTS": "-p groundswell_in_target.by_pytest -p no:cacheprovider",
            "GROUNDSWELL_KEYS": str(scratch / "keys"),
            "GROUNDSWELL_REPORT": str(scratch / "lines"),
        }
        if record:
            variables["GROUNDSWELL_RECORD"] = str(scratch / "map")
            variables["GROUNDSWELL_TREE"] = str(self.tree)
        started = children_cpu_seconds()
        command = [str(self.python), "-m", "pytest", "-q"]
        code = run_in(self.tree, command, variables, timeout_seconds)
        seconds = children_cpu_seconds() - started
        if code is None:
            return SuiteRun(seconds, {})
        lines = (scratch / "lines").read_bytes()
        outcome = read_lines(lines, [REPORT_KEY], exit_code=code, seconds=seconds)
        outcomes = outcome.report.outcomes if hasattr(outcome, "report") else {}
        return SuiteRun(seconds, outcomes, (scratch / "map").read_bytes() if record else b"")

    def time_coverage_contexts(self) -> float:
        """Return the CPU seconds of the suite under coverage.py with a context for each test."""
        (self.tree / "contexts.ini").write_text(CONTEXTS_CONFIG)
        command = [str(self.python), "-m", "coverage", "run", "--rcfile=contexts.ini"]
        command += ["-m", "pytest", "-q", "-p", "no:cacheprovider"]
        variables = {"PYTHONPATH": self.pythonpath}
        started = children_cpu_seconds()
        run_in(self.tree, command, variables, CONTEXTS_TIMEOUT_SECONDS)
        return children_cpu_seconds() - started


def install_plugin(scratch: Path) -> None:
    """Empty a directory, and put our pytest plugin and the key of its report there."""
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "keys").mkdir(parents=True)
    (scratch / "keys" / "000").write_bytes(REPORT_KEY)
    source = Path(in_target.__file__).parent
    shutil.copytree(source, scratch / "plugin" / "groundswell_in_target")


def children_cpu_seconds() -> float:
    """Return the CPU seconds of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_in(
    tree: Path, command: list[str], variables: dict[str, str], timeout_seconds: float
) -> int | None:
    """Run a command in a directory; return its exit code, or None if it took too long."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **variables}
    try:
        return subprocess.run(
            command,
            cwd=tree,
            env=environment,
            capture_output=True,
            check=False,
            timeout=timeout_seconds,
        ).returncode
    except subprocess.TimeoutExpired:
        return None
