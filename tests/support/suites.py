"""A target's tests, run in the best sandbox that this machine has."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.validator.suite.adapters.suite import SandboxedSuite
from services.validator.suite.domain.reports import Reported, RunOutcome
from shared.environments.interpreters import running_interpreter
from shared.environments.ports import Environment
from shared.kernel.ids import uuid7
from shared.sandbox.scratch import Scratch
from tests.support.profiles import a_profile
from tests.support.sandboxes import a_sandbox, the_best
from tests.support.trees import FakeTree

BIN = Path(sys.executable).parent
PYTEST = ("python", "-m", "pytest", "-p", "no:hypothesispytest", "-p", "no:asyncio")
UNITTEST = ("python", "-m", "unittest")


async def a_run(
    home: Path,
    files: Mapping[str, str],
    *tests: str,
    command: tuple[str, ...] = PYTEST,
    framework: str = "pytest",
    generated: Path | None = None,
    **how: Any,
) -> RunOutcome:
    """`how` is what the port takes: repeat, record; `generated` is what the set-up made."""
    async with a_sandbox(the_best()) as sandbox:
        scratch = Scratch(home / "work", uuid7)
        readable = (BIN.parent, *running_interpreter().required_directories)
        environment = Environment("key", BIN, readable, 0, True, generated=generated)
        suite = SandboxedSuite(sandbox, scratch, lambda *_: FakeTree(files))
        profile = a_profile(*command, framework=framework)
        outcome = await suite.run("tree", profile, environment, tests, target_id="t", **how)
        scratch.close()
        return outcome


def reported(outcome: RunOutcome) -> Reported:
    assert isinstance(outcome, Reported), outcome
    return outcome
