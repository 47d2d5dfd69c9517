"""The targets' virtual environments: built once per dependency set, kept under Groundswell's home."""

import asyncio
import importlib.metadata
import json
import platform
import re
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uv
from filelock import AsyncFileLock

from services.validator.adapters.interpreters import Interpreter, find_interpreter
from services.validator.adapters.lending import can_be_lent, lend, lendable, write_script
from services.validator.adapters.registries import uv_variables
from services.validator.adapters.sandbox.scratch import Scratch, remove_tree
from services.validator.ports import (
    Command,
    Completed,
    Environment,
    ExportableTree,
    Limits,
    Sandbox,
    Trees,
)
from shared.kernel.errors import Rejected
from shared.targets.profile import EnvironmentPlan, TargetProfile
from shared.targets.tree import Tree

# Raised where an environment built by an older version of this module would be wrong.
LAYOUT = "2"
READY = "groundswell.json"
LINES = 15
UNREACHABLE = re.compile(
    r"error sending request|dns error|connect error|connection (refused|reset)|network is unreachable"
    r"|temporary failure in name resolution|Failed to establish a new connection|timed out",
    re.IGNORECASE,
)


class UvEnvironments:
    """The `Environments` port. An environment without its ready file is a build that was killed."""

    def __init__(self, home: Path, sandbox: Sandbox, scratch: Scratch, trees: Trees) -> None:
        self._folder = home / "environments"
        self._cache = home / "cache" / "uv"
        self._sandbox = sandbox
        self._scratch = scratch
        self._trees = trees

    async def prepare(self, target_id: str, profile: TargetProfile, tree_oid: str) -> Environment:
        """The environment of that tree's dependencies; builders of the same one wait for each other."""
        plan = profile.environment
        interpreter = await find_interpreter(plan.requires_python)
        tree = await asyncio.to_thread(self._trees, target_id, tree_oid)
        folder = self._folder / await asyncio.to_thread(environment_key, plan, tree, interpreter)
        if (ready := _ready(folder)) is not None:
            return ready
        folder.parent.mkdir(parents=True, exist_ok=True)
        async with AsyncFileLock(folder.with_suffix(".lock"), run_in_executor=False):
            if (ready := _ready(folder)) is not None:
                return ready
            return await self._build_safely(folder, interpreter, plan, tree)

    async def _build_safely(
        self, folder: Path, interpreter: Interpreter, plan: EnvironmentPlan, tree: ExportableTree
    ) -> Environment:
        """Build in the final place, since a virtual environment knows its own path."""
        await asyncio.to_thread(_clear, folder)
        try:
            async with self._scratch.room() as room:
                await asyncio.to_thread(tree.export, room / "tree")
                (room / "run").mkdir()
                told = await uv_variables()
                build = Build(self._sandbox, folder, room, self._cache, interpreter, plan, told)
                return await build.carry_out()
        except BaseException:
            await asyncio.shield(asyncio.to_thread(_clear, folder))
            raise


@dataclass
class Build:
    """One build. Every step that may run a target's code goes through the sandbox."""

    sandbox: Sandbox
    folder: Path
    room: Path
    cache: Path
    interpreter: Interpreter
    plan: EnvironmentPlan
    told: Mapping[str, str]
    notes: list[str] = field(default_factory=list)

    @property
    def python(self) -> Path:
        """The environment's Python."""
        return self.folder / "bin" / "python"

    async def carry_out(self) -> Environment:
        """Create, install, describe; the ready file comes last."""
        started = time.monotonic()
        self.cache.mkdir(parents=True, exist_ok=True)
        await self._uv(
            "venv", "--no-project", "--python", str(self.interpreter.path), str(self.folder)
        )
        if self.plan.setup is None:
            await self._install()
        else:
            await self._set_up(self.plan.setup)
        await self._bring_pytest()
        return _write_ready(self.folder, time.monotonic() - started, self.notes)

    async def _install(self) -> None:
        version = self.interpreter.version
        wanted = [each for each in self.plan.installs if not can_be_lent(each, version)]
        if wanted:
            wanted = [*self.plan.installs]
        for file in self.plan.requirement_files:
            wanted += ["-r", file]
        if wanted:
            await self._uv("pip", "install", "--compile-bytecode", *wanted)
        if self.plan.needs_metadata:
            await self._describe()

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
        (self.python.parent / "uv").symlink_to(uv.find_uv_bin())
        if any("pip" in command for command in commands):
            await self._run(str(self.python), "-m", "ensurepip", "--default-pip")
        for command in commands:
            completed = await self._run("sh", "-c", command)
            if completed.exit_code != 0:
                raise failure(completed, by_hand=command)

    async def _bring_pytest(self) -> None:
        site_packages = next((self.folder / "lib").glob("python*/site-packages"))
        if any(site_packages.glob("pytest-*.dist-info")):
            return
        distributions = lendable(self.interpreter.version)
        if not distributions:
            await self._uv("pip", "install", "--compile-bytecode", "pytest")
            return
        await asyncio.to_thread(_lend_all, distributions, site_packages, self.python)
        if self.interpreter.version != platform.python_version():
            await self._run(str(self.python), "-m", "compileall", "-q", str(site_packages))

    async def _uv(self, *arguments: str) -> None:
        completed = await self._run(uv.find_uv_bin(), *arguments)
        if completed.exit_code != 0:
            raise failure(completed, by_hand=shlex.join(("uv", *arguments)))

    async def _run(self, *argv: str, **env: str) -> Completed:
        command = Command(
            argv=argv,
            tree=self.room / "tree",
            scratch=self.room / "run",
            path=(self.python.parent,),
            readable=(Path(uv.find_uv_bin()), self.interpreter.path),
            writable=(self.folder, self.cache),
            env={**self._variables(), **env},
            limits=Limits(wall=self.plan.timeout),
            network=True,
        )
        return await self.sandbox.run(command)

    def _variables(self) -> dict[str, str]:
        return {
            **self.told,
            "VIRTUAL_ENV": str(self.folder),
            "UV_CACHE_DIR": str(self.cache),
            # Linked files would let one target's tests change what the next target gets.
            "UV_LINK_MODE": "copy",
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_NO_PROGRESS": "1",
            "NO_COLOR": "1",
        }


def environment_key(plan: EnvironmentPlan, tree: Tree, interpreter: Interpreter) -> str:
    """The digest of all that an environment depends on, short enough for a path."""
    lent = f"pytest {importlib.metadata.version('pytest')}, layout {LAYOUT}"
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


def _lend_all(
    distributions: Sequence[importlib.metadata.Distribution], site_packages: Path, python: Path
) -> None:
    for distribution in distributions:
        # What the target pinned stays.
        name = distribution.metadata["Name"].replace("-", "_").lower()
        if not any(site_packages.glob(f"{name}-*.dist-info")):
            lend(distribution, site_packages)
    write_script(python)


def _ready(folder: Path) -> Environment | None:
    try:
        known = json.loads((folder / READY).read_text())
    except (OSError, ValueError):
        return None
    python = folder / "bin" / "python"
    if not python.exists():
        return None
    return Environment(folder.name, python, python.parent, 0.0, True, tuple(known["notes"]))


def _write_ready(folder: Path, seconds: float, notes: Sequence[str]) -> Environment:
    unfinished = folder / f"{READY}.new"
    unfinished.write_text(json.dumps({"notes": list(notes), "seconds": seconds}))
    unfinished.rename(folder / READY)
    python = folder / "bin" / "python"
    return Environment(folder.name, python, python.parent, seconds, False, tuple(notes))


def _clear(folder: Path) -> None:
    if folder.exists():
        remove_tree(folder)
