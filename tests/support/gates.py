"""A gate over a small real package with its own suite: the use case itself, real runs.

The runs are in the real sandbox, and the repository is real. Many changes can be put before one
gate, whose head stays as it is as long as nothing lands.
"""

import asyncio
import hashlib
import secrets
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.validator.approval.usecases import decide
from services.validator.deps import ValidatorDeps
from services.validator.findings.adapters import RegisteredDetectors
from services.validator.gains.adapters import SandboxedFunctionBenchmarks
from services.validator.gate.loop import settle
from services.validator.mutation.adapters import SandboxedMutationRunner
from services.validator.rollback.usecases.rollbacks import roll_back
from services.validator.runs.usecases.runners import announce
from services.validator.suite.adapters.suite import SandboxedSuite
from shared.contracts.commands import DecideEnhancement, RollbackEnhancement
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.findings import Health
from shared.contracts.documents.storage import Patch
from shared.contracts.documents.waves import Wave
from shared.contracts.work import RunTests
from shared.environments.interpreters import running_interpreter
from shared.environments.ports import Environment
from shared.kernel.clock import utc_now
from shared.kernel.ids import uuid7
from shared.sandbox.scratch import Scratch
from shared.targets.patches import make_patch
from tests.support.builders import a_task, a_wave, an_enhancement
from tests.support.buses import RecordingBus
from tests.support.landing import Yard, a_yard
from tests.support.memory import a_store
from tests.support.repositories import git
from tests.support.runs import execute_run
from tests.support.sandboxes import a_home, a_sandbox, the_best
from tests.support.till import FILES
from tests.support.validator_deps import a_validator

BIN = Path(sys.executable).parent
CONFIG = """
[test]
command = "python -m pytest -p no:hypothesispytest -p no:asyncio -p no:xdist"

[policy]
protected_paths = "{protected}"
unprotected = "{unprotected}"

[watch]
checks = 0
"""


@dataclass
class RunningBus(RecordingBus):
    """What is asked of a runner is begun at once, by ourselves."""

    deps: list[ValidatorDeps] = field(default_factory=list)
    runs: set["asyncio.Task[None]"] = field(default_factory=set)

    async def publish(self, message, *, key, wave=""):
        await super().publish(message, key=key, wave=wave)
        if isinstance(message, RunTests):
            self.runs.add(asyncio.create_task(execute_run(message, self.deps[0])))


@dataclass
class Chance:
    """A suite that decides in each run whether the function that fails by chance fails.

    Without an answer for a run, the function does not fail. The answers are read from a file, as
    nothing in a sandbox remembers the run before.
    """

    suite: SandboxedSuite
    at: Path
    calls: deque[int] = field(default_factory=deque)
    runs: int = 0

    async def run(self, tree, *arguments, base_oid, **options):
        self.runs += 1
        if tree != base_oid:
            self.at.write_text(str(self.calls.popleft() if self.calls else 0))
        return await self.suite.run(tree, *arguments, base_oid=base_oid, **options)


@dataclass
class Gate:
    """One target with its gate, and its files as they were in the beginning.

    `environments` are the trees for which an environment was prepared.
    """

    files: Mapping[str, str]
    yard: Yard
    deps: ValidatorDeps
    chance: Chance
    runner: asyncio.Runner
    environments: set[str]

    def judge(self, files: dict[str, str | None], *, calls: tuple[int, ...] = ()) -> Enhancement:
        """What becomes of a change to these files."""
        self.chance.calls = deque(calls)
        [change] = self.judge_all([files])
        return change

    def judge_all(self, changes: list[dict[str, str | None]], **fields: Any) -> list[Enhancement]:
        """What becomes of several that are put before it at once."""
        return self.runner.run(self._judge(changes, fields))

    def approve(
        self, change: Enhancement, beside: Sequence[dict[str, str | None]] = ()
    ) -> list[Enhancement]:
        """What becomes of it with a person's word, and of others that wait `beside` it by then."""
        return self.runner.run(self._approve(change, beside))

    def roll_back(self, change: Enhancement) -> Enhancement:
        """What becomes of a landed change that a person wants off the branch."""
        return self.runner.run(self._roll_back(change))

    def runs(self) -> list[str]:
        """The purpose of each run that was made, in their order."""
        runs = self.runner.run(self.deps.store.runs.find())
        return [each.request.purpose for each in runs]

    def health(self) -> list[Health]:
        """What was measured of it, which nobody but the gate did."""
        return self.runner.run(self.deps.store.health.find())

    async def _judge(
        self, changes: list[dict[str, str | None]], fields: dict[str, Any]
    ) -> list[Enhancement]:
        head, store = self.yard.head(), self.deps.store
        wave = a_wave(target_id=self.yard.target.id, state="running", commit=head, base_commit=head)
        await store.waves.insert(wave)
        made = await self._put(wave, "till", changes, fields)
        await settle(self.yard.target.id, self.deps)
        return [await store.enhancements.require(each.id) for each in made]

    async def _put(
        self,
        wave: Wave,
        component: str,
        changes: Sequence[dict[str, str | None]],
        fields: dict[str, Any],
    ) -> list[Enhancement]:
        """Cleared changes of one task."""
        store, made = self.deps.store, []
        task = a_task(wave, component=component, paths=("*",), state="proposed")
        for number, files in enumerate(changes):
            known = {path: self.files.get(path) for path in files}
            patch = make_patch({path: (_bytes(known[path]), _bytes(files[path])) for path in files})
            digest = hashlib.sha256(patch.encode()).hexdigest()
            await store.patches.insert(Patch(id=digest, text=patch, created_at=utc_now()))
            made.append(
                an_enhancement(
                    task,
                    key=f"k{number}",
                    order=number,
                    patch=digest,
                    base_commit=wave.commit,
                    state="cleared",
                    **{"files": tuple(files), **fields},
                )
            )
        await store.tasks.insert(task)
        await store.enhancements.insert_missing(made)
        return made

    async def _approve(
        self, change: Enhancement, beside: Sequence[dict[str, str | None]]
    ) -> list[Enhancement]:
        wave = await self.deps.store.waves.require(change.wave_id)
        made = [change, *await self._put(wave, "beside", beside, {})]
        word = DecideEnhancement(enhancement_id=change.id, decision="approve", reason="Seen.")
        await decide(word, self.deps)
        await settle(self.yard.target.id, self.deps)
        return [await self.deps.store.enhancements.require(each.id) for each in made]

    async def _roll_back(self, change: Enhancement) -> Enhancement:
        await roll_back(RollbackEnhancement(enhancement_id=change.id, reason="Bad."), self.deps)
        return await self.deps.store.enhancements.require(change.id)

    def branch(self) -> str:
        return git(self.yard.place, "for-each-ref", "refs/heads/groundswell")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


async def a_gate(stack: AsyncExitStack, files: Mapping[str, str], runner: asyncio.Runner) -> Gate:
    home = stack.enter_context(a_home())
    yard = a_yard(home, **files)
    sandbox = await stack.enter_async_context(a_sandbox(the_best()))
    scratch, bus = Scratch(home / "work", uuid7), RunningBus()
    stack.callback(scratch.close)
    (home / "chance").mkdir()
    (home / "chance").chmod(0o755)

    prepared = set()

    class Here:
        async def prepare(self, _target_id, _profile, tree_oid):
            prepared.add(tree_oid)
            readable = (BIN.parent, *running_interpreter().required_directories, home / "chance")
            return Environment("key", BIN, readable, 0, True)

    def tree(target_id, oid):
        return yard.mirror.tree(oid)

    chance = Chance(SandboxedSuite(sandbox, scratch, tree), home / "chance" / "call")
    deps = a_validator(
        a_store(),
        home / "home",
        bus=bus,
        repository=lambda _: yard.repository,
        environments=Here(),
        suite=chance,
        mutation_runner=SandboxedMutationRunner(sandbox, scratch, tree),
        function_benchmarks=SandboxedFunctionBenchmarks(sandbox, scratch, tree, _flip_coin),
        detectors=RegisteredDetectors(home / "validator", lambda _: yard.mirror),
        sandbox=sandbox,
        clock=utc_now,
    )
    bus.deps.append(deps)
    await deps.store.targets.insert(yard.target)
    await announce(deps)
    return Gate(files, yard, deps, chance, runner, prepared)


def _flip_coin() -> bool:
    return secrets.randbelow(2) == 1


def gates(
    config: str = CONFIG,
    *,
    files: Mapping[str, str] = FILES,
    protected: str = "refuse",
    unprotected: str = "ask",
) -> Iterator[Gate]:
    config = config.format(protected=protected, unprotected=unprotected)
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            yield runner.run(a_gate(stack, {**files, "groundswell.toml": config}, runner))
        finally:
            runner.run(stack.aclose())
