"""Ports of the git capability: the private repository of one target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.contracts.documents.targets import Target
from shared.targets.config import TargetConfig
from shared.targets.head import Head


@dataclass(frozen=True)
class Composition:
    """The tree that results from applying patches to the head, one after the other.

    `steps` are (id, tree after it) of the patches that apply, `failed` are (id, reason) of the
    others.
    """

    tree: str
    steps: tuple[tuple[str, str], ...] = ()
    failed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class PushRefusal:
    """Why a branch of the target did not move.

    `kind` is one of moved, checked_out, unreachable, replaced, other.
    """

    kind: str
    reason: str


@dataclass(frozen=True)
class RevertResult:
    """The tree without one of its commits, or no tree and the conflicting paths."""

    tree: str | None
    conflicts: tuple[str, ...] = ()


class TargetRepository(Protocol):
    """The private repository of one target. Every method blocks."""

    def refresh(self, target: Target) -> Head:
        """Fetch the target and return its head. Raises `Conflict` if its base branch is gone."""
        ...

    def replaced_reason(self, target: Target, commit: str) -> str | None:
        """Return why a commit made for the target cannot land there, in words; None if it can.

        It cannot once another repository is at the target's location, in which neither the commit
        nor the target's root commit shares history with the base branch as last fetched.
        """
        ...

    def contains(self, *oids: str) -> bool:
        """Return True if the repository has all of these objects."""
        ...

    def base_file(self, target: Target, path: str) -> bytes | None:
        """Return a file of the base branch as last fetched; None if there is none."""
        ...

    def broken_rule(
        self, patch: str, paths: Sequence[str], config: TargetConfig, head: str = ""
    ) -> str | None:
        """Return the policy rule that a patch breaks, in words; None if it breaks none.

        `paths` are the patterns that the patch may change. Names are compared with those on `head`.
        """
        ...

    def compose(self, head: str, patches: Sequence[tuple[str, str]]) -> Composition:
        """Apply (id, patch) pairs to the head in this order, in memory."""
        ...

    def find_syntax_error(
        self, head: str, steps: Sequence[tuple[str, str]]
    ) -> tuple[str, str] | None:
        """Return the first of (id, tree after it) that adds an invalid file, or makes one invalid.

        The answer is (id, path); None if every step keeps valid files valid.
        """
        ...

    def versions(
        self, trees: Sequence[str], paths: Sequence[str]
    ) -> Mapping[str, tuple[bytes | None, ...]]:
        """Return by path the file's content in each of the trees; None where it is absent."""
        ...

    def commit(self, tree: str, parent: str, message: str, when: datetime) -> str:
        """Create a commit that is on no branch, and return its id."""
        ...

    def parent(self, commit: str) -> str:
        """Return the first parent of a commit; empty for a root commit."""
        ...

    def commit_parent(self, target: Target, head: str, when: datetime) -> str:
        """Return the commit that the next landing builds on.

        It is the head, unless the landing branch has commits that the head does not contain though
        it has their content: then it is a merge of both, so that the branch moves forward.
        """
        ...

    def publish(self, target: Target, tip: str, head: str) -> PushRefusal | None:
        """Move the landing branch, here and in the target, to `tip`; return why not, or None."""
        ...

    def landed_commits(self, target: Target, ids: Sequence[str]) -> Mapping[str, str]:
        """Return by enhancement its newest commit on the landing branch, unless that is too old."""
        ...

    def revert_commits(self, target: Target, ids: Sequence[str]) -> Mapping[str, str]:
        """Return by enhancement the newest commit that rolled it back, unless that is too old."""
        ...

    def revert(self, tree: str, commit: str) -> RevertResult:
        """Return a tree, or that of a commit, without the changes of `commit`, or the conflicts."""
        ...
