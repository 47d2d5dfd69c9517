"""The steps of building one environment, each of them a command in the sandbox."""

import asyncio
import platform
import re
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import uv

from shared.environments import node
from shared.environments.interpreters import Interpreter
from shared.environments.ports import Environment
from shared.environments.pytest_copy import is_provided, lay_out_copy, pytest_distributions
from shared.environments.registries import referenced_paths
from shared.environments.storage import StoredEnvironment
from shared.kernel.errors import Rejected
from shared.kernel.failpoints import failpoint
from shared.sandbox.ports import GIB, Command, Completed, Limits, Sandbox
from shared.targets.profile import EnvironmentPlan

MAX_OUTPUT_LINES = 15
REASON_LINES = 3
BUILD_LIMITS = Limits(memory=8 * GIB, disk=8 * GIB, files=500_000)
METADATA_TIMEOUT_SECONDS = 10
UNREACHABLE_REGISTRY = re.compile(
    r"error sending request|dns error|connect error|connection (refused|reset)"
    r"|network is unreachable|temporary failure in name resolution|timed out"
    r"|Failed to establish a new connection"
    r"|npm ERR! network|EAI_AGAIN|ENOTFOUND",
    re.IGNORECASE,
)


@dataclass
class Build:
    """One build of an environment.

    Every step runs in the sandbox and with the network, as any of them may run the target's code.
    Nothing outside of the sandbox follows what is in the environment's folder from the first step
    on: it may be hostile.
    """

    sandbox: Sandbox
    stored: StoredEnvironment
    workspace: Path
    cache: Path
    interpreter: Interpreter
    plan: EnvironmentPlan
    variables: Mapping[str, str]
    notes: list[str] = field(default_factory=list)
    log_entries: list[str] = field(default_factory=list)

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
        else:
            await self._build_python()
        failpoint("environment.built")
        self.stored.log.write_text("\n".join(self.log_entries))
        return self.stored.write_ready(
            self.interpreter, self.plan.needs_node, time.monotonic() - started, self.notes
        )

    async def _build_python(self) -> None:
        folder = str(self.stored.folder)
        await self._uv(
            *("venv", "--no-project", "--allow-existing", "--python", str(self.interpreter.path)),
            folder,
        )
        if self.plan.setup is None:
            await self._install()
        else:
            await self._set_up(self.plan.setup)
        await self._ensure_pytest()

    async def _build_node(self) -> None:
        if self.plan.setup is not None:
            for step in self.plan.setup:
                await self._run_step("sh", "-c", step, shown_as=step)
            return
        if not self.plan.installs:
            return
        if not await self._install_as_npm_locked():
            await self._run_step("sh", "-c", node.INSTALL, shown_as=node.INSTALL)
        step = node.move_command(self.stored.folder)
        await self._run_step("sh", "-c", step, shown_as=step)

    async def _install_as_npm_locked(self) -> bool:
        if not node.is_locked(self.plan):
            return False
        completed = await self._run("sh", "-c", node.INSTALL_LOCKED)
        if completed.exit_code != 0:
            self._note_unlocked(node.failure_reason(completed.output))
        return completed.exit_code == 0

    async def _install(self) -> None:
        wanted = [*self.plan.installs] if self._must_install() else []
        for file in self.plan.requirement_files:
            wanted += ["-r", file]
        if wanted and not await self._install_as_locked(wanted):
            await self._uv("pip", "install", "--compile-bytecode", *wanted)
        if self.plan.needs_metadata:
            await self._install_metadata()

    def _must_install(self) -> bool:
        """Return whether anything is required that our copy of pytest does not provide."""
        version = self.interpreter.version
        return not all(is_provided(each, version) for each in self.plan.installs)

    async def _install_as_locked(self, wanted: Sequence[str]) -> bool:
        """Install the versions that the target's lock names; return whether that succeeded.

        The lock may be for another Python or another machine.
        """
        if not self.plan.constraints:
            return False
        constraints = self.workspace / "run" / "constraints.txt"
        await asyncio.to_thread(constraints.write_text, "\n".join(self.plan.constraints) + "\n")
        options = ("pip", "install", "--compile-bytecode", "--constraints", str(constraints))
        completed = await self._run(uv.find_uv_bin(), *options, *wanted)
        if completed.exit_code == 0:
            return True
        self._note_unlocked(completed.tail(REASON_LINES).replace("\n", " "))
        return False

    def _note_unlocked(self, reason: str) -> None:
        self.notes.append(f"The locked versions could not be installed, so others were: {reason}")

    async def _install_metadata(self) -> None:
        """Install the target's metadata, but not its code.

        The code comes from the tree under test: the editable install points to this build's copy of
        the tree, which is removed when the build ends.
        """
        argv = (uv.find_uv_bin(), "pip", "install", "--no-deps", "--editable", ".")
        # Optional, so that a registry that does not answer must not delay the build for long.
        completed = await self._run(
            *argv, UV_HTTP_RETRIES="0", UV_HTTP_TIMEOUT=str(METADATA_TIMEOUT_SECONDS)
        )
        if completed.exit_code != 0:
            output = completed.tail(REASON_LINES).replace("\n", " ")
            self.notes.append(f"The target's own metadata could not be installed: {output}")

    async def _set_up(self, commands: Sequence[str]) -> None:
        """Run the set-up commands of groundswell.toml, which replace the default installation."""
        await self._run("ln", "-sf", uv.find_uv_bin(), str(self.python.with_name("uv")))
        if any("pip" in command for command in commands):
            await self._run(str(self.python), "-m", "ensurepip", "--default-pip")
        for command in commands:
            await self._run_step("sh", "-c", command, shown_as=command)

    async def _ensure_pytest(self) -> None:
        """Copy our own pytest where the target brought none, by a command in the sandbox."""
        probe = await self._run(str(self.python), "-c", "import pytest")
        if probe.exit_code == 0:
            return
        distributions = pytest_distributions(self.interpreter.version)
        if not distributions:
            await self._uv("pip", "install", "--compile-bytecode", "pytest")
            return
        copy = self.workspace / "run" / "copy"
        await asyncio.to_thread(
            lay_out_copy, distributions, copy, self.python, self.interpreter.version
        )
        command = f"cp -Rpn {shlex.quote(str(copy))}/. {shlex.quote(str(self.stored.folder))}/"
        await self._run_step("sh", "-c", command, shown_as=command)
        if self.interpreter.version != platform.python_version():
            await self._run(
                str(self.python), "-m", "compileall", "-q", str(self.stored.folder / "lib")
            )

    async def _uv(self, *arguments: str) -> None:
        await self._run_step(uv.find_uv_bin(), *arguments, shown_as=shlex.join(("uv", *arguments)))

    async def _run_step(self, *argv: str, shown_as: str) -> None:
        """Run one step. Raises `Rejected`, which tells people to try the command `shown_as`."""
        completed = await self._run(*argv)
        if completed.exit_code != 0:
            raise failure(completed, shown_as=shown_as)

    async def _run(self, *argv: str, **env: str) -> Completed:
        tree = self.workspace / "tree"
        command = Command(
            argv=argv,
            tree=tree,
            scratch=self.workspace / "run",
            path=(self.python.parent, *node.search_path()),
            readable=(
                Path(uv.find_uv_bin()),
                *self.interpreter.required_directories,
                *node.required_directories(),
                *referenced_paths(self.variables),
            ),
            writable=(tree, self.stored.folder, self.cache),
            env={**self._environment_variables(), **env},
            limits=replace(BUILD_LIMITS, wall=self.plan.timeout),
            network=True,
        )
        completed = await self.sandbox.run(command)
        self.log_entries.append(
            f"$ {shlex.join(argv)}\n{completed.output}\n→ {completed.exit_code}"
        )
        return completed

    def _environment_variables(self) -> dict[str, str]:
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
        }


def failure(completed: Completed, *, shown_as: str) -> Rejected:
    """Return the error of a failed step: its reason, last lines of output, and a command to try."""
    output = completed.tail(MAX_OUTPUT_LINES)
    reason = "The target's test environment could not be built"
    if completed.abort_reason:
        reason += f": {completed.abort_reason}"
    elif UNREACHABLE_REGISTRY.search(output):
        reason += ": a package registry could not be reached."
    else:
        reason += f": a step ended with exit code {completed.exit_code}."
    return Rejected(
        f"{reason}\n{output}".strip(),
        hint=f"Try it by hand in a checkout, inside a virtual environment: {shown_as}",
        code="setup_failed",
    )
