"""The steps of building an environment of Python: requirements, the project itself, and pytest."""

import asyncio
import platform
import shlex
from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import Distribution
from typing import TYPE_CHECKING

import uv

from shared.environments.failures import failure, is_unreachable
from shared.environments.pytest_copy import is_provided, pack_copy, pytest_distributions
from shared.environments.repairs import Wanted, reason_of, repaired
from shared.targets.declared.requirement_file import (
    RequirementLines,
    folder_of,
    read_requirement_files,
)
from shared.targets.project_version import version_variables
from shared.targets.projects import SubTree, needs_installing
from shared.targets.setup_inputs import is_extension_source
from shared.targets.tree import Tree

if TYPE_CHECKING:
    from shared.environments.install import Build

INSTALL = ("pip", "install", "--compile-bytecode")
UNLOCKED = "The locked versions could not be installed, so others were: "
# How many requirements are given up, one after the other, until the rest can be installed.
MAX_REPAIRS = 12
METADATA_TIMEOUT_SECONDS = 10


class PythonBuild:
    """Builds a virtual environment as a developer of the target has it.

    Requirements that cannot be had are left out, and the notes of the build name them.
    """

    def __init__(self, build: "Build") -> None:
        self._build = build
        self._plan = build.plan

    async def run(self) -> None:
        """Run all steps. Raises `Rejected`."""
        interpreter, folder = self._build.interpreter.path, str(self._build.stored.folder)
        await self._build.uv(
            *("venv", "--no-project", "--allow-existing", "--python", str(interpreter)), folder
        )
        if self._plan.setup is None:
            await self._install()
        else:
            await self._set_up(self._plan.setup)
        await self._ensure_pytest()

    @cached_property
    def _lines(self) -> RequirementLines:
        """What the target's requirement files ask for."""
        return read_requirement_files(self._build.tree, self._plan.requirement_files)

    async def _install(self) -> None:
        """Install what the target declares: its requirements, then its projects."""
        lines = self._lines
        self._build.notes.extend(lines.notes)
        installs = [*self._plan.installs] if self._must_install() else []
        local = dict.fromkeys(lines.folders)
        wanted = Wanted(
            requirements=tuple(dict.fromkeys((*installs, *lines.requirements))),
            constraints=(*lines.constraints, *self._plan.constraints),
            projects=tuple(e for e in local if folder_of(e) not in {"", *self._plan.projects}),
        )
        if not wanted.is_empty:
            await self._install_repairing(wanted)
        root = [each for each in local if not folder_of(each)]
        if root or (self._plan.needs_metadata and self._needs_installing(self._build.tree)):
            await self._install_project(root)
        for folder in self._plan.projects:
            if self._needs_installing(SubTree(self._build.tree, folder)):
                await self._install_project((), folder)

    def _needs_installing(self, tree: Tree) -> bool:
        """Return whether anything could tell if the project of a tree is installed."""
        has_dependencies = self._must_install() or bool(self._lines.requirements)
        return needs_installing(tree, has_dependencies=has_dependencies)

    def _must_install(self) -> bool:
        """Return whether anything is required that our copy of pytest does not provide."""
        version = self._build.interpreter.version
        return not all(is_provided(each, version) for each in self._plan.installs)

    async def _install_repairing(self, wanted: Wanted) -> None:
        """Install what is wanted, without what cannot be had. Raises `Rejected` after 12 tries."""
        for _ in range(MAX_REPAIRS):
            arguments = await self._arguments(wanted)
            completed = await self._build.run_command(uv.find_uv_bin(), *INSTALL, *arguments)
            if completed.exit_code == 0:
                self._build.notes.extend(wanted.notes)
                return
            if is_unreachable(completed) and "git+" not in completed.output:
                break
            following = repaired(wanted, completed.output)
            if following is None and wanted.constraints:
                self._build.notes.append(UNLOCKED + reason_of(completed.output))
                following = Wanted(wanted.requirements, (), wanted.projects, wanted.notes)
            if following is None or following.is_empty:
                break
            wanted = following
        shown = shlex.join(("uv", *INSTALL, *await self._arguments(wanted)))
        raise failure(completed, shown_as=shown)

    async def _arguments(self, wanted: Wanted) -> list[str]:
        """Return the arguments that install what is wanted."""
        arguments = [part for line in self._lines.options for part in shlex.split(line)]
        if wanted.constraints:
            file = self._build.scratch / "constraints.txt"
            await asyncio.to_thread(file.write_text, "\n".join(wanted.constraints) + "\n")
            arguments += ["--constraints", str(file)]
        for each in wanted.projects:
            arguments += ["--editable", f"./{each}"]
        return [*arguments, *wanted.requirements]

    async def _install_project(self, asked_for: Sequence[str], folder: str = "") -> None:
        """Install a project's own metadata, entry points and scripts, but not its code.

        The code comes from the tree under test: the editable install points to this build's copy of
        the tree, which is removed when the build ends. `asked_for` are the ways in which
        requirement files name the project, which then brings its dependencies. A failure is noted.
        """
        extras = sorted({each for name in asked_for for each in _extras(name)})
        place = f"./{folder}" if folder else "."
        project = f"{place}[{','.join(extras)}]" if extras else place
        options = () if asked_for else ("--no-deps",)
        # Optional, so that a registry that does not answer must not delay the build for long.
        completed = await self._build.run_command(
            *(uv.find_uv_bin(), "pip", "install", *options, "--editable", project),
            env={
                "UV_HTTP_RETRIES": "1",
                "UV_HTTP_TIMEOUT": str(METADATA_TIMEOUT_SECONDS),
                **version_variables(self._plan.version),
            },
        )
        if completed.exit_code != 0:
            whose = f"The metadata of {folder}" if folder else "The target's own metadata"
            self._build.notes.append(
                f"{whose} could not be installed: "
                f"{reason_of(completed.output)}{self._compiled_hint()}"
            )

    def _compiled_hint(self) -> str:
        """Return what follows where a project that has compiled parts could not be installed."""
        if not any(map(is_extension_source, self._build.tree.files())):
            return ""
        return ". Its compiled parts are missing, so tests that import them fail."

    async def _set_up(self, commands: Sequence[str]) -> None:
        """Run the set-up commands of groundswell.toml, which replace the default installation."""
        build = self._build
        await build.run_command("ln", "-sf", uv.find_uv_bin(), str(build.python.with_name("uv")))
        if any("pip" in command for command in commands):
            await build.run_command(str(build.python), "-m", "ensurepip", "--default-pip")
        variables = version_variables(self._plan.version)
        for command in commands:
            await build.run_step("sh", "-c", command, shown_as=command, env=variables)

    async def _ensure_pytest(self) -> None:
        """Bring pytest where the target brought none.

        It is a copy of our own, made by a command in the sandbox; for an environment of an earlier
        time it is the pytest of that time, if that can be had and runs here.
        """
        if await self._has_pytest():
            return
        if self._plan.as_of:
            await self._build.run_command(uv.find_uv_bin(), *INSTALL, "pytest")
            if await self._has_pytest():
                return
        distributions = pytest_distributions(self._build.interpreter.version)
        if not distributions:
            await self._build.uv(*INSTALL, "pytest")
            return
        await self._copy_pytest(distributions)

    async def _has_pytest(self) -> bool:
        """Return whether pytest can be imported in the environment."""
        probe = await self._build.run_command(str(self._build.python), "-c", "import pytest")
        return probe.exit_code == 0

    async def _copy_pytest(self, distributions: Sequence[Distribution]) -> None:
        """Copy our pytest and what it requires into the environment."""
        build, version = self._build, self._build.interpreter.version
        packed = build.scratch / "pytest.tar"
        await asyncio.to_thread(pack_copy, distributions, packed, build.python, version)
        # Files are copies and no links, because a target's tests can write into their environment.
        unpack = ("tar", "--skip-old-files", "-xf", str(packed), "-C", str(build.stored.folder))
        await build.run_step(*unpack, shown_as=shlex.join(unpack))
        if version != platform.python_version():
            lib = str(build.stored.folder / "lib")
            await build.run_command(str(build.python), "-m", "compileall", "-q", lib)


def _extras(project: str) -> list[str]:
    """Return the extras in `folder[one,other]`."""
    return [each.strip() for each in project.partition("[")[2].rstrip("]").split(",") if each]
