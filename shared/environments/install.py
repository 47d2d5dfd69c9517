"""Building one environment: the steps, each of them a command in the sandbox."""

import asyncio
import platform
import re
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uv

from shared.environments import node
from shared.environments.interpreters import Interpreter
from shared.environments.ports import Environment
from shared.environments.pytest_copy import can_be_lent, furnish, lendable
from shared.environments.registries import places
from shared.environments.storage import Kept
from shared.kernel.errors import Rejected
from shared.kernel.failpoints import failpoint
from shared.sandbox.ports import GIB, Command, Completed, Limits, Sandbox
from shared.targets.profile import EnvironmentPlan

LINES = 15
UNREACHABLE = re.compile(
    r"error sending request|dns error|connect error|connection (refused|reset)|network is unreachable"
    r"|temporary failure in name resolution|Failed to establish a new connection|timed out"
    r"|npm ERR! network|EAI_AGAIN|ENOTFOUND",
    re.IGNORECASE,
)


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

    async def execute_run(self) -> Environment:
        """Create, install, describe; the ready file comes last."""
        started = time.monotonic()
        failpoint("environment.begun")
        if self.plan.needs_node:
            await self._node()
        else:
            await self._python()
        failpoint("environment.built")
        self.kept.log.write_text("\n".join(self.said))
        return self.kept.write_ready(
            self.interpreter, self.plan.needs_node, time.monotonic() - started, self.notes
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
        if self.plan.setup is not None:
            for step in self.plan.setup:
                await self._need("sh", "-c", step, by_hand=step)
            return
        if not self.plan.installs:
            return
        if not await self._install_as_npm_locked():
            await self._need("sh", "-c", node.INSTALL, by_hand=node.INSTALL)
        step = node.keep(self.kept.folder)
        await self._need("sh", "-c", step, by_hand=step)

    async def _install_as_npm_locked(self) -> bool:
        if not node.is_locked(self.plan):
            return False
        completed = await self._run("sh", "-c", node.INSTALL_LOCKED)
        if completed.exit_code != 0:
            self._note_unlocked(node.reason(completed.output))
        return completed.exit_code == 0

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
        self._note_unlocked(completed.tail(3).replace("\n", " "))
        return False

    def _note_unlocked(self, reason: str) -> None:
        self.notes.append(f"The locked versions could not be installed, so others were: {reason}")

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


def failure(completed: Completed, *, by_hand: str) -> Rejected:
    """Why there is no environment, with the last lines of output and what to try by hand."""
    said = completed.tail(LINES)
    reason = "The target's test environment could not be built"
    if completed.abort_reason:
        reason += f": {completed.abort_reason}"
    elif UNREACHABLE.search(said):
        reason += ": a package registry could not be reached."
    else:
        reason += f": a step ended with {completed.exit_code}."
    return Rejected(
        f"{reason}\n{said}".strip(),
        hint=f"Try it by hand in a checkout, inside a virtual environment: {by_hand}",
        code="setup_failed",
    )
