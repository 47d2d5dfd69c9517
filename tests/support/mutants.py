"""Mutants of a change, tried in real pytest sessions on a small tree, in the best sandbox here."""

from collections.abc import Mapping
from pathlib import Path

from services.validator.mutation.adapters import SandboxedMutationRunner
from services.validator.mutation.domain.placement import place_mutants
from services.validator.mutation.domain.plan import ChangedFile, MutantResult, MutationReport
from services.validator.suite.domain.reports import Infrastructure
from shared.environments.interpreters import running_interpreter
from shared.environments.ports import Environment
from shared.kernel.ids import uuid7
from shared.sandbox.scratch import Scratch
from tests.support.profiles import a_profile
from tests.support.sandboxes import a_sandbox, the_best
from tests.support.suites import BIN, PYTEST
from tests.support.trees import FakeTree


async def try_mutants(
    home: Path,
    before: str,
    after: str,
    files: Mapping[str, str],
    *only: str,
    seconds: float = 60,
    longest: float = 60,
    command: tuple[str, ...] = PYTEST,
    timeout: float = 60,
) -> dict[str, MutantResult] | Infrastructure:
    """Try all mutants of a change to `m.py`; return each one's result by its description."""
    placed = place_mutants({"c": [ChangedFile("m.py", (before.encode(), after.encode()))]}, 99)
    work = home / "work"
    scratch = Scratch(work, uuid7)
    readable = (BIN.parent, *running_interpreter().required_directories)
    environment = Environment("key", BIN, readable, 0, True)
    plan, profile = placed.to_json(seconds, longest), a_profile(*command, timeout=timeout)
    tree = FakeTree({"m.py": after, **files})
    async with a_sandbox(the_best()) as sandbox:
        runner = SandboxedMutationRunner(sandbox, scratch, lambda *_: tree)
        outcome = await runner.run("tree", plan, profile, environment, only, target_id="target")
    scratch.close()
    assert [each.name for each in work.iterdir()] == [".lock"], "something was left behind"
    if not isinstance(outcome, MutationReport):
        return outcome
    return {each.mutant.description: outcome.results[each.id] for each in placed.mutants}
