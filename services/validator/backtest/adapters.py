"""Reading a target's history from its mirror."""

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime

import pygit2
from pygit2.enums import SortMode

from services.validator.backtest.domain.history import Commit
from shared.targets.git import GitError, git
from shared.targets.mirror import Mirror

BLAMED_COMMIT = re.compile(rb"^([0-9a-f]{40}) \d+ \d+", re.MULTILINE)
# Blank lines and comments do not affect behaviour.
IRRELEVANT_LINE = re.compile(r"^\s*(?:#.*)?$")


class GitHistory:
    """A history in git; the `History` port."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror

    def line(self, since: str, head: str) -> Sequence[Commit]:
        """Return the first-parent commits after `since` up to `head`, oldest first, with merges."""
        walker = self._mirror.repository.walk(
            pygit2.Oid(hex=head), SortMode.TOPOLOGICAL | SortMode.REVERSE
        )
        walker.simplify_first_parent()
        walker.hide(pygit2.Oid(hex=since))
        return [
            Commit(
                oid=str(each.id),
                parent=str(each.parent_ids[0]),
                message=each.message,
                at=datetime.fromtimestamp(each.commit_time, UTC),
                merge=len(each.parent_ids) > 1,
            )
            for each in walker
            if each.parent_ids
        ]

    def changed(self, before: str, after: str) -> Sequence[str]:
        """Return the paths in which two commits or trees differ, sorted."""
        return sorted(
            {
                side.path
                for delta in self._diff(before, after).deltas
                for side in (delta.old_file, delta.new_file)
            }
        )

    def patch(self, before: str, after: str) -> str:
        """Return the unified git diff from one commit or tree to the other."""
        parts = [each.data for each in self._diff(before, after) if each is not None]
        return b"".join(parts).decode(errors="replace")

    def part(self, before: str, after: str, paths: Collection[str]) -> str:
        """Return the id of the tree of `before` with these paths as they are in `after`."""
        repository = self._mirror.repository
        index, there = pygit2.Index(), pygit2.Index()
        index.read_tree(self._tree(repository, before))
        there.read_tree(self._tree(repository, after))
        # Deletions come first, because a file may become a directory.
        for path in paths:
            if path in index:
                index.remove(path)
        for path in paths:
            if path in there:
                index.add(there[path])
        return str(index.write_tree(repository))

    def wrote(self, fix: Commit, since: str, paths: Collection[str]) -> Collection[str]:
        """Return the commits after `since` that wrote code that `fix` removes in these paths."""
        authors: set[str] = set()
        for path, ranges in self._removed(fix, set(paths)):
            try:
                output = git(
                    self._mirror.path,
                    *("blame", "--porcelain", "--first-parent", "-w"),
                    *(f"-L{first},{last}" for first, last in ranges),
                    *(f"{since}..{fix.parent}", "--", path),
                )
            except GitError:
                continue
            authors |= {oid.decode() for oid in BLAMED_COMMIT.findall(output)}
        return authors - {since}

    def _removed(self, fix: Commit, paths: set[str]) -> Iterator[tuple[str, list[tuple[int, int]]]]:
        """Yield (path, one-line ranges) of the removed lines, without blank ones and comments."""
        for each in self._diff(fix.parent, fix.oid, context=0):
            if each is None or each.delta.old_file.path not in paths or each.delta.is_binary:
                continue
            gone = [
                line.old_lineno
                for hunk in each.hunks
                for line in hunk.lines
                if line.origin == "-" and not IRRELEVANT_LINE.match(line.content)
            ]
            if gone:
                yield each.delta.old_file.path, [(number, number) for number in gone]

    def _diff(self, before: str, after: str, context: int = 3) -> pygit2.Diff:
        """Return the diff between two commits or trees with so many lines of context."""
        repository = self._mirror.repository
        old, new = self._tree(repository, before), self._tree(repository, after)
        return old.diff_to_tree(new, context_lines=context)

    @staticmethod
    def _tree(repository: pygit2.Repository, commit: str) -> pygit2.Tree:
        """Return the tree of a commit, or the tree itself if given its id."""
        return repository.revparse_single(commit).peel(pygit2.Tree)
