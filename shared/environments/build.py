"""The targets' environments: built once per dependency set, in the sandbox, kept under Groundswell's home."""

import asyncio
import importlib.metadata
import os
import platform
import re
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uv
from filelock import AsyncFileLock

from shared.environments import node
from shared.environments.interpreters import Interpreter, find_interpreter
from shared.environments.keeping import Kept, evict
from shared.environments.lending import can_be_lent, furnish, lendable
from shared.environments.ports import Environment, ExportableTree, Trees
from shared.environments.registries import places, uv_variables
from shared.kernel.errors import Rejected
from shared.kernel.faults import fault
from shared.sandbox.ports import GIB, Command, Completed, Limits, Sandbox
from shared.sandbox.scratch import Scratch
from shared.targets.profile import EnvironmentPlan, TargetProfile
from shared.targets.tree import Tree

# Raised where an environment built by an older version of this module would be wrong.
LAYOUT = "3"
LINES = 15
UNREACHABLE = re.compile(
    r"error sending request|dns error|connect error|connection (refused|reset)|network is unreachable"
    r"|temporary failure in name resolution|Failed to establish a new connection|timed out"
    r"|npm ERR! network|EAI_AGAIN|ENOTFOUND",
    re.IGNORECASE,
)


class UvEnvironments:
    """The `Environments` port. An environment without its ready file is a build that was killed.

    `most` is how many bytes of environments and of package caches are kept.
    """

    def __init__(
        self,
        home: Path,
        sandbox: Sandbox,
        scratch: Scratch,
        trees: Trees,
        most: int = 20 * GIB,
    ) -> None:
        self._folder = home / "environments"
        self._caches = home / "cache"
        self._sandbox = sandbox
        self._scratch = scratch
        self._trees = trees
        self._most = most
        self._interpreters: dict[tuple[str, str], Interpreter] = {}

    async def prepare(self, target_id: str, profile: TargetProfile, tree_oid: str) -> Environment:
        """The environment of that tree's dependencies; builders of the same one wait for each other."""
        plan = profile.environment
        interpreter = await self._interpreter(plan)
        tree = await asyncio.to_thread(self._trees, target_id, tree_oid)
        key = await asyncio.to_thread(environment_key, plan, tree, interpreter, self._sandbox.tier)
        kept = Kept(self._folder / key)
        if (ready := kept.ready(interpreter, plan.node)) is not None:
            return ready
        self._folder.mkdir(parents=True, exist_ok=True)
        async with AsyncFileLock(kept.lock, run_in_executor=False):
            if (ready := kept.ready(interpreter, plan.node)) is not None:
                return ready
            built = await self._build_safely(kept, interpreter, plan, tree, target_id)
        await asyncio.to_thread(evict, self._folder, self._caches, self._most, {key})
        return built

    async def _interpreter(self, plan: EnvironmentPlan) -> Interpreter:
        """Asked for once: what else is on the machine takes longer to find out than all the rest."""
        asked = (plan.requires_python, plan.prefers_python)
        known = self._interpreters.get(asked)
        if known is None or not known.path.exists():
            known = await find_interpreter(asked[0], self._sandbox.reaches, asked[1])
            self._interpreters[asked] = known
        return known

    async def _build_safely(
        self,
        kept: Kept,
        interpreter: Interpreter,
        plan: EnvironmentPlan,
        tree: ExportableTree,
        target_id: str,
    ) -> Environment:
        """Build in the final place, since a virtual environment knows its own path."""
        await asyncio.to_thread(kept.clear)
        # One target's set-up must not choose what another one installs.
        cache = self._caches / target_id
        for each in (kept.folder, cache):
            each.mkdir(parents=True, exist_ok=True)
        try:
            async with self._scratch.room() as room:
                await asyncio.to_thread(tree.export, room / "tree")
                (room / "run").mkdir()
                told = await uv_variables()
                build = Build(self._sandbox, kept, room, cache, interpreter, plan, told)
                return await build.carry_out()
        except BaseException:
            await asyncio.shield(asyncio.to_thread(kept.clear))
            raise


@dataclass
class Build:
    """One build. Every step of it runs in the sandbox, with the network, as any of them may run the target's code.

    Nothing outside ever follows what is in the folder: it is a stranger's from the first step on.
    """

    sandbox: Sandbox
    kept: Kept
    room: Path
    cache: Path
    interpreter: Interpreter
    plan: EnvironmentPlan
    told: Mapping[str, str]
    notes: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def python(self) -> Path:
        """The environment's Python."""
        return self.kept.folder / "bin" / "python"

    async def carry_out(self) -> Environment:
        """Create, install, describe; the ready file comes last."""
        started = time.monotonic()
        fault("environment.begun")
        if self.plan.node:
            await self._node()
        else:
            await self._python()
        fault("environment.built")
        self.kept.log.write_text("\n".join(self.said))
        return self.kept.write_ready(
            self.interpreter, self.plan.node, time.monotonic() - started, self.notes
        )

    async def _python(self) -> None:
        folder = str(self.kept.folder)
        await self._uv(
            *("venv", "--no-project", "--allow-existing", "--python", str(self.interpreter.path)),
            folder,
        )
        if self.plan.setup is None:
            await self._install()
        else:
            await self._set_up(self.plan.setup)
        await self._bring_pytest()

    async def _node(self) -> None:
        steps = (
            node.steps(self.plan, self.kept.folder) if self.plan.setup is None else self.plan.setup
        )
        for step in steps:
            await self._need("sh", "-c", step, by_hand=step)

    async def _install(self) -> None:
        wanted = [*self.plan.installs] if self._must_install() else []
        for file in self.plan.requirement_files:
            wanted += ["-r", file]
        if wanted and not await self._install_as_locked(wanted):
            await self._uv("pip", "install", "--compile-bytecode", *wanted)
        if self.plan.needs_metadata:
            await self._describe()

    def _must_install(self) -> bool:
        """Whether anything is wanted that we do not lend anyway."""
        version = self.interpreter.version
        return not all(can_be_lent(each, version) for each in self.plan.installs)

    async def _install_as_locked(self, wanted: Sequence[str]) -> bool:
        """In the versions that the target's lock names. It may be for another Python or another machine."""
        if not self.plan.constraints:
            return False
        constraints = self.room / "run" / "constraints.txt"
        await asyncio.to_thread(constraints.write_text, "\n".join(self.plan.constraints) + "\n")
        options = ("pip", "install", "--compile-bytecode", "--constraints", str(constraints))
        completed = await self._run(uv.find_uv_bin(), *options, *wanted)
        if completed.exit_code == 0:
            return True
        said = completed.tail(3).replace("\n", " ")
        self.notes.append(f"The locked versions could not be installed, so others were: {said}")
        return False

    async def _describe(self) -> None:
        """Install the target's metadata, never its code.

        That comes from the tree under test: the editable install points to this build's copy of
        the tree, which is gone when the build ends.
        """
        argv = (uv.find_uv_bin(), "pip", "install", "--no-deps", "--editable", ".")
        # It is worth little, so little is waited for a registry that does not answer.
        completed = await self._run(*argv, UV_HTTP_RETRIES="0", UV_HTTP_TIMEOUT="10")
        if completed.exit_code != 0:
            said = completed.tail(3).replace("\n", " ")
            self.notes.append(f"The target's own metadata could not be installed: {said}")

    async def _set_up(self, commands: Sequence[str]) -> None:
        """The commands of groundswell.toml, in place of what we would have installed."""
        await self._run("ln", "-sf", uv.find_uv_bin(), str(self.python.with_name("uv")))
        if any("pip" in command for command in commands):
            await self._run(str(self.python), "-m", "ensurepip", "--default-pip")
        for command in commands:
            await self._need("sh", "-c", command, by_hand=command)

    async def _bring_pytest(self) -> None:
        """Ours, where the target brought none: copied by a command like any other."""
        asked = await self._run(str(self.python), "-c", "import pytest")
        if asked.exit_code == 0:
            return
        distributions = lendable(self.interpreter.version)
        if not distributions:
            await self._uv("pip", "install", "--compile-bytecode", "pytest")
            return
        lent = self.room / "run" / "lent"
        await asyncio.to_thread(furnish, distributions, lent, self.python, self.interpreter.version)
        copied = f"cp -Rpn {shlex.quote(str(lent))}/. {shlex.quote(str(self.kept.folder))}/"
        await self._need("sh", "-c", copied, by_hand=copied)
        if self.interpreter.version != platform.python_version():
            await self._run(
                str(self.python), "-m", "compileall", "-q", str(self.kept.folder / "lib")
            )

    async def _uv(self, *arguments: str) -> None:
        await self._need(uv.find_uv_bin(), *arguments, by_hand=shlex.join(("uv", *arguments)))

    async def _need(self, *argv: str, by_hand: str) -> None:
        completed = await self._run(*argv)
        if completed.exit_code != 0:
            raise failure(completed, by_hand=by_hand)

    async def _run(self, *argv: str, **env: str) -> Completed:
        tree = self.room / "tree"
        command = Command(
            argv=argv,
            tree=tree,
            scratch=self.room / "run",
            path=(self.python.parent, *node.path()),
            readable=(
                Path(uv.find_uv_bin()),
                *self.interpreter.needs,
                *node.needs(),
                *places(self.told),
            ),
            writable=(tree, self.kept.folder, self.cache),
            env={**self._variables(), **env},
            limits=Limits(wall=self.plan.timeout, memory=8 * GIB, disk=8 * GIB, files=500_000),
            network=True,
        )
        completed = await self.sandbox.run(command)
        self.said.append(f"$ {shlex.join(argv)}\n{completed.output}\n→ {completed.exit_code}")
        return completed

    def _variables(self) -> dict[str, str]:
        return {
            **self.told,
            "VIRTUAL_ENV": str(self.kept.folder),
            "UV_CACHE_DIR": str(self.cache / "uv"),
            "npm_config_cache": str(self.cache / "npm"),
            "npm_config_update_notifier": "false",
            # Linked files would let one target's tests change what the next target gets.
            "UV_LINK_MODE": "copy",
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_NO_PROGRESS": "1",
            "NO_COLOR": "1",
        }


def environment_key(plan: EnvironmentPlan, tree: Tree, interpreter: Interpreter, tier: str) -> str:
    """The digest of all that an environment depends on, short enough for a path.

    Of the tier too: one that was built with little isolation is not trusted by a stronger sandbox.
    """
    lent = f"pytest {importlib.metadata.version('pytest')}, layout {LAYOUT}, {tier}, {os.geteuid() == 0}"
    return plan.key(tree, f"{interpreter.path} {interpreter.version}", lent)[:20]


def failure(completed: Completed, *, by_hand: str) -> Rejected:
    """Why there is no environment, with the last lines of output and what to try by hand."""
    said = completed.tail(LINES)
    reason = "The target's test environment could not be built"
    if completed.trouble:
        reason += f": {completed.trouble}"
    elif UNREACHABLE.search(said):
        reason += ": a package registry could not be reached."
    else:
        reason += f": a step ended with {completed.exit_code}."
    return Rejected(
        f"{reason}\n{said}".strip(),
        hint=f"Try it by hand in a checkout, inside a virtual environment: {by_hand}",
        code="setup_failed",
    )
