"""The mirror: a private bare repository per target, in which all git work is done."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pygit2
from filelock import FileLock

from shared.contracts.documents.targets import Target
from shared.kernel.errors import NotFound, Transient
from shared.targets.git import UPLOAD_PACK, GitError, git
from shared.targets.repository import is_url
from shared.targets.tree import GitTree

FETCHED = "refs/target/"
FETCHED_HEAD = "refs/target-head"
SHORTEST = 7


class Mirror:
    """`refs/target/*` are the target's branches as last fetched; `refs/heads/*` are ours."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def at(cls, home: Path, target_id: str) -> "Mirror":
        """The mirror of that target; nothing is made before `fetch`."""
        return cls(home / "targets" / target_id / "repo.git")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One writer at a time, also across processes; what a killed one left locked is freed."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(str(self.path) + ".lock", timeout=120):
            for stale in (*self.path.glob("*.lock"), *self.path.glob("refs/**/*.lock")):
                stale.unlink(missing_ok=True)
            yield

    def fetch(self, location: str) -> None:
        """Bring `refs/target/*` in line with the target's branches. Raises `Transient`."""
        with self.locked():
            if not (self.path / "HEAD").exists():
                git(None, "init", "-q", "--bare", str(self.path))
            refs = (f"+refs/heads/*:{FETCHED}*", f"+HEAD:{FETCHED_HEAD}")
            remote = is_url(location)
            options = [
                "--quiet",
                "--prune",
                "--no-tags",
                "--update-shallow",
                "--no-write-fetch-head",
            ]
            if not remote:
                options.append(f"--upload-pack={UPLOAD_PACK}")
            try:
                git(self.path, "fetch", *options, location, *refs, with_users_config=remote)
            except GitError as error:
                raise Transient(
                    f"{location} could not be fetched.", hint=error.stderr.strip()[-500:]
                ) from error

    @property
    def repository(self) -> pygit2.Repository:
        """The repository, opened anew: pygit2's handles must not be shared between threads.

        Raises `NotFound` where nothing was fetched yet.
        """
        try:
            return pygit2.Repository(str(self.path))
        except pygit2.GitError as error:
            raise NotFound(f"There is no mirror at {self.path}.", code="no_mirror") from error

    def branch(self, name: str) -> str | None:
        """The commit of the target's branch as fetched; a short commit names itself."""
        repository = self.repository
        reference = repository.references.get(FETCHED + name)
        if reference is not None:
            return str(reference.peel(pygit2.Commit).id)
        try:
            found = repository.revparse_single(name) if _is_hexadecimal(name) else None
        except (KeyError, ValueError):
            return None
        return str(found.id) if isinstance(found, pygit2.Commit) else None

    def tree(self, revision: str) -> GitTree:
        """The tree of a commit, or that tree itself."""
        repository = self.repository
        try:
            found = repository.revparse_single(revision)
        except (KeyError, ValueError) as error:
            raise NotFound(f"The mirror has no {revision}.", code="no_revision") from error
        return GitTree(repository, found.peel(pygit2.Tree))

    def base_tree(self, target: Target) -> GitTree | None:
        """The tree of the target's base branch; None where it is gone."""
        base = self.branch(target.base_branch)
        return None if base is None else self.tree(base)

    def export(self, revision: str, into: Path) -> None:
        """Write the files of a commit or tree below `into`."""
        self.tree(revision).export(into)

    def changed_paths(self, before: str, after: str) -> tuple[str, ...]:
        """The paths that differ between two trees or commits, sorted."""
        repository = self.repository
        try:
            one, other = (repository[each].peel(pygit2.Tree) for each in (before, after))
        except KeyError as error:
            raise NotFound(f"The mirror has no {before} or {after}.", code="no_revision") from error
        deltas = one.diff_to_tree(other).deltas
        return tuple(sorted({p for d in deltas for p in (d.old_file.path, d.new_file.path)}))

    def is_merged_into(self, commit: str, to: str) -> bool:
        """Whether merging `commit` into another would leave that one's tree as it is."""
        repository = self.repository
        merged = repository.merge_commits(pygit2.Oid(hex=to), pygit2.Oid(hex=commit))
        if merged.conflicts:
            return False
        return str(merged.write_tree(repository)) == self.tree(to).oid

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `newer` contains `older`; a commit contains itself."""
        return older == newer or self.repository.descendant_of(newer, older)


def _is_hexadecimal(name: str) -> bool:
    return len(name) >= SHORTEST and all(c in "0123456789abcdef" for c in name)
