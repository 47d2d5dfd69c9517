"""The mirror of a target: a private bare repository in which all git work is done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pygit2
from filelock import FileLock
from pygit2.enums import RepositoryOpenFlag, SortMode

from shared.contracts.documents.targets import Target
from shared.kernel.errors import NotFound, Transient
from shared.targets.git import UPLOAD_PACK, GitError, git
from shared.targets.location import is_on_this_machine, local_path
from shared.targets.refused_objects import explain_refusal
from shared.targets.tree import GitTree

FETCHED = "refs/target/"
FETCHED_HEAD = "refs/target-head"
FETCHED_TAGS, TAGS_FETCHED = "refs/target-tags/", "refs/target-tags-fetched"
FETCH_OPTIONS = ("--quiet", "--prune", "--no-tags", "--update-shallow", "--no-write-fetch-head")
MIN_SHORT_ID_LENGTH = 7
LOCK_TIMEOUT_SECONDS = 120
MAX_REPORTED_STDERR_CHARACTERS = 500


class Mirror:
    """A bare repository: the target's branches are in `refs/target/*`, ours in `refs/heads/*`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def at(cls, home: Path, target_id: str) -> "Mirror":
        """Return the mirror of a target below a home; `fetch` creates it on disk."""
        return cls(home / "targets" / target_id / "repo.git")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the one writer's lock; remove git's stale ones. Raises `Timeout` after 120 s."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(str(self.path) + ".lock", timeout=LOCK_TIMEOUT_SECONDS):
            for stale in (*self.path.glob("*.lock"), *self.path.glob("refs/**/*.lock")):
                stale.unlink(missing_ok=True)
            yield

    def fetch(self, location: str) -> None:
        """Update `refs/target/*` to the branches of the target's repository.

        Where that is on this machine and nothing has changed, no git is started. Raises `Transient`
        where it cannot be reached, and `Rejected`, which names the entry, where git finds an object
        in it that is not safe.
        """
        is_remote = not is_on_this_machine(location)
        refs = (f"+refs/heads/*:{FETCHED}*", f"+HEAD:{FETCHED_HEAD}")
        own_end = () if is_remote else (f"--upload-pack={UPLOAD_PACK}",)
        command = ("fetch", *FETCH_OPTIONS, *own_end, "--", location, *refs)
        with self.locked():
            if not (self.path / "HEAD").exists():
                git(None, "init", "-q", "--bare", "--", str(self.path.absolute()))
            elif not is_remote and self._is_current(local_path(location)):
                return
            try:
                git(self.path, *command, with_users_config=is_remote)
            except GitError as error:
                source = None if is_remote else local_path(location)
                if refusal := explain_refusal(self.path, command, error.stderr, source=source):
                    raise refusal from error
                raise Transient(
                    f"{location} could not be fetched.",
                    hint=error.stderr.strip()[-MAX_REPORTED_STDERR_CHARACTERS:],
                ) from error

    def _is_current(self, source: Path) -> bool:
        """Return whether a repository's branches and HEAD are those that were fetched last.

        False where libgit2 cannot tell, as git may.
        """
        try:
            theirs = pygit2.Repository(str(source), RepositoryOpenFlag.NO_SEARCH)
            wanted = _commits(theirs, "refs/heads/", FETCHED)
            wanted[FETCHED_HEAD] = str(theirs.references["HEAD"].resolve().target)
            ours = self.repository
            known = _commits(ours, FETCHED, FETCHED) | _commits(ours, FETCHED_HEAD, FETCHED_HEAD)
            return known == wanted and all(each in ours for each in wanted.values())
        except (pygit2.GitError, KeyError, ValueError):
            return False

    def nearest_tag(self, location: str, commit: str, accept: Callable[[str], bool]) -> str:
        """Return the name of the nearest tag that a commit descends from; empty without any.

        Only tags whose name is accepted count. They are fetched once, as all that they are wanted
        for is a plausible version.
        """
        if self.repository.references.get(TAGS_FETCHED) is None:
            self._fetch_tags(location, commit)
        repository = self.repository
        tags: dict[pygit2.Oid, str] = {}
        for name in repository.references.iterator():
            short = name.name.removeprefix(FETCHED_TAGS)
            if short != name.name and accept(short):
                with suppress(pygit2.GitError, KeyError, ValueError):
                    tags[name.peel(pygit2.Commit).id] = short
        walk = repository.walk(pygit2.Oid(hex=commit), SortMode.TOPOLOGICAL) if tags else ()
        return next((tags[each.id] for each in walk if each.id in tags), "")

    def _fetch_tags(self, location: str, commit: str) -> None:
        """Fetch the target's tags into the mirror; a fetch that fails leaves them out."""
        is_remote = not is_on_this_machine(location)
        own_end = () if is_remote else (f"--upload-pack={UPLOAD_PACK}",)
        refs = f"+refs/tags/*:{FETCHED_TAGS}*"
        with self.locked(), suppress(GitError):
            command = ("fetch", *FETCH_OPTIONS, *own_end, "--", location, refs)
            git(self.path, *command, with_users_config=is_remote)
            self.repository.references.create(TAGS_FETCHED, pygit2.Oid(hex=commit), force=True)

    @property
    def repository(self) -> pygit2.Repository:
        """A new pygit2 handle of the repository, as threads must not share one.

        Raises `NotFound` if nothing was fetched yet.
        """
        try:
            return pygit2.Repository(str(self.path))
        except pygit2.GitError as error:
            raise NotFound(f"There is no mirror at {self.path}.", code="no_mirror") from error

    def branch(self, name: str) -> str | None:
        """Return the commit of a fetched branch, or that of a commit id; None for neither."""
        repository = self.repository
        reference = repository.references.get(FETCHED + name)
        if reference is not None:
            return str(reference.peel(pygit2.Commit).id)
        try:
            found = repository.revparse_single(name) if _may_be_commit_id(name) else None
        except (KeyError, ValueError):
            return None
        return str(found.id) if isinstance(found, pygit2.Commit) else None

    def tree(self, revision: str) -> GitTree:
        """Return a commit's tree, or a tree by its id. Raises `NotFound`, `Rejected` if unsafe."""
        repository = self.repository
        try:
            found = repository.revparse_single(revision)
        except pygit2.GitError:
            # libgit2 does not parse it; the reader says which entry is to blame.
            return GitTree(repository, pygit2.Oid(hex=revision))
        except (KeyError, ValueError) as error:
            raise NotFound(f"The mirror has no {revision}.", code="no_revision") from error
        tree = found.id if isinstance(found, pygit2.Tree) else found.peel(pygit2.Commit).tree_id
        return GitTree(repository, tree)

    def base_tree(self, target: Target) -> GitTree | None:
        """Return the tree of the target's base branch; None if that is gone."""
        base = self.branch(target.base_branch)
        return None if base is None else self.tree(base)

    def export(self, revision: str, into: Path) -> None:
        """Write the files of a commit or tree below a directory."""
        self.tree(revision).export(into)

    def changed_paths(self, before: str, after: str) -> tuple[str, ...]:
        """Return the paths that differ between two trees or commits, sorted. Raises `NotFound`."""
        repository = self.repository
        try:
            one, other = (repository[each].peel(pygit2.Tree) for each in (before, after))
        except KeyError as error:
            raise NotFound(f"The mirror has no {before} or {after}.", code="no_revision") from error
        deltas = one.diff_to_tree(other).deltas
        return tuple(sorted({p for d in deltas for p in (d.old_file.path, d.new_file.path)}))

    def is_merged_into(self, commit: str, other: str) -> bool:
        """Return whether merging a commit into another would leave the other's tree as it is."""
        repository = self.repository
        merged = repository.merge_commits(pygit2.Oid(hex=other), pygit2.Oid(hex=commit))
        if merged.conflicts:
            return False
        return str(merged.write_tree(repository)) == self.tree(other).oid

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Return whether `newer` descends from `older`, or is the same commit."""
        return older == newer or self.repository.descendant_of(newer, older)

    def has_history_of(self, target: Target, commit: str) -> bool:
        """Return whether the target, as last fetched, shares any history with a commit.

        It does not once another repository is at its location, although the mirror may still have
        the commits of the former one.
        """
        repository = self.repository
        tip = repository.references.get(
            FETCHED_HEAD if target.detached else FETCHED + target.base_branch
        )
        if tip is None or commit not in repository:
            return False
        return repository.merge_base(tip.peel(pygit2.Commit).id, pygit2.Oid(hex=commit)) is not None


def _commits(repository: pygit2.Repository, prefix: str, renamed: str) -> dict[str, str]:
    """Return what the references with a prefix point to, by their names with another prefix."""
    return {
        renamed + each.name.removeprefix(prefix): str(each.resolve().target)
        for each in repository.references.iterator()
        if each.name.startswith(prefix)
    }


def _may_be_commit_id(name: str) -> bool:
    """Return whether a name is at least 7 lower-case hexadecimal digits, as commit ids are."""
    return len(name) >= MIN_SHORT_ID_LENGTH and all(c in "0123456789abcdef" for c in name)
