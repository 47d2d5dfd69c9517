"""Reading facts about a repository that a user named, without changing anything in it."""

import re
from datetime import datetime
from pathlib import Path

from shared.contracts.base import Value
from shared.contracts.documents.targets import Target
from shared.kernel.errors import Conflict, NotFound, Rejected
from shared.targets.config import FILE, parse_config
from shared.targets.git import GitError, git, git_text, list_remote
from shared.targets.location import check_location, is_url
from shared.targets.work_tree import is_dirty

LANDING_PREFIX = "groundswell/"
FULL_COMMIT_ID = re.compile(r"^[0-9a-f]{40}$")
MAX_LISTED_BRANCHES = 12
MAX_REPORTED_STDERR_CHARACTERS = 300
SHORT_ID_LENGTH = 10


class RepositoryFacts(Value):
    """Facts about a repository; `base_branch` is a short commit id if HEAD is detached."""

    location: str
    name: str
    head: str
    base_branch: str
    landing_branch: str
    root_commit: str
    detached: bool = False
    bare: bool = False
    dirty: bool = False
    notes: tuple[str, ...] = ()

    def as_target(self, identity: str, at: datetime) -> Target:
        """Return a new target document for this repository."""
        return Target(
            id=identity,
            location=self.location,
            root_commit=self.root_commit,
            name=self.name,
            base_branch=self.base_branch,
            landing_branch=self.landing_branch,
            detached=self.detached,
            bare=self.bare,
            created_at=at,
        )


def inspect_repository(location: str, *, base: str | None = None) -> RepositoryFacts:
    """Return the facts of a repository at a path or url. Raises `Rejected` if it cannot be used."""
    check_location(location)
    return _inspect_url(location, base) if is_url(location) else _inspect_path(location, base)


def _expand_user(location: str) -> Path:
    """Return a path with `~` replaced. Raises `NotFound` for a user without a home."""
    try:
        return Path(location).expanduser()
    except RuntimeError:
        raise NotFound(
            f"{location} names a user who has no home directory here.", code="no_directory"
        ) from None


def _inspect_path(location: str, base: str | None) -> RepositoryFacts:
    """Return the facts of a repository on this machine. Raises `NotFound` and `Rejected`."""
    directory = _root_directory(_expand_user(location))
    head = _commit(directory, "HEAD")
    if head is None and base is None:
        raise _no_commits_error(directory)
    current = _symbolic_head(directory)
    configured = _configured_base(directory) if current and base is None else ""
    branch, notes = _base_branch(directory, base or configured or current, head or "")
    if configured and configured != current:
        notes = (*notes, f"The base branch {configured} is named in {FILE}.")
    detached = base is None and current is None
    commit = _commit(directory, f"refs/heads/{branch}") if not detached else head
    if commit is None:
        raise NotFound(
            f"{directory} has no branch {branch}.", hint=_branches_hint(directory), code="no_branch"
        )
    landing = LANDING_PREFIX + branch
    _check_landing_name(directory)
    return RepositoryFacts(
        location=str(directory),
        name=directory.name.removesuffix(".git"),
        head=commit,
        base_branch=branch,
        landing_branch=landing,
        root_commit=_root_commit(directory, commit),
        detached=detached,
        bare=_is_bare(directory),
        dirty=is_dirty(directory),
        notes=notes,
    )


def _no_commits_error(directory: Path) -> Rejected:
    return Rejected(
        f"{directory} has no commits.",
        hint="Make one: git add -A && git commit -m 'first commit'.",
        code="no_commits",
    )


def _root_directory(path: Path) -> Path:
    """Return the root of the repository at a path. Raises `Rejected` if the path is another."""
    path = _existing_directory(path)
    try:
        if _is_bare(path):
            return Path(git_text(path, "rev-parse", "--absolute-git-dir"))
        top = Path(git_text(path, "rev-parse", "--show-toplevel"))
    except GitError as error:
        make = f"cd {path} && git init && git add -A && git commit -m 'first commit'"
        raise Rejected(
            f"{path} is not a git repository.",
            hint=f"Make it one: {make}.",
            code="not_a_repository",
        ) from error
    if top.resolve() != path:
        raise Rejected(
            f"{path} is inside the repository {top}.",
            hint=f"Name the repository itself: {top}. A part of it is chosen with --components.",
            code="inside_a_repository",
        )
    return path


def _is_bare(path: Path) -> bool:
    """Return whether a repository has no work tree. Raises `GitError` where there is none."""
    return git_text(path, "rev-parse", "--is-bare-repository") == "true"


def _existing_directory(path: Path) -> Path:
    """Return the resolved path of a directory. Raises `NotFound` and `Rejected`."""
    if not path.exists():
        raise NotFound(
            f"{path} does not exist.", hint="Name the path of a git repository.", code="no_path"
        )
    if not path.is_dir():
        raise Rejected(
            f"{path} is not a directory.",
            hint="Name the repository it is in.",
            code="not_a_directory",
        )
    return path.resolve()


def _symbolic_head(directory: Path) -> str | None:
    """Return the branch that is checked out; None where HEAD is detached."""
    try:
        return git_text(directory, "symbolic-ref", "--short", "-q", "HEAD")
    except GitError:
        return None


def _configured_base(directory: Path) -> str:
    """Return the base branch that groundswell.toml at HEAD names; empty if it names none."""
    try:
        content = git(directory, "cat-file", "blob", f"HEAD:{FILE}")
    except GitError:
        return ""
    return parse_config(content).target.base


def _commit(directory: Path, revision: str) -> str | None:
    """Return the commit id of a revision; None where there is no such commit."""
    try:
        return git_text(
            directory, "rev-parse", "--verify", "-q", "--end-of-options", f"{revision}^{{commit}}"
        )
    except GitError:
        return None


def _base_branch(directory: Path, branch: str | None, head: str) -> tuple[str, tuple[str, ...]]:
    """Return the branch to improve and notes; on a landing branch that is the one it came from."""
    if branch is None:
        short = head[:SHORT_ID_LENGTH]
        note = f"HEAD is detached: commit {short} is improved on {LANDING_PREFIX}{short}."
        return short, (note,)
    made_from = branch.removeprefix(LANDING_PREFIX)
    if made_from != branch and _commit(directory, f"refs/heads/{made_from}"):
        return made_from, (f"{branch} is a landing branch: its base {made_from} is used.",)
    return branch, ()


def _branches_hint(directory: Path) -> str:
    names = git_text(directory, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()
    return f"Its branches: {', '.join(names[:MAX_LISTED_BRANCHES]) or 'none'}."


def _check_landing_name(directory: Path) -> None:
    """Raise `Conflict` for a branch called `groundswell`, as git then allows none below it."""
    if _commit(directory, "refs/heads/groundswell"):
        raise Conflict(
            f"{directory} has a branch called groundswell, so groundswell/<base> cannot be made.",
            hint="Rename it: git branch -m groundswell NEW-NAME.",
            code="landing_branch_blocked",
        )


def _root_commit(directory: Path, commit: str) -> str:
    """Return the oldest root commit of a commit; in a shallow clone that at its boundary."""
    return git_text(directory, "rev-list", "--max-parents=0", commit).split()[-1]


def find_revision(location: str, revision: str) -> str | None:
    """Return the commit of a revision, at a url a branch, tag or full id; None if there is none."""
    if not is_url(location):
        return _commit(Path(location), revision)
    wanted = {f"refs/tags/{revision}^{{}}", f"refs/tags/{revision}", f"refs/heads/{revision}"}
    lines = list_remote(location).splitlines()
    found = {name: oid for oid, _, name in (line.partition("\t") for line in lines)}
    named = [found[each] for each in sorted(wanted, reverse=True) if each in found]
    return named[0] if named else revision if FULL_COMMIT_ID.match(revision) else None


def checked_out_at(location: str, branch: str) -> str | None:
    """Return the work tree that has a branch checked out; None without one, or for a url."""
    if is_url(location):
        return None
    directory = None
    for line in git_text(Path(location), "worktree", "list", "--porcelain").splitlines():
        if line.startswith("worktree "):
            directory = line.removeprefix("worktree ")
        if line == f"branch refs/heads/{branch}":
            return directory
    return None


def remote_url(location: str, name: str) -> str:
    """Return the push url of a remote; a url is its own remote. Raises `Rejected` if unknown."""
    if is_url(location):
        return location
    try:
        url = git_text(Path(location), "remote", "get-url", "--push", "--", name)
    except GitError:
        known = git_text(Path(location), "remote").split()
        raise Rejected(
            f"{location} has no remote {name} to open pull requests on.",
            hint=f"Its remotes: {', '.join(known) or 'none'}. Name one in groundswell.toml, "
            f"[landing] remote, or add it: git remote add {name} URL.",
            code="no_remote",
        ) from None
    check_location(url)
    return url if is_url(url) else str((Path(location) / url).resolve())


def _inspect_url(location: str, base: str | None) -> RepositoryFacts:
    """Return a remote's facts, read with the user's credentials. Raises `NotFound`, `Rejected`."""
    try:
        lines = list_remote(location, symbolic=True)
    except GitError as error:
        raise Rejected(
            f"{location} could not be read.",
            hint=error.stderr.strip()[-MAX_REPORTED_STDERR_CHARACTERS:],
            code="unreachable",
        ) from error
    symbolic = re.search(r"^ref: refs/heads/(\S+)\tHEAD$", lines, re.MULTILINE)
    branch = base or (symbolic.group(1) if symbolic else "main")
    found = re.findall(r"^([0-9a-f]{40})\trefs/heads/(\S+)$", lines, re.MULTILINE)
    commits = {name: oid for oid, name in found}
    if branch not in commits:
        raise NotFound(
            f"{location} has no branch {branch}.",
            hint=f"Its branches: {', '.join(sorted(commits)[:MAX_LISTED_BRANCHES])}.",
            code="no_branch",
        )
    return RepositoryFacts(
        location=location,
        name=location.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git"),
        head=commits[branch],
        base_branch=branch,
        landing_branch=LANDING_PREFIX + branch,
        root_commit="0" * 40,  # unknown before it is fetched; its url names it well enough
    )
