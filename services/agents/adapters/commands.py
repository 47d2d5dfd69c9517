"""Commands of a target that rewrite its files or report on them, run in the sandbox on a copy."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path

import structlog

from shared.detectors.ports import Change, PrintedOutput, Source
from shared.detectors.repair_command import repairable
from shared.environments.ports import Environment, Environments
from shared.kernel.errors import ToolFailed
from shared.sandbox.ports import Command, Completed, Limits, Sandbox
from shared.sandbox.scratch import Scratch
from shared.targets.tree import GitTree

log = structlog.get_logger(__name__)

COMMAND_TIMEOUT_SECONDS = 600.0
MAX_REMEMBERED_TREES = 4
MAX_REPORT_BYTES = 1 << 20
MAX_PRINTED_BYTES = 64 << 20
# Files in the command's HOME: what it prints, and the folder that it runs in.
PRINTED, FOLDER = "home/printed", "home/folder"
CAPTURE = f'pwd > "$HOME/../{FOLDER}"; eval "$1" > "$HOME/../{PRINTED}"'


class SandboxedCommands:
    """`TargetCommands` in the sandbox; the outcomes on the last few trees are remembered."""

    def __init__(
        self,
        scratch: Scratch,
        sandbox: Callable[[], Awaitable[Sandbox]],
        environments: Callable[[], Awaitable[Environments]],
    ) -> None:
        self._scratch = scratch
        self._sandbox = sandbox
        self._environments = environments
        self._known: OrderedDict[tuple[str, str], Mapping[str, Change]] = OrderedDict()
        self._printed: OrderedDict[tuple[str, str], PrintedOutput] = OrderedDict()
        self._lock = asyncio.Lock()

    async def rewrite(self, source: Source, command: str) -> Mapping[str, Change]:
        """Return what the command changes in the components' files that a patch may touch."""
        async with self._lock:
            key = (source.tree.oid, command)
            if key not in self._known:
                self._known[key] = await self._run(source, command)
                if len(self._known) > MAX_REMEMBERED_TREES:
                    self._known.popitem(last=False)
            return self._known[key]

    async def capture(self, source: Source, command: str) -> PrintedOutput:
        """Return what the command prints; that on the last few trees is remembered."""
        async with self._lock:
            key = (source.tree.oid, command)
            if key not in self._printed:
                self._printed[key] = await self._capture(source, command)
                if len(self._printed) > MAX_REMEMBERED_TREES:
                    self._printed.popitem(last=False)
            return self._printed[key]

    async def _capture(self, source: Source, command: str) -> PrintedOutput:
        """Run the command on a copy of the tree, with its standard output in a file of its own."""
        argv = ("sh", "-c", CAPTURE, "sh", command)
        completed = await self._run_sandboxed(source, command, argv, reports=(PRINTED, FOLDER))
        return PrintedOutput(
            printed=completed.reports.get(PRINTED, b""),
            said=completed.tail(),
            folder=completed.reports.get(FOLDER, b"").decode(errors="replace").strip(),
            exit_code=completed.exit_code,
        )

    async def _run(self, source: Source, command: str) -> Mapping[str, Change]:
        """Run the command on a copy of the tree, and return the files that it changed.

        Raises `ToolFailed` where the sandbox stopped it, as at a limit. Its exit code is ignored.
        """
        before = repairable(source)
        completed = await self._run_sandboxed(
            source, command, ("sh", "-c", command), results=tuple(before)
        )
        after = {path: _decode(content) for path, content in completed.results.items()}
        return {
            path: (text, now)
            for path, text in before.items()
            if (now := after.get(path)) is not None and now != text
        }

    async def _run_sandboxed(
        self,
        source: Source,
        command: str,
        argv: tuple[str, ...],
        *,
        results: tuple[str, ...] = (),
        reports: tuple[str, ...] = (),
    ) -> Completed:
        """Run `argv` for a command on a copy of the tree, in the environment of its tests.

        Raises `ToolFailed` where the sandbox stopped it. A linter also exits with an error because
        of what it finds, so its exit code is ignored.
        """
        sandbox = await self._sandbox()
        environments = await self._environments()
        environment = await environments.prepare(source.target_id, source.profile, source.tree.oid)
        async with self._scratch.workspace() as room:
            prepared = await asyncio.to_thread(_prepare_command, room, source, environment, argv)
            size = MAX_PRINTED_BYTES if reports else MAX_REPORT_BYTES
            limits = Limits(wall=COMMAND_TIMEOUT_SECONDS, report=size)
            prepared = replace(prepared, results=results, reports=reports, limits=limits)
            completed = await sandbox.run(prepared)
        log.info("target_command_ran", command=command, exit_code=completed.exit_code)
        if completed.abort_reason:
            raise ToolFailed(
                f"The target's own command failed: {command}: {completed.abort_reason}",
                hint="Mend it, or set another one in groundswell.toml.",
                code="fix_failed",
            )
        return completed


def _prepare_command(
    room: Path, source: Source, environment: Environment, argv: tuple[str, ...]
) -> Command:
    """Export the tree into `room`, and return the command that runs there."""
    assert isinstance(source.tree, GitTree)
    source.tree.export(room / "tree")
    (room / "run").mkdir()
    environment.link_packages(room)
    environment.add_generated(room / "tree")
    return Command(
        argv=argv,
        tree=room / "tree",
        scratch=room / "run",
        path=(environment.bin,),
        readable=environment.readable,
    )


def _decode(content: bytes) -> str | None:
    """Return the content as text; None if it is not UTF-8."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
