"""The private repository of a target, as the gate needs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.contracts.documents.targets import Target
from shared.targets.config import TargetConfig
from shared.targets.head import Head


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
        """The first of these (id, tree after it) that makes valid code invalid, and in which file."""
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
