"""The workspace in which head and candidate take turns at the same path.

The location of a program and the length of its paths alone can make it some per cent faster or
slower (Mytkowicz, Diwan, Hauswirth and Sweeney, "Producing wrong data without doing anything
obviously wrong!", ASPLOS 2009). So both trees are stored apart, and each is moved to the working
path for its turn.
"""

import asyncio
import shlex
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path

from services.validator.benchmarks.adapters.detection import AUTO, JSON
from shared.environments.ports import Environment, ExportableTree
from shared.sandbox.ports import MIB, Command, Limits
from shared.sandbox.scratch import remove_tree
from shared.targets.config import BenchSection
from shared.targets.paths import is_protected
from shared.targets.profile import TargetProfile
from shared.targets.writer import FolderWriter

RESULT_FILE = "reports/bench.json"
# Files that are no part of the target, seen from the directory that the command runs in.
FILES = "../run/files"
PYTEST_JSON = next(iter(JSON))
MAX_OUTPUT_BYTES = 4 * MIB


class TreeSide(StrEnum):
    """The tree that a process measures."""

    HEAD = "head"
    CANDIDATE = "candidate"


class PairedWorkspace:
    """A scratch directory with both trees and the path at which they take turns."""

    def __init__(
        self,
        room: Path,
        profile: TargetProfile,
        environment: Environment,
        bench: BenchSection,
        files: Mapping[str, bytes],
    ) -> None:
        self._room = room
        self._files = files
        self._profile = profile
        self._environment = environment
        self._bench = bench
        self._argv = tuple(shlex.split(bench.command))

    def lay_out(self, head: ExportableTree, candidate: ExportableTree) -> None:
        """Write both trees; files that define or judge the benchmarks are the head's in both."""
        head.export(self._room / TreeSide.HEAD)
        candidate.export(self._room / TreeSide.CANDIDATE)
        if head.oid != candidate.oid:
            self._restore(head, candidate)
        for side in TreeSide:
            self._environment.add_generated(self._room / side)
        self._work.mkdir()
        self._environment.link_packages(self._work)

    @asynccontextmanager
    async def turn(self, side: TreeSide) -> AsyncIterator[Command]:
        """Yield the command for one side's tree, which is moved to the working path and back."""
        tree, scratch = self._work / "tree", self._work / "run"
        (self._room / side).rename(tree)
        (scratch / "reports").mkdir(parents=True)
        (scratch / "files").mkdir()
        for name, content in self._files.items():
            (scratch / "files" / name).write_bytes(content)
        try:
            yield self._command(tree, scratch)
        finally:
            tree.rename(self._room / side)
            await asyncio.shield(asyncio.to_thread(remove_tree, scratch))

    @property
    def output_format(self) -> str:
        """The format of the command's results, as `[bench]` names it."""
        return self._bench.format

    @property
    def is_pytest(self) -> bool:
        """True if the command is pytest, which gets an option for the path of its report."""
        return any(part.endswith("pytest") for part in self._argv)

    @property
    def is_python(self) -> bool:
        """True if the command begins with Python and is not pytest.

        The work of pytest-benchmark depends on time: it repeats until enough has passed.
        """
        return Path(self._argv[0]).name.startswith("python") and not self.is_pytest

    @property
    def _work(self) -> Path:
        """The directory in which one side at a time is measured, at the same path for both."""
        return self._room / "work"

    def _command(self, tree: Path, scratch: Path) -> Command:
        """Return the sandboxed command that measures a tree and writes its results to `scratch`."""
        out = scratch / RESULT_FILE
        told = self.is_pytest and self._bench.format in {AUTO, PYTEST_JSON}
        sources = self._environment.import_path(tree, self._profile.test.pythonpath)
        return Command(
            argv=(*self._argv, f"--benchmark-json={out}") if told else self._argv,
            tree=tree,
            scratch=scratch,
            path=(self._environment.bin,),
            readable=self._environment.readable,
            env={
                "PYTHONPATH": ":".join(sources),
                "VIRTUAL_ENV": str(self._environment.bin.parent),
                "GROUNDSWELL_BENCH_OUT": str(out),
            },
            reports=(RESULT_FILE,),
            limits=Limits(wall=self._bench.timeout, output=MAX_OUTPUT_BYTES),
        )

    def _restore(self, head: ExportableTree, candidate: ExportableTree) -> None:
        """Restore the head's version of files that judge a change, if the change touched them."""
        with FolderWriter(self._room / TreeSide.CANDIDATE) as writer:
            for path in head.files():
                content = head.read(path)
                if self._judges(path) and candidate.read(path) != content:
                    writer.replace(path, content or b"")

    def _judges(self, path: str) -> bool:
        """Return True for protected paths, and for files and directories that the command names."""
        named = (part.split("::")[0].removeprefix("./").rstrip("/") for part in self._argv)
        return is_protected(path, self._profile.config) or any(
            path == part or path.startswith(f"{part}/") for part in named if part
        )
