"""Patches as unified git diffs, which agents write and the validator reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import pygit2
from pygit2.enums import DeltaStatus

from shared.kernel.errors import Rejected

NO_NEWLINE_ORIGINS = frozenset("<>=")
SIDES_BY_ORIGIN = {" ": ("old", "new"), "-": ("old",), "+": ("new",)}


class PatchKind(StrEnum):
    """The kind of change that a patch makes to a file."""

    MODIFY = "modify"
    ADD = "add"
    DELETE = "delete"
    OTHER = "other"


@dataclass(frozen=True)
class Hunk:
    """Lines to find (`old`) from line `start`, counted from 0, and the lines they become (`new`).

    `changed` is how many lines are added and removed; the others are context.
    """

    start: int
    old: tuple[bytes, ...]
    new: tuple[bytes, ...]
    changed: int


@dataclass(frozen=True)
class FilePatch:
    """The change that a patch makes to one file. Modes are git's; 0 if the file is absent.

    `old_blob_prefix` is the beginning of the git id of the content that the patch was made for,
    empty if the patch has none.
    """

    path: str
    kind: PatchKind
    old_mode: int
    new_mode: int
    hunks: tuple[Hunk, ...]
    binary: bool = False
    old_path: str = ""
    old_blob_prefix: str = ""

    @property
    def lines(self) -> int:
        """The number of lines that are added and removed."""
        return sum(hunk.changed for hunk in self.hunks)


def parse_patch(text: str) -> tuple[FilePatch, ...]:
    """Parse a unified git diff. Raises `Rejected` for anything else."""
    try:
        diff = pygit2.Diff.parse_diff(text)
        return tuple(_file_patch(patch) for patch in diff if patch is not None)
    except (pygit2.GitError, ValueError, UnicodeError, KeyError) as error:
        raise Rejected(f"This is not a unified git diff: {error}.", code="bad_patch") from error


def _file_patch(patch: pygit2.Patch) -> FilePatch:
    """Convert the part of a parsed diff that is about one file."""
    delta = patch.delta
    kinds = {
        DeltaStatus.MODIFIED: PatchKind.MODIFY,
        DeltaStatus.ADDED: PatchKind.ADD,
        DeltaStatus.DELETED: PatchKind.DELETE,
    }
    kind = kinds.get(delta.status, PatchKind.OTHER)
    hunks = tuple(_hunk(hunk) for hunk in patch.hunks)
    return FilePatch(
        path=delta.old_file.path if kind is PatchKind.DELETE else delta.new_file.path,
        kind=kind,
        old_mode=int(delta.old_file.mode),
        new_mode=int(delta.new_file.mode),
        hunks=hunks,
        binary=bool(delta.is_binary) or (kind is PatchKind.MODIFY and not hunks),
        old_path=delta.new_file.path if kind is PatchKind.ADD else delta.old_file.path,
        old_blob_prefix=_abbreviated(str(delta.old_file.id)),
    )


def _abbreviated(oid: str) -> str:
    """Return an id as the diff abbreviates it: libgit2 pads it with zeros."""
    return oid.rstrip("0")


def _hunk(hunk: pygit2.DiffHunk) -> Hunk:
    """Convert a hunk; a line at the end of a file without a newline has none here."""
    sides: dict[str, list[bytes]] = {"old": [], "new": []}
    touched: tuple[str, ...] = ()
    changed = 0
    for line in hunk.lines:
        if line.origin in NO_NEWLINE_ORIGINS:
            # The marker is about the line before it.
            for side in touched:
                sides[side][-1] = sides[side][-1].removesuffix(b"\n")
            continue
        touched = SIDES_BY_ORIGIN[line.origin]
        changed += line.origin != " "
        for side in touched:
            sides[side].append(line.raw_content)
    start = hunk.old_start - 1 if sides["old"] else hunk.old_start
    return Hunk(max(start, 0), tuple(sides["old"]), tuple(sides["new"]), changed)


@dataclass(frozen=True)
class ReplacedLines:
    """Lines of a text that became other lines: two half-open ranges of indexes from 0."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def replaced_lines(before: bytes, after: bytes) -> tuple[ReplacedLines, ...]:
    """Return the ranges of lines in which two texts differ, in order, by git's diff."""
    patch = pygit2.Patch.create_from(before, after, context_lines=0)
    return tuple(
        ReplacedLines(
            *_range(hunk.old_start, hunk.old_lines), *_range(hunk.new_start, hunk.new_lines)
        )
        for hunk in patch.hunks
    )


def _range(start: int, count: int) -> tuple[int, int]:
    """Return the half-open range of a hunk; of an empty one git names the line before it."""
    first = start - 1 if count else start
    return first, first + count


def make_patch(changes: Mapping[str, tuple[bytes | None, bytes | None]]) -> str:
    """Return a unified git diff of path → (before, after), sorted; None stands for no file.

    Raises `Rejected` for content that is not UTF-8, which a text patch cannot hold.
    """
    parts = []
    for path, (before, after) in sorted(changes.items()):
        if before == after:
            continue
        patch = pygit2.Patch.create_from(before, after, old_as_path=path, new_as_path=path)
        try:
            parts.append(patch.data.decode())
        except UnicodeDecodeError as error:
            raise Rejected(f"{path} is not UTF-8.", code="not_text") from error
    return "".join(parts)
