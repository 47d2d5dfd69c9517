"""Which Python a target's environment is made with. Nothing is ever downloaded for it."""

import asyncio
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

import uv
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from shared.kernel.errors import Rejected

ASK_VERSION = "import platform; print(platform.python_version())"


@dataclass(frozen=True)
class Interpreter:
    """A Python and its full version."""

    path: Path
    version: str


async def find_interpreter(requires_python: str) -> Interpreter:
    """The Python we run on where it is admitted, else one that uv finds on this machine.

    A requirement that cannot be read admits all. Raises `Rejected` with code `setup_failed`.
    """
    running = platform.python_version()
    if admits(requires_python, running):
        # The base, not our own virtual environment: that may go while the target's stays.
        return Interpreter(Path(getattr(sys, "_base_executable", sys.executable)), running)
    code, said = await _ask(
        uv.find_uv_bin(), "python", "find", "--no-project", "--no-python-downloads", requires_python
    )
    if code != 0:
        raise Rejected(
            f"This target needs Python {requires_python}, and no such Python was found here.",
            hint="Install one (`uv python install` with its version does it) and try again.",
            code="setup_failed",
        )
    path = said.splitlines()[-1]
    return Interpreter(Path(path), (await _ask(path, "-I", "-c", ASK_VERSION))[1])


def admits(requires_python: str, version: str) -> bool:
    """Whether `requires-python` admits a version; true where it cannot be read."""
    try:
        return SpecifierSet(requires_python).contains(version, prereleases=True)
    except InvalidSpecifier:
        return True


async def _ask(*argv: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=None
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode().strip()
