"""The steps of building one environment, each of them a command in the sandbox."""

import asyncio
import json
import shlex
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import uv

from shared.environments import inspect_setup, node
from shared.environments.failures import failure
from shared.environments.interpreters import Interpreter
from shared.environments.ports import Environment
from shared.environments.python_build import UNLOCKED, PythonBuild
from shared.environments.registries import referenced_paths
from shared.environments.storage import SetupResult, StoredEnvironment, read_setup_result
from shared.kernel.failpoints import failpoint
from shared.sandbox.ports import GIB, Command, Completed, Limits, Sandbox
from shared.targets.profile import EnvironmentPlan
from shared.targets.tree import Tree

NO_VARIABLES: Mapping[str, str] = {}
INSPECTION = Path(inspect_setup.__file__)
BUILD_LIMITS = Limits(memory=8 * GIB, disk=8 * GIB, files=500_000)


@dataclass
class Build:
    """One build of an environment.

    Every step runs in the sandbox and with the network, as any of them may run the target's code.
    Nothing outside of the sandbox follows what is in the environment's folder from the first step
    on: it may be hostile. `owner` is whom the environment is for: the target, its namespace, and
    how strong the sandbox is.
    """

    sandbox: Sandbox
    stored: StoredEnvironment
    workspace: Path
    cache: Path
    interpreter: Interpreter
    plan: EnvironmentPlan
    tree: Tree
    variables: Mapping[str, str]
    owner: str
    notes: list[str] = field(default_factory=list)
    log_entries: list[str] = field(default_factory=list)

    @property
    def checkout(self) -> Path:
        """The directory of the exported tree, which steps may write to."""
        return self.workspace / "tree"

    @property
    def scratch(self) -> Path:
        """The directory of files for single steps."""
        return self.workspace / "run"

    @property
    def python(self) -> Path:
        """The environment's Python interpreter."""
        return self.stored.folder / "bin" / "python"

    async def run(self) -> Environment:
        """Build the environment, and write its ready file last. Raises `Rejected`."""
        started = time.monotonic()
        failpoint("environment.begun")
        if self.plan.needs_node:
            await self._build_node()
            left = SetupResult(tuple(self.notes))
        else:
            await PythonBuild(self).run()
            left = await self._inspect_setup()
        failpoint("environment.built")
        self.stored.log.write_text("\n".join(self.log_entries))
        return self.stored.write_ready(
            self.interpreter, self.plan.needs_node, time.monotonic() - started, left, self.owner
        )

    async def _inspect_setup(self) -> SetupResult:
        """Inspect in the sandbox what the set-up left in its tree and environment; return that."""
        program, known = self.scratch / INSPECTION.name, self.scratch / "known.json"
        await asyncio.to_thread(shutil.copyfile, INSPECTION, program)
        await asyncio.to_thread(known.write_text, json.dumps(self.tree.files()))
        described, packed = "setup.json", "setup.tar"
        argv = (self.interpreter.path, "-I", program, self.checkout, self.stored.folder, known)
        places = (self.scratch / described, self.scratch / packed)
        done = await self.run_command(*map(str, (*argv, *places)), reports=(described, packed))
        return read_setup_result(done.reports.get(described), done.reports.get(packed), self.notes)

    async def _build_node(self) -> None:
        """Run the set-up commands, else install the Node package's dependencies with npm."""
        if self.plan.setup is not None:
            for step in self.plan.setup:
                await self.run_step("sh", "-c", step, shown_as=step)
            return
        if not self.plan.installs:
            return
        if not await self._install_as_npm_locked():
            await self.run_step("sh", "-c", node.INSTALL, shown_as=node.INSTALL)
        step = node.move_command(self.stored.folder)
        await self.run_step("sh", "-c", step, shown_as=step)

    async def _install_as_npm_locked(self) -> bool:
        """Install npm's locked versions; return False without any or, with a note, on failure."""
        if not node.is_locked(self.plan):
            return False
        completed = await self.run_command("sh", "-c", node.INSTALL_LOCKED)
        if completed.exit_code != 0:
            self.notes.append(UNLOCKED + node.failure_reason(completed.output))
        return completed.exit_code == 0

    async def uv(self, *arguments: str) -> None:
        """Run a step of uv."""
        await self.run_step(uv.find_uv_bin(), *arguments, shown_as=shlex.join(("uv", *arguments)))

    async def run_step(
        self, *argv: str, shown_as: str, env: Mapping[str, str] = NO_VARIABLES
    ) -> None:
        """Run one step. Raises `Rejected`, which tells people to try the command `shown_as`."""
        completed = await self.run_command(*argv, env=env)
        if completed.exit_code != 0:
            raise failure(completed, shown_as=shown_as)

    async def run_command(
        self, *argv: str, reports: tuple[str, ...] = (), env: Mapping[str, str] = NO_VARIABLES
    ) -> Completed:
        """Run a command of the build, however it ends, and log what it printed."""
        command = Command(
            argv=argv,
            tree=self.checkout,
            scratch=self.scratch,
            path=(self.python.parent, *node.search_path()),
            readable=(
                Path(uv.find_uv_bin()),
                *self.interpreter.required_directories,
                *node.required_directories(),
                *referenced_paths(self.variables),
            ),
            writable=(self.checkout, self.stored.folder, self.cache),
            env={**self._environment_variables(), **env},
            reports=reports,
            limits=replace(BUILD_LIMITS, wall=self.plan.timeout),
            network=True,
        )
        completed = await self.sandbox.run(command)
        self.log_entries.append(
            f"$ {shlex.join(argv)}\n{completed.output}\n→ {completed.exit_code}"
        )
        return completed

    def _environment_variables(self) -> dict[str, str]:
        """Return the environment variables that every command of the build gets."""
        return {
            **self.variables,
            "VIRTUAL_ENV": str(self.stored.folder),
            "UV_CACHE_DIR": str(self.cache / "uv"),
            "npm_config_cache": str(self.cache / "npm"),
            "npm_config_update_notifier": "false",
            # With links, one target's tests could change the files that the next target gets.
            "UV_LINK_MODE": "copy",
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_NO_PROGRESS": "1",
            "NO_COLOR": "1",
            **({"UV_EXCLUDE_NEWER": self.plan.as_of} if self.plan.as_of else {}),
        }
