"""Commands of a target that rewrite its files or report on them, run in the sandbox on a copy."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import structlog

from shared.detectors.ports import Change, PrintedOutput, Source
from shared.detectors.repair_command import repairable
from shared.environments.ports import Environment, Environments
from shared.kernel.errors import ToolFailed
from shared.sandbox.ports import Command, Completed, Limits, Sandbox
from shared.sandbox.scratch import Scratch
from shared.targets.tree import GitTree
from shared.targets.writer import FolderWriter

log = structlog.get_logger(__name__)

COMMAND_TIMEOUT_SECONDS = 600.0
MAX_REMEMBERED_TREES = 4
MAX_REPORT_BYTES = 1 << 20
MAX_READ_BYTES = 8 << 20
MAX_SHOWN_CHARACTERS = 200
MAX_PRINTED_BYTES = 64 << 20
# Files in the command's HOME: what it prints, and the folder that it runs in.
PRINTED, FOLDER = "home/printed", "home/folder"
CAPTURE = f'pwd > "$HOME/../{FOLDER}"; eval "$1" > "$HOME/../{PRINTED}"'


K = TypeVar("K")
V = TypeVar("V")


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
        self._read: OrderedDict[tuple[str, str, int], str] = OrderedDict()
        self._printed: OrderedDict[tuple[str, str], PrintedOutput] = OrderedDict()
        self._lock = asyncio.Lock()

    async def rewrite(self, source: Source, command: str) -> Mapping[str, Change]:
        """Return what the command changes in the components' files that a patch may touch."""
        key = (source.tree.oid, command)
        return await self._remembered(self._known, key, lambda: self._run(source, command))

    async def read(
        self,
        source: Source,
        script: str,
        files: Mapping[str, str] | None = None,
        *,
        timeout: float,
    ) -> str:
        """Return what a shell script prints, on the tree with these texts in place of its own."""
        limits = Limits(wall=timeout, output=MAX_READ_BYTES)
        run = _Run(script, limits, files or {}, finds_modules=True)
        key = (source.tree.oid, script, hash(frozenset(run.files.items())))
        return await self._remembered(self._read, key, lambda: self._output(source, run))

    async def capture(self, source: Source, command: str) -> PrintedOutput:
        """Return what the command prints; that on the last few trees is remembered."""
        key = (source.tree.oid, command)
        return await self._remembered(self._printed, key, lambda: self._capture(source, command))

    async def _remembered(
        self, known: OrderedDict[K, V], key: K, make: Callable[[], Awaitable[V]]
    ) -> V:
        """Return the outcome under a key, made now if it is none of the last few; one at once."""
        async with self._lock:
            if key not in known:
                known[key] = await make()
                if len(known) > MAX_REMEMBERED_TREES:
                    known.popitem(last=False)
            return known[key]

    async def _complete(self, source: Source, run: "_Run") -> Completed:
        """Run a command on a copy of the tree.

        Raises `ToolFailed` where the sandbox stopped it, as at a limit. Its exit code is ignored.
        """
        sandbox = await self._sandbox()
        environments = await self._environments()
        environment = await environments.prepare(source.target_id, source.profile, source.tree.oid)
        async with self._scratch.workspace() as room:
            prepared = await asyncio.to_thread(_prepare_command, room, source, environment, run)
            completed = await sandbox.run(prepared)
        log.info("target_command_ran", command=run.shown, exit_code=completed.exit_code)
        if completed.abort_reason:
            raise ToolFailed(
                f"The target's own command failed: {run.shown}: {completed.abort_reason}",
                hint="Mend it, or set another one in groundswell.toml.",
                code="fix_failed",
            )
        return completed

    async def _output(self, source: Source, run: "_Run") -> str:
        """Run a command on a copy of the tree, and return what it prints."""
        return (await self._complete(source, run)).output

    async def _capture(self, source: Source, command: str) -> PrintedOutput:
        """Run the command on a copy of the tree, with its standard output in a file of its own."""
        limits = Limits(wall=COMMAND_TIMEOUT_SECONDS, report=MAX_PRINTED_BYTES)
        run = _Run(command, limits, reports=(PRINTED, FOLDER), wrapper=CAPTURE)
        completed = await self._complete(source, run)
        return PrintedOutput(
            printed=completed.reports.get(PRINTED, b""),
            said=completed.tail(),
            folder=completed.reports.get(FOLDER, b"").decode(errors="replace").strip(),
            exit_code=completed.exit_code,
        )

    async def _run(self, source: Source, command: str) -> Mapping[str, Change]:
        """Run the command on a copy of the tree, and return the files that it changed.

        A linter also exits with an error because of what it cannot repair.
        """
        before = repairable(source)
        limits = Limits(wall=COMMAND_TIMEOUT_SECONDS, report=MAX_REPORT_BYTES)
        completed = await self._complete(source, _Run(command, limits, results=tuple(before)))
        after = {path: _decode(content) for path, content in completed.results.items()}
        return {
            path: (text, now)
            for path, text in before.items()
            if (now := after.get(path)) is not None and now != text
        }


@dataclass(frozen=True)
class _Run:
    """A shell command, on the tree with these `files`.

    `results` are files of the tree to read back, `reports` files beside it. With `finds_modules`
    Python finds the modules of the tree as it does in a test run. `wrapper` is a shell script that
    runs the command, which is its first argument.
    """

    command: str
    limits: Limits
    files: Mapping[str, str] = field(default_factory=dict)
    results: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()
    wrapper: str = ""
    finds_modules: bool = False

    @property
    def argv(self) -> tuple[str, ...]:
        """The program to start, with its arguments."""
        if self.wrapper:
            return ("sh", "-c", self.wrapper, "sh", self.command)
        return ("sh", "-c", self.command)

    @property
    def shown(self) -> str:
        """The beginning of the command, for logs and messages."""
        return self.command[:MAX_SHOWN_CHARACTERS]


def _prepare_command(room: Path, source: Source, environment: Environment, run: _Run) -> Command:
    """Export the tree into `room`, and return the command that runs there."""
    assert isinstance(source.tree, GitTree)
    source.tree.export(room / "tree")
    with FolderWriter(room / "tree") as writer:
        for path, text in run.files.items():
            writer.replace(path, text.encode())
    (room / "run").mkdir()
    environment.link_packages(room)
    environment.add_generated(room / "tree")
    sources = environment.import_path(room / "tree", source.profile.test.pythonpath)
    return Command(
        argv=run.argv,
        tree=room / "tree",
        scratch=room / "run",
        path=(environment.bin,),
        readable=environment.readable,
        env={"PYTHONPATH": ":".join(sources)} if run.finds_modules else {},
        results=run.results,
        reports=run.reports,
        limits=run.limits,
    )


def _decode(content: bytes) -> str | None:
    """Return the content as text; None if it is not UTF-8."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
