"""What the validator's use cases and adapters need from the world."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from services.validator.domain.bench_reports import BenchmarkReport
from services.validator.domain.faults import Tried
from services.validator.domain.findings import Look
from services.validator.domain.history import Commit
from services.validator.domain.reports import Infrastructure, RunOutcome
from shared.contracts.base import Message
from shared.contracts.documents import Target
from shared.environments.ports import Environment
from shared.targets.config import BenchSection, TargetConfig
from shared.targets.head import Head
from shared.targets.profile import TargetProfile


class Suite(Protocol):
    """Runs a target's tests."""

    async def run(
        self,
        tree_oid: str,
        profile: TargetProfile,
        environment: Environment,
        tests: tuple[str, ...] = (),
        *,
        target_id: str,
        base_oid: str = "",
        repeat: int = 1,
        record: bool = False,
    ) -> RunOutcome:
        """Run the tests that the tree `base_oid` has over a tree, all of them or only those with these ids.

        Tests that only the tree has are run too. With `repeat` each is run so often, and its worst
        outcome counts; with `record` it is recorded as well which functions each test reaches.

        An id that the tree does not have is simply not in the report.
        """
        ...


class Slots(Protocol):
    """The cores of this machine, given out to runs. `name` is what all who share them call them."""

    @property
    def name(self) -> str: ...

    @property
    def cores(self) -> int:
        """How many there are."""
        ...

    @property
    def share(self) -> int:
        """How many of them the runs of this process take at most; one that takes more runs alone here."""
        ...

    def free(self) -> int:
        """How many nobody has."""
        ...

    def has_room(self) -> bool:
        """Whether one more run of this process has a chance to begin at once."""
        ...

    def runs(self) -> int:
        """How many runs have cores, of all processes of the machine."""
        ...

    def taken(self, wanted: int) -> AbstractAsyncContextManager[None]:
        """Wait for so many cores, all of them where that is more, and have them until the end."""
        ...


class Benchmarks(Protocol):
    """Runs a target's benchmarks on two trees in turn. It needs the machine for itself."""

    async def compare(
        self,
        trees: tuple[str, str],
        profile: TargetProfile,
        environment: Environment,
        bench: BenchSection,
        names: tuple[str, ...] = (),
        *,
        target_id: str,
    ) -> BenchmarkReport | Infrastructure:
        """Head and candidate, round after round until every benchmark, or each with these names, is answered.

        What says how it is measured is as on the head in both.
        """
        ...


class Detectors(Protocol):
    """The detectors of the agents. They read a target and run nothing of it. Everything in it blocks."""

    def look(
        self, target_id: str, head: str, profile: TargetProfile, pairs: Sequence[tuple[str, str]]
    ) -> Sequence[tuple[Look, Look]]:
        """Of each (tree before, tree after): the sources in which they differ, as each has them.

        How the target wants to be looked at is read from `head`. Raises `Rejected` where that cannot be.
        """
        ...


class History(Protocol):
    """The history of one target, as it was fetched. It is read and never changed. Everything in it blocks."""

    def line(self, since: str, head: str) -> Sequence[Commit]:
        """The first-parent line after `since` up to `head`, oldest first, merges too."""
        ...

    def changed(self, before: str, after: str) -> Sequence[str]:
        """The paths in which two commits differ."""
        ...

    def patch(self, before: str, after: str) -> str:
        """What leads from one to the other, as a unified git diff."""
        ...

    def part(self, before: str, after: str, paths: Collection[str]) -> str:
        """The tree of `before` with these paths as `after` has them."""
        ...

    def wrote(self, fix: Commit, since: str, paths: Collection[str]) -> Collection[str]:
        """The commits of the line after `since` that wrote what `fix` changes in these paths."""


class Faults(Protocol):
    """Tries faults that were planted in a target's code: whether its tests notice them."""

    async def try_out(
        self,
        tree_oid: str,
        plan: str,
        profile: TargetProfile,
        environment: Environment,
        tests: tuple[str, ...] = (),
        *,
        target_id: str,
        base_oid: str = "",
    ) -> Tried | Infrastructure:
        """Try each fault of a plan (`Planting.to_json`) on a tree, with all tests or those with these ids."""
        ...


class Publisher(Protocol):
    """The part of the bus that the use cases speak through."""

    async def publish(self, message: Message, *, key: str, wave: str = "") -> None:
        """Say it once per `key`; raises `Transient` when nobody took it."""
        ...


@dataclass(frozen=True)
class Composition:
    """The head with patches on it, in order: the tree after each; those that do not apply, and why."""

    tree: str
    steps: tuple[tuple[str, str], ...] = ()
    failed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Refusal:
    """Why the target's landing branch did not move. `kind`: moved, checked_out, unreachable, other."""

    kind: str
    reason: str


@dataclass(frozen=True)
class Reverted:
    """The head without one of its commits; without a tree, where that conflicts."""

    tree: str | None
    conflicts: tuple[str, ...] = ()


class Repository(Protocol):
    """The private repository of one target, as the gate needs it. Everything in it blocks."""

    def refresh(self, target: Target) -> Head:
        """Fetch the target and find the head."""
        ...

    def has(self, *oids: str) -> bool:
        """Whether these objects are here."""
        ...

    def base_file(self, target: Target, path: str) -> bytes | None:
        """A file as it stands on the base branch, as last fetched."""
        ...

    def check(
        self, patch: str, paths: Sequence[str], config: TargetConfig, head: str = ""
    ) -> str | None:
        """The rule that a patch breaks on that head, in words."""
        ...

    def compose(self, head: str, patches: Sequence[tuple[str, str]]) -> Composition:
        """(id, patch) after (id, patch) on the head, in memory."""
        ...

    def invalid(self, head: str, steps: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
        """The first of these (id, tree after it) that makes valid Python invalid, and in which file."""
        ...

    def commit(self, tree: str, parent: str, message: str, when: datetime) -> str:
        """A commit that no branch has yet."""
        ...

    def parent(self, commit: str) -> str:
        """What a commit stands on."""
        ...

    def join(self, target: Target, head: str, when: datetime) -> str:
        """What to commit on: the head, or its merge with a landing branch that it holds but does not contain."""
        ...

    def publish(self, target: Target, tip: str, head: str) -> Refusal | None:
        """Move the landing branch from where it was at `refresh` to `tip`, here and in the target."""
        ...

    def landed(self, target: Target, ids: Sequence[str]) -> Mapping[str, str]:
        """Which of these enhancements the target's landing branch has, in which commits; newest first."""
        ...

    def reverted(self, target: Target, ids: Sequence[str]) -> Mapping[str, str]:
        """Which of these were taken off again, by which commits."""
        ...

    def revert(self, tree: str, commit: str) -> Reverted:
        """A tree, or that of a commit, without what `commit` did."""
        ...


@dataclass(frozen=True)
class NewPullRequest:
    """What is asked of a forge: that its people look at `branch`, to be merged into `base`.

    `remote` is the url git pushes to. It may hold a password, so it is never shown.
    """

    remote: str = field(repr=False)
    branch: str
    base: str
    title: str
    body: str


class Remote(Protocol):
    """Where a target's people review, as git sees it. Everything in it blocks."""

    @property
    def url(self) -> str:
        """Where git pushes to. Raises `Rejected` where the target has no such remote."""
        ...

    def branches(self) -> Mapping[str, str]:
        """The commits of our branches there, and of the base branch. Raises `Transient`."""
        ...

    def push(self, branch: str, commit: str, seen: str | None) -> None:
        """Move a branch there forward from `seen`; None is a new one.

        Raises `Conflict` where others pushed to it, `Rejected` where it is refused, `Transient`.
        """
        ...

    def merged(self, commit: str) -> bool:
        """Whether the base branch, as last fetched, contains a commit."""
        ...


class Forge(Protocol):
    """Where people review what landed."""

    async def open(self, request: NewPullRequest) -> str:
        """The url of the open pull request between these branches; made where there is none.

        One that is there gets the title and the body that are wanted now.
        Raises `Rejected` where the forge refuses it, `Transient` where it may answer later.
        """
        ...
