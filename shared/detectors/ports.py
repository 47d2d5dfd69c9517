"""What detectors read, what they return, and what they may use."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from shared.contracts.documents.findings import Finding, ReportedFinding
from shared.detectors.texts import Edits
from shared.targets.components import component_of
from shared.targets.paths import is_protected
from shared.targets.profile import TargetProfile
from shared.targets.tree import Tree

Change = tuple[str, str]  # a file's text before and after


@dataclass(frozen=True)
class Source:
    """A target at one commit, as data."""

    tree: Tree
    profile: TargetProfile
    target_id: str = ""

    def component(self, path: str) -> str:
        """Return the name of the component that owns a path; empty if none does."""
        return component_of(path, self.profile.components) or ""

    def is_editable(self, path: str) -> bool:
        """Return whether a patch may touch a path: a component owns it, and it is not protected."""
        return not is_protected(path, self.profile.config) and bool(self.component(path))

    def text(self, path: str) -> str | None:
        """Return the text of a file, empty if the file is missing; None if it is not UTF-8."""
        try:
            return (self.tree.read(path) or b"").decode()
        except UnicodeDecodeError:
            return None

    def texts(self, paths: Iterable[str]) -> dict[str, str]:
        """Return texts by path, without those not in UTF-8; that of a missing file is empty."""
        found = {path: self.text(path) for path in paths}
        return {path: text for path, text in found.items() if text is not None}


@dataclass(frozen=True)
class Measured:
    """Findings, and how many lines of source each component has."""

    findings: tuple[Finding, ...]
    lines: Mapping[str, int]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class FixableFinding:
    """A finding and the edits by which its tool would fix it; no edits where it offers none."""

    finding: Finding
    edits: Edits = ()


@dataclass(frozen=True)
class PrintedOutput:
    """What a command printed on standard output and, in `said`, on standard error, shortened.

    `folder` is the one that it ran in, as it was named there.
    """

    printed: bytes
    said: str
    folder: str
    exit_code: int | None


class TargetCommands(Protocol):
    """Runs commands of a target in the sandbox, with its environment and on a copy."""

    async def rewrite(self, source: Source, command: str) -> Mapping[str, Change]:
        """Return the texts that `command` changes, by path. Raises `Rejected` where it fails."""
        ...

    async def read(
        self,
        source: Source,
        script: str,
        files: Mapping[str, str] | None = None,
        *,
        timeout: float,
    ) -> str:
        """Return what a shell script prints, on the tree with these texts in place of its own.

        Raises `Rejected` where it does not end within `timeout` seconds or goes beyond a limit.
        """
        ...

    async def capture(self, source: Source, command: str) -> PrintedOutput:
        """Return what `command` prints. Raises `ToolFailed` where the sandbox stops it."""
        ...


class ImportedLogs(Protocol):
    """What the logs of other tools that were imported report."""

    async def reported(self, target_id: str) -> Sequence[ReportedFinding]:
        """Return what they report about a target."""
        ...

    async def edition(self, target_id: str) -> str:
        """Return what tells apart the times before and after each import; empty at first."""
        ...


class TestDurations(Protocol):
    """How long the tests of targets take."""

    async def seconds_by_test(self, target_id: str) -> Mapping[str, float]:
        """Return the seconds of each test by its id; empty if they were not measured."""
        ...


@dataclass(frozen=True)
class DetectorResources:
    """What a detector may use: a directory for scratch files, and commands in the sandbox.

    `commands` is None where nothing of a target may be run, as in the gate's checks, and `imports`
    and `durations` where there are none.
    """

    scratch: Path
    commands: TargetCommands | None = None
    imports: ImportedLogs | None = None
    durations: TestDurations | None = None


class Detector(Protocol):
    """Measures findings with one tool."""

    @property
    def name(self) -> str:
        """The name by which an enhancement refers to the detector."""
        ...

    @property
    def tool(self) -> str:
        """The name of the tool that its findings carry."""
        ...

    @property
    def version(self) -> str:
        """Tool, version and selection: only measurements of equal versions are comparable."""
        ...

    @property
    def files(self) -> tuple[str, ...]:
        """The gitignore-style patterns of the files that it reads."""
        ...

    @property
    def single_file(self) -> bool:
        """True if a file's findings depend on no other source file of the target."""
        ...

    @property
    def security(self) -> bool:
        """True if a change must not add any finding of this detector, however mild."""
        ...

    @property
    def runs_target_code(self) -> bool:
        """True if it executes code of the target; the gate never runs such a detector."""
        ...

    async def measure(self, source: Source, paths: Collection[str] | None = None) -> Measured:
        """Return the findings in the source of the target's components.

        With `paths`, return those of exactly these files, whether or not a component owns them.
        Raises `Rejected` where the target's configuration does not allow a measurement.
        """
        ...


@runtime_checkable
class ChangingDetector(Detector, Protocol):
    """A detector that may find something else on the same commit at another time."""

    async def edition(self, target_id: str) -> str:
        """Return what tells those times apart; empty at first."""
        ...


@runtime_checkable
class BatchDetector(Detector, Protocol):
    """A detector that measures several trees in one process."""

    async def measure_batch(
        self, batch: Sequence[tuple[Source, Collection[str]]]
    ) -> Sequence[Measured]:
        """Return what `measure` returns for each source and its paths."""
        ...


async def measure_batch(
    detector: Detector, batch: Sequence[tuple[Source, Collection[str]]]
) -> Sequence[Measured]:
    """Measure several trees, in one process where the detector can do that."""
    if isinstance(detector, BatchDetector):
        return await detector.measure_batch(batch)
    return [await detector.measure(source, paths) for source, paths in batch]


class Workspace(Protocol):
    """A scratch copy of some files, on which fixes are tried and findings measured again.

    Its methods block.
    """

    def write(self, files: Mapping[str, str]) -> None:
        """Replace the texts of these files."""
        ...

    def find(self, rules: Collection[str]) -> list[FixableFinding]:
        """Return the findings of these rules (ids), in the order of paths and lines."""
        ...

    def parses(self, path: str) -> bool:
        """Return whether the file is valid in its language."""
        ...

    def format(self, files: Mapping[str, str]) -> dict[str, str]:
        """Return these texts as the target's formatter writes them."""
        ...


@runtime_checkable
class WorkspaceDetector(Detector, Protocol):
    """A detector that keeps a workspace of its own, which is faster than measuring trees anew."""

    def open_workspace(
        self, source: Source, files: Mapping[str, str]
    ) -> AbstractContextManager[Workspace]:
        """Return a workspace with these files; it is deleted on exit."""
        ...
