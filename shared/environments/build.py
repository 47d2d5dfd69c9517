"""Build environments of targets in the sandbox, once per dependency set, and keep them on disk."""

import asyncio
import importlib.metadata
import json
import os
from collections import OrderedDict
from pathlib import Path

from filelock import AsyncFileLock

from shared.environments.install import Build
from shared.environments.interpreters import Interpreter, find_interpreter
from shared.environments.ports import Environment, ExportableTree, Trees
from shared.environments.registries import uv_variables
from shared.environments.storage import StoredEnvironment, evict
from shared.sandbox.ports import GIB, Sandbox
from shared.sandbox.scratch import Scratch, complete_in_thread
from shared.targets.profile import EnvironmentPlan, TargetProfile
from shared.targets.tree import Tree

# To increase when environments that an older version built must not be used any more.
LAYOUT = "4"
KEY_CHARS = 20
MAX_REMEMBERED_KEYS = 256


class UvEnvironments:
    """Implements the `Environments` port with uv, and with npm for packages of Node.

    An environment without its ready file is one whose build was killed. `max_bytes` bounds what
    environments and package caches take on disk.
    """

    def __init__(
        self,
        home: Path,
        sandbox: Sandbox,
        scratch: Scratch,
        trees: Trees,
        max_bytes: int = 20 * GIB,
    ) -> None:
        self._folder = home / "environments"
        self._caches = home / "cache"
        self._sandbox = sandbox
        self._scratch = scratch
        self._trees = trees
        self._max_bytes = max_bytes
        self._interpreters: dict[tuple[str, str], Interpreter] = {}
        self._keys: OrderedDict[tuple[str, str, str], str] = OrderedDict()

    async def prepare(self, target_id: str, profile: TargetProfile, tree_oid: str) -> Environment:
        """Return the environment for the dependencies of a tree, and build it if there is none yet.

        Concurrent builds of the same one wait for each other; others may be evicted after one.
        Raises `Rejected` where it cannot be built.
        """
        plan = profile.environment
        interpreter = await self._interpreter(plan)
        tree = await asyncio.to_thread(self._trees, target_id, tree_oid)
        key = await self._key(target_id, plan, tree, interpreter)
        stored = StoredEnvironment(self._folder / key)
        if (ready := stored.find_ready(interpreter, plan.needs_node)) is not None:
            return ready
        self._folder.mkdir(parents=True, exist_ok=True)
        async with AsyncFileLock(stored.lock, run_in_executor=False):
            if (ready := stored.find_ready(interpreter, plan.needs_node)) is not None:
                return ready
            built = await self._build_safely(stored, interpreter, plan, tree, target_id)
        await asyncio.to_thread(evict, self._folder, self._caches, self._max_bytes, {key})
        return built

    async def _key(
        self, target_id: str, plan: EnvironmentPlan, tree: Tree, interpreter: Interpreter
    ) -> str:
        """Return the key of an environment, remembered because finding what it holds takes long."""
        asked = (target_id, tree.oid, plan.model_dump_json())
        if asked not in self._keys:
            self._keys[asked] = await asyncio.to_thread(
                environment_key, target_id, plan, tree, interpreter, self._sandbox.tier
            )
            if len(self._keys) > MAX_REMEMBERED_KEYS:
                self._keys.popitem(last=False)
        return self._keys[asked]

    async def _interpreter(self, plan: EnvironmentPlan) -> Interpreter:
        """Return a plan's interpreter, cached as finding it takes long. Raises `Rejected`."""
        asked = (plan.requires_python, plan.prefers_python)
        known = self._interpreters.get(asked)
        if known is None or not known.path.exists():
            known = await find_interpreter(asked[0], self._sandbox.can_read, asked[1])
            self._interpreters[asked] = known
        return known

    async def _build_safely(
        self,
        stored: StoredEnvironment,
        interpreter: Interpreter,
        plan: EnvironmentPlan,
        tree: ExportableTree,
        target_id: str,
    ) -> Environment:
        """Build in the final directory, as an environment has its path; clear it on failure."""
        await asyncio.to_thread(stored.clear)
        # So that what one target's set-up wrote cannot be what another one, or the same one in
        # another namespace, installs.
        cache = self._caches / "-".join(filter(None, (target_id, plan.namespace)))
        for each in (stored.folder, cache):
            each.mkdir(parents=True, exist_ok=True)
        try:
            async with self._scratch.workspace() as workspace:
                await complete_in_thread(tree.export, workspace / "tree")
                (workspace / "run").mkdir()
                variables = await uv_variables()
                build = Build(
                    self._sandbox,
                    stored,
                    workspace,
                    cache,
                    interpreter,
                    plan,
                    tree,
                    variables,
                    owner=json.dumps(
                        (
                            plan.namespace,
                            *_circumstances(target_id, interpreter, self._sandbox.tier),
                        )
                    ),
                )
                return await build.run()
        except BaseException:
            await asyncio.shield(asyncio.to_thread(stored.clear))
            raise


def environment_key(
    target_id: str, plan: EnvironmentPlan, tree: Tree, interpreter: Interpreter, tier: str
) -> str:
    """Return a digest of all that an environment depends on, short enough for a path.

    The target is part of it, as what its set-up executes may write anything into the environment;
    so is the tier, as a stronger sandbox must not trust what a weaker one built.
    """
    return plan.key(tree, *_circumstances(target_id, interpreter, tier))[:KEY_CHARS]


def _circumstances(target_id: str, interpreter: Interpreter, tier: str) -> tuple[str, ...]:
    """Return what an environment depends on besides its plan and tree."""
    return (
        target_id,
        str(interpreter.path),
        interpreter.version,
        importlib.metadata.version("pytest"),
        LAYOUT,
        tier,
        str(os.geteuid() == 0),
    )
