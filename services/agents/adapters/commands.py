"""Commands of a target that rewrite its files, run in the sandbox on a copy."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import structlog

from shared.detectors.ports import Change, Source
from shared.detectors.repair_command import repairable
from shared.environments.ports import Environment, Environments
from shared.kernel.errors import ToolFailed
from shared.sandbox.ports import Command, Limits, Sandbox
from shared.sandbox.scratch import Scratch
from shared.targets.tree import GitTree

log = structlog.get_logger(__name__)

COMMAND_TIMEOUT_SECONDS = 600.0
MAX_REMEMBERED_TREES = 4
MAX_REPORT_BYTES = 1 << 20


class SandboxedCommands:
    """`RewritingCommands` in the sandbox; the outcomes on the last few trees are remembered."""

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

    async def _run(self, source: Source, command: str) -> Mapping[str, Change]:
        """Run the command on a copy of the tree, and return the files that it changed.

        Raises `ToolFailed` where the sandbox stopped it, as at a limit. Its exit code is ignored.
        """
        sandbox = await self._sandbox()
        environments = await self._environments()
        environment = await environments.prepare(source.target_id, source.profile, source.tree.oid)
        before = repairable(source)
        async with self._scratch.workspace() as room:
            prepared = await asyncio.to_thread(
                _prepare_command, room, source, environment, command, tuple(before)
            )
            completed = await sandbox.run(prepared)
        # A linter also exits with an error because of what it cannot repair.
        log.info("target_command_ran", command=command, exit_code=completed.exit_code)
        if completed.abort_reason:
            raise ToolFailed(
                f"The target's own command failed: {command}: {completed.abort_reason}",
                hint="Mend it, or set another one in groundswell.toml.",
                code="fix_failed",
            )
        after = {path: _decode(content) for path, content in completed.results.items()}
        return {
            path: (text, now)
            for path, text in before.items()
            if (now := after.get(path)) is not None and now != text
        }


def _prepare_command(
    room: Path, source: Source, environment: Environment, command: str, paths: tuple[str, ...]
) -> Command:
    """Export the tree into `room`, and return the command that runs there and reports `paths`."""
    assert isinstance(source.tree, GitTree)
    source.tree.export(room / "tree")
    (room / "run").mkdir()
    environment.link_packages(room)
    environment.add_generated(room / "tree")
    return Command(
        argv=("sh", "-c", command),
        tree=room / "tree",
        scratch=room / "run",
        path=(environment.bin,),
        readable=environment.readable,
        results=paths,
        limits=Limits(wall=COMMAND_TIMEOUT_SECONDS, report=MAX_REPORT_BYTES),
    )


def _decode(content: bytes) -> str | None:
    """Return the content as text; None if it is not UTF-8."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
