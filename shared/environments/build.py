"""The targets' environments: built once per dependency set, in the sandbox, kept under Groundswell's home."""

import asyncio
import importlib.metadata
import os
from pathlib import Path

from filelock import AsyncFileLock

from shared.environments.install import Build
from shared.environments.interpreters import Interpreter, find_interpreter
from shared.environments.ports import Environment, ExportableTree, Trees
from shared.environments.registries import uv_variables
from shared.environments.storage import Kept, evict
from shared.sandbox.ports import GIB, Sandbox
from shared.sandbox.scratch import Scratch, complete_in_thread
from shared.targets.profile import EnvironmentPlan, TargetProfile
from shared.targets.tree import Tree

# Raised where an environment built by an older version of this module would be wrong.
LAYOUT = "3"


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
        if (ready := kept.ready(interpreter, plan.needs_node)) is not None:
            return ready
        self._folder.mkdir(parents=True, exist_ok=True)
        async with AsyncFileLock(kept.lock, run_in_executor=False):
            if (ready := kept.ready(interpreter, plan.needs_node)) is not None:
                return ready
            built = await self._build_safely(kept, interpreter, plan, tree, target_id)
        await asyncio.to_thread(evict, self._folder, self._caches, self._most, {key})
        return built

    async def _interpreter(self, plan: EnvironmentPlan) -> Interpreter:
        """Asked for once: what else is on the machine takes longer to find out than all the rest."""
        asked = (plan.requires_python, plan.prefers_python)
        known = self._interpreters.get(asked)
        if known is None or not known.path.exists():
            known = await find_interpreter(asked[0], self._sandbox.can_read, asked[1])
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
            async with self._scratch.workspace() as room:
                await complete_in_thread(tree.export, room / "tree")
                (room / "run").mkdir()
                told = await uv_variables()
                build = Build(self._sandbox, kept, room, cache, interpreter, plan, told)
                return await build.execute_run()
        except BaseException:
            await asyncio.shield(asyncio.to_thread(kept.clear))
            raise


def environment_key(plan: EnvironmentPlan, tree: Tree, interpreter: Interpreter, tier: str) -> str:
    """The digest of all that an environment depends on, short enough for a path.

    Of the tier too: one that was built with little isolation is not trusted by a stronger sandbox.
    """
    lent = f"pytest {importlib.metadata.version('pytest')}, layout {LAYOUT}, {tier}, {os.geteuid() == 0}"
    return plan.key(tree, f"{interpreter.path} {interpreter.version}", lent)[:20]
