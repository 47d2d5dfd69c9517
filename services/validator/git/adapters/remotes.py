"""Pushing: to a target's own branches, and to the remote on which its people review."""

from collections.abc import Mapping
from pathlib import Path

from services.validator.git.adapters.work_tree import WorkTree
from services.validator.git.ports import PushRefusal
from shared.contracts.documents.targets import Target
from shared.kernel.errors import Conflict, Rejected, Transient
from shared.targets.git import (
    MOVE_CHECKED_OUT_BRANCH,
    GitError,
    git,
    git_text,
    list_remote,
    receive_pack,
)
from shared.targets.location import is_on_this_machine, is_url, local_path
from shared.targets.mirror import Mirror
from shared.targets.owner import Owner, foreign_owner
from shared.targets.repository import LANDING_PREFIX, checked_out_at, find_revision, remote_url

MOVED = ("stale info", "non-fast-forward", "fetch first", "failed to lock", "failed to update ref")
CHECKED_OUT = ("checked out", "Working directory has", "not up-to-date")
UNREACHABLE = ("Could not read from remote", "unable to access", "Connection")


def push(
    mirror: Mirror,
    location: str,
    branch: str,
    tip: str,
    seen: str | None,
    *settings: str,
) -> PushRefusal | None:
    """Move a branch of the repository at `location` from `seen` to `tip` by compare-and-swap.

    Returns the reason if the branch did not move; `seen` is None for a new branch. `settings` are
    git settings of the receiving end, and apply only to a repository on this machine.
    """
    reference, local = f"refs/heads/{branch}", is_on_this_machine(location)
    lease = f"--force-with-lease={reference}:{seen or ''}"
    options = ["--quiet", "--no-verify", "--atomic", lease]
    if local:
        owner = _owner_of(local_path(location))
        options.append(f"--receive-pack={receive_pack(*settings, owner=owner)}")
    refspec = f"{tip}:{reference}"
    try:
        git(mirror.path, "push", *options, "--", location, refspec, with_users_config=not local)
    except GitError as error:
        return _refusal(error.stderr, location, branch)
    return None


def push_with_work_tree(  # noqa: PLR0917 - those of `push`, and the folder
    mirror: Mirror, location: str, branch: str, tip: str, seen: str, folder: Path
) -> PushRefusal | None:
    """Move a branch and the work tree in `folder`, in which it is checked out; else neither.

    Returns the reason if they did not move. The files are written first: after a crash in between,
    the same call goes on from there.
    """
    if find_revision(location, f"refs/heads/{branch}") != seen:
        return PushRefusal("moved", f"{branch} is not at {seen[:10]} any more")
    work_tree = WorkTree(folder, mirror.repository, seen, tip)
    if obstacle := work_tree.obstacle():
        return PushRefusal("checked_out", f"{branch} is checked out in {folder}: {obstacle}")
    try:
        work_tree.write()
        refusal = push(mirror, location, branch, tip, seen, MOVE_CHECKED_OUT_BRANCH)
    except Rejected as error:
        refusal = PushRefusal("checked_out", f"{branch} is checked out in {folder}: {error}")
    if refusal is not None:
        work_tree.undo()
    return refusal


def _owner_of(repository: Path) -> Owner | None:
    """Return the owner of a repository's objects if we are root and it is another's; else None."""
    marker = repository / ".git"
    objects = (marker if marker.exists() else repository) / "objects"
    if objects.is_dir():
        return foreign_owner(objects)
    # Only git knows where those of a linked work tree are.
    try:
        found = git_text(repository, "rev-parse", "--git-path", "objects")
    except GitError:
        return None  # The push itself will tell why it is none.
    return foreign_owner(repository / found)


def _refusal(stderr: str, location: str, branch: str) -> PushRefusal:
    """Return the refusal that an error message of `git push` stands for."""
    reason = " ".join(stderr.split())[-500:]
    if any(each in stderr for each in MOVED):
        return PushRefusal("moved", reason)
    if any(each in stderr for each in CHECKED_OUT):
        where = checked_out_at(location, branch) or location
        return PushRefusal("checked_out", f"{branch} is checked out in {where}")
    if any(each in stderr for each in UNREACHABLE):
        return PushRefusal("unreachable", reason)
    return PushRefusal("other", reason)


class GitRemote:
    """A named remote of the target's repository, pushed to from the mirror; the `Remote` port."""

    def __init__(self, mirror: Mirror, target: Target, name: str) -> None:
        self._mirror = mirror
        self._target = target
        self._name = name

    @property
    def url(self) -> str:
        return remote_url(self._target.location, self._name)

    def branches(self) -> Mapping[str, str]:
        """Return by name the tips of the remote's landing branches and base. Raises `Transient`."""
        url = self.url
        wanted = (f"refs/heads/{LANDING_PREFIX}*", f"refs/heads/{self._target.base_branch}")
        try:
            listing = list_remote(url, *wanted, with_users_config=is_url(url))
        except GitError as error:
            raise Transient(
                f"{self._name} of {self._target.name} could not be read.",
                hint=error.stderr.strip()[-300:],
                delay=30,
            ) from error
        lines = [line.split("\t") for line in listing.splitlines()]
        return {name.removeprefix("refs/heads/"): oid for oid, name in lines}

    def push(self, branch: str, commit: str, seen: str | None) -> None:
        """Move a branch of the remote from `seen` (None if new) forward to `commit`, if needed.

        Raises `Conflict` if the branch has foreign commits, `Transient` if it moved or cannot be
        reached, and `Rejected` if the remote refuses.
        """
        if seen == commit:
            return
        if seen is not None and not self._contains(commit, seen):
            raise Conflict(
                f"{branch} on {self._name} has commits that are not ours.",
                hint="They are kept; merge it, and the next landing gets its own branch.",
                code="foreign_commits",
            )
        refusal = push(self._mirror, self.url, branch, commit, seen)
        if refusal is None:
            return
        if refusal.kind in {"moved", "unreachable"}:
            raise Transient(f"{branch} could not be pushed to {self._name}.", hint=refusal.reason)
        raise Rejected(
            f"{self._name} does not take {branch}.", hint=refusal.reason, code="push_refused"
        )

    def merged(self, commit: str) -> bool:
        """Return True if the target's base branch contains the commit, as last fetched."""
        base = self._mirror.branch(self._target.base_branch)
        return base is not None and self._mirror.is_ancestor(commit, base)

    def _contains(self, newer: str, older: str) -> bool:
        """Return True if `older` is known and is `newer` or an ancestor of it."""
        return older in self._mirror.repository and self._mirror.is_ancestor(older, newer)
