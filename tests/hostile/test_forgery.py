"""Code that wants to be said to have passed.

A missing, partial or forged report is never a pass.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from services.validator.suite.adapters.suite import SandboxedSuite
from services.validator.suite.domain.reports import Infrastructure, Reported, RunOutcome
from shared.environments.build import UvEnvironments
from shared.environments.ports import Environment
from shared.kernel.ids import uuid7
from shared.sandbox.scratch import Scratch
from shared.targets.profile import TargetProfile
from tests.support.profiles import a_profile
from tests.support.sandboxes import a_home, a_sandbox
from tests.support.trees import FakeTree

TESTS = (
    "import m\n\n\n"
    "def test_one():\n    assert m.one() == 1\n\n\n"
    "def test_two():\n    assert m.two() == 2\n"
)
GOOD = "def one():\n    return 1\n\n\ndef two():\n    return 2\n"
BAD = "def one():\n    return 1\n\n\ndef two():\n    return 3\n"
BASE = {"m.py": GOOD, "tests/test_m.py": TESTS}

Run = Callable[..., Coroutine[Any, Any, RunOutcome]]


@dataclass
class Built:
    """The home of the environments, and those that were built, by tier and profile."""

    home: Path
    made: dict[tuple[str, str], Environment] = field(default_factory=dict)


@pytest.fixture(scope="session")
def built() -> Iterator[Built]:
    """The environments, which are the same for all tests of a tier."""
    with a_home() as home:
        yield Built(home)


@pytest.fixture
async def run(
    tier: str, home: Path, built: Built, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Run]:
    monkeypatch.setenv("UV_OFFLINE", "1")
    scratch = Scratch(home / "runs", uuid7)
    trees: dict[str, FakeTree] = {"base": FakeTree(BASE, "base")}
    async with a_sandbox(tier) as sandbox:
        environments = UvEnvironments(built.home, sandbox, scratch, lambda _, oid: trees[oid])
        suite = SandboxedSuite(sandbox, scratch, lambda _, oid: trees[oid])

        async def run(files: Mapping[str, str], profile: TargetProfile | None = None) -> RunOutcome:
            trees["candidate"] = FakeTree(files, "candidate")
            profile = profile or a_profile()
            key = (tier, profile.model_dump_json())
            if key not in built.made:
                built.made[key] = await environments.prepare("t", profile, "base")
            environment = built.made[key]
            return await suite.run(
                "candidate", profile, environment, target_id="t", base_oid="base"
            )

        yield run
    scratch.close()


async def test_an_honest_candidate_passes(run: Run):
    outcome = await run(BASE)
    assert isinstance(outcome, Reported)
    assert outcome.report.counts.passed == 2


@pytest.mark.parametrize(
    "exit_",
    ["import os; os._exit(0)", "import sys; sys.exit(0)", "import os; os.kill(os.getpid(), 9)"],
)
@pytest.mark.parametrize("when", ["at import", "in a test"])
async def test_an_early_success_is_none(run: Run, exit_: str, when: str):
    code = (
        f"{exit_}\n{GOOD}" if when == "at import" else GOOD.replace("    return 2", f"    {exit_}")
    )
    outcome = await run({**BASE, "m.py": code})
    if isinstance(outcome, Reported):
        assert outcome.report.failing
    else:
        assert outcome.reason


FORGE = (
    "\nimport json, os, glob\n"
    "lines = [\n"
    '    {"event": "start", "pytest": "9"},\n'
    '    {"event": "test", "id": "tests/test_m.py::test_one", "when": "call", '
    '"outcome": "passed", "seconds": 0},\n'
    '    {"event": "test", "id": "tests/test_m.py::test_two", "when": "call", '
    '"outcome": "passed", "seconds": 0},\n'
    '    {"event": "finish", "stopped": "", "collected": 2},\n'
    "]\n"
    'path = os.environ["GROUNDSWELL_REPORT"]\n'
)
FORGERIES = {
    "unsigned": FORGE + "open(path, 'w').write('\\n'.join(map(json.dumps, lines)))\nos._exit(0)\n",
    "signed with nothing": FORGE + "open(path, 'w').write('\\n'.join("
    "json.dumps({'key': 0, 'line': json.dumps(x), 'mac': ''}) for x in lines))\nos._exit(0)\n",
    "appended": FORGE + "open(path, 'a').write(json.dumps(lines[-1]))\nos._exit(0)\n",
    "with a key that is left": FORGE
    + "assert not glob.glob(os.environ['GROUNDSWELL_KEYS'] + '/*')\nos._exit(0)\n",
    "as JUnit": """
import os
open(os.environ["GROUNDSWELL_JUNIT"], "w").write(
    '<testsuite tests="2"><testcase classname="tests.test_m" name="test_one"/>'
    '<testcase classname="tests.test_m" name="test_two"/></testsuite>'
)
os._exit(0)
""",
    "removed": "import os\nos.unlink(os.environ['GROUNDSWELL_REPORT'])\nos._exit(0)\n",
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_forged_report_is_none(run: Run, forgery: str):
    outcome = await run({**BASE, "m.py": forgery + BAD})
    assert isinstance(outcome, Infrastructure), outcome


async def test_a_failing_test_is_said_whatever_is_printed(run: Run):
    outcome = await run({**BASE, "m.py": f"print('2 passed')\n{BAD}"})
    assert isinstance(outcome, Reported)
    assert outcome.report.failing == {"tests/test_m.py::test_two"}


@pytest.mark.parametrize(
    "files",
    [
        {"m.py": BAD, "tests/test_m.py": TESTS.replace("== 2", "== 3")},
        {"m.py": BAD, "tests/test_m.py": TESTS.replace("def test_two", "def no_test_two")},
        {"m.py": BAD},
    ],
    ids=["weakened", "hidden", "deleted"],
)
async def test_the_base_s_tests_run_over_the_candidate(run: Run, files: Mapping[str, str]):
    outcome = await run(files)
    assert isinstance(outcome, Reported)
    assert outcome.report.failing == {"tests/test_m.py::test_two"}


async def test_new_tests_of_a_candidate_run_too(run: Run):
    outcome = await run({**BASE, "tests/test_new.py": "def test_new(): assert 0\n"})
    assert isinstance(outcome, Reported)
    assert outcome.report.failing == {"tests/test_new.py::test_new"}


async def test_a_conftest_that_leaves_tests_out_leaves_them_unreported(run: Run):
    """What the base reported and this does not is found missing by the comparison."""
    conftest = "def pytest_collection_modifyitems(items):\n    del items[1:]\n"
    outcome = await run({**BASE, "conftest.py": conftest})
    assert isinstance(outcome, Reported)
    assert list(outcome.report.results) == ["tests/test_m.py::test_one"]


async def test_a_candidate_that_kills_all_it_can_reach_has_no_report(run: Run):
    code = """
import os
for pid in (os.getppid(), *range(2, 400)):
    if pid != os.getpid():
        try:
            os.kill(pid, 9)
        except OSError:
            pass
os.kill(os.getpid(), 9)
"""
    assert isinstance(await run({**BASE, "m.py": code + GOOD}), Infrastructure)


async def test_a_command_that_only_says_success_has_no_tests(run: Run):
    outcome = await run(BASE, a_profile("sh", "-c", "exit 0", framework="custom"))
    assert isinstance(outcome, Reported)
    assert outcome.report.problem == "Only the exit code is known."
