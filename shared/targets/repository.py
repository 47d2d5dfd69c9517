"""Looking at the repository a person named, without changing a byte of it."""

import re
from datetime import datetime
from pathlib import Path

import pygit2
from pygit2.enums import FileStatus

from shared.contracts.base import Value
from shared.contracts.documents.targets import Target
from shared.kernel.errors import Conflict, NotFound, Rejected
from shared.targets.config import FILE, parse_config
from shared.targets.git import GitError, git, git_text

LANDING_PREFIX = "groundswell/"
# Repositories of other owners are read, not trusted; nothing of them is run.
pygit2.settings.owner_validation = False
WHOLE = re.compile(r"^[0-9a-f]{40}$")
URL = re.compile(r"^(?:[a-z][a-z0-9+.-]*://|[\w.-]+@[\w.-]+:)", re.IGNORECASE)


class RepositoryFacts(Value):
    """What `inspect` found. `base_branch` is a short commit where HEAD is detached."""

    location: str
    name: str
    head: str
    base_branch: str
    landing_branch: str
    root_commit: str
    detached: bool = False
    dirty: bool = False
    notes: tuple[str, ...] = ()

    def as_target(self, identity: str, at: datetime) -> Target:
        """The target that it would be, where nobody knows it yet."""
        return Target(
            id=identity,
            location=self.location,
            root_commit=self.root_commit,
            name=self.name,
            base_branch=self.base_branch,
            landing_branch=self.landing_branch,
            detached=self.detached,
            created_at=at,
        )


def is_url(location: str) -> bool:
    """Whether `location` names a remote repository."""
    return bool(URL.match(location))


def inspect_repository(location: str, *, base: str | None = None) -> RepositoryFacts:
    """The facts of a repository; raises `Rejected` in words when it is none that can be used."""
    return _inspect_url(location, base) if is_url(location) else _inspect_path(location, base)


def _inspect_path(location: str, base: str | None) -> RepositoryFacts:
    place = _top(Path(location).expanduser())
    head = _commit(place, "HEAD")
    if head is None and base is None:
        raise Rejected(
            f"{place} has no commits.",
            hint="Make one: git add -A && git commit -m 'first commit'.",
            code="no_commits",
        )
    current = _symbolic_head(place)
    configured = _configured_base(place) if current and base is None else ""
    branch, notes = _base_branch(place, base or configured or current, head or "")
    if configured and configured != current:
        notes = (*notes, f"The base branch {configured} is named in {FILE}.")
    detached = base is None and current is None
    commit = _commit(place, f"refs/heads/{branch}") if not detached else head
    if commit is None:
        raise NotFound(
            f"{place} has no branch {branch}.", hint=_branches_hint(place), code="no_branch"
        )
    landing = LANDING_PREFIX + branch
    _check_landing_name(place)
    return RepositoryFacts(
        location=str(place),
        name=place.name.removesuffix(".git"),
        head=commit,
        base_branch=branch,
        landing_branch=landing,
        root_commit=_root(place, commit),
        detached=detached,
        dirty=_dirty(place),
        notes=notes,
    )


def _top(path: Path) -> Path:
    """The top of the repository at `path`, which must be that top itself."""
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
    path = path.resolve()
    try:
        if git_text(path, "rev-parse", "--is-bare-repository") == "true":
            return Path(git_text(path, "rev-parse", "--absolute-git-dir"))
        top = Path(git_text(path, "rev-parse", "--show-toplevel"))
    except GitError as error:
        raise Rejected(
            f"{path} is not a git repository.",
            hint=f"Make it one: cd {path} && git init && git add -A && git commit -m 'first commit'.",
            code="not_a_repository",
        ) from error
    if top.resolve() != path:
        raise Rejected(
            f"{path} is inside the repository {top}.",
            hint=f"Name the repository itself: {top}. A part of it is chosen with --components.",
            code="inside_a_repository",
        )
    return path


def _symbolic_head(place: Path) -> str | None:
    try:
        return git_text(place, "symbolic-ref", "--short", "-q", "HEAD")
    except GitError:
        return None


def _configured_base(place: Path) -> str:
    """The base that groundswell.toml names where we stand; empty where it names none."""
    try:
        content = git(place, "show", f"HEAD:{FILE}")
    except GitError:
        return ""
    return parse_config(content).target.base


def _commit(place: Path, revision: str) -> str | None:
    try:
        return git_text(
            place, "rev-parse", "--verify", "-q", "--end-of-options", f"{revision}^{{commit}}"
        )
    except GitError:
        return None


def _base_branch(place: Path, branch: str | None, head: str) -> tuple[str, tuple[str, ...]]:
    """The branch to improve. On a landing branch that is the one it was made from."""
    if branch is None:
        note = f"HEAD is detached: commit {head[:10]} is used, and improved on {LANDING_PREFIX}{head[:10]}."
        return head[:10], (note,)
    made_from = branch.removeprefix(LANDING_PREFIX)
    if made_from != branch and _commit(place, f"refs/heads/{made_from}"):
        return made_from, (f"{branch} is a landing branch: its base {made_from} is used.",)
    return branch, ()


def _branches_hint(place: Path) -> str:
    names = git_text(place, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()
    return f"Its branches: {', '.join(names[:12]) or 'none'}."


def _check_landing_name(place: Path) -> None:
    """A branch called `groundswell` leaves no room for `groundswell/<base>`."""
    if _commit(place, "refs/heads/groundswell"):
        raise Conflict(
            f"{place} has a branch called groundswell, so groundswell/<base> cannot be made.",
            hint="Rename it: git branch -m groundswell NEW-NAME.",
            code="landing_branch_blocked",
        )


def _root(place: Path, commit: str) -> str:
    """The oldest first commit that `commit` descends from (the graft's edge in a shallow clone)."""
    return git_text(place, "rev-list", "--max-parents=0", commit).split()[-1]


def _dirty(place: Path) -> bool:
    """By libgit2, which runs none of the filters that a repository may name for `git status`."""
    try:
        repository = pygit2.Repository(str(place))
    except (pygit2.GitError, ValueError) as error:
        raise Rejected(
            f"{place} is a kind of repository that cannot be read here: {error}.",
            hint="Repositories with SHA-256 names and partial clones are not supported.",
            code="unreadable_repository",
        ) from error
    return not repository.is_bare and any(
        flags != FileStatus.IGNORED for flags in repository.status().values()
    )


def find_revision(location: str, revision: str) -> str | None:
    """The commit that a revision means in a repository; of a remote: a branch, a tag or a whole id."""
    if not is_url(location):
        return _commit(Path(location), revision)
    wanted = {f"refs/tags/{revision}^{{}}", f"refs/tags/{revision}", f"refs/heads/{revision}"}
    lines = git(None, "ls-remote", location, with_users_config=True).decode()
    found = {name: oid for oid, _, name in (line.partition("\t") for line in lines.splitlines())}
    named = [found[each] for each in sorted(wanted, reverse=True) if each in found]
    return named[0] if named else revision if WHOLE.match(revision) else None


def checked_out_at(location: str, branch: str) -> str | None:
    """The work tree of a repository on this machine that has `branch` checked out."""
    if is_url(location):
        return None
    place = None
    for line in git_text(Path(location), "worktree", "list", "--porcelain").splitlines():
        if line.startswith("worktree "):
            place = line.removeprefix("worktree ")
        if line == f"branch refs/heads/{branch}":
            return place
    return None


def has_local_changes(place: str) -> bool:
    """Whether a work tree differs from its commit; files that git does not know do not count."""
    return bool(git_text(Path(place), "status", "--porcelain", "--untracked-files=no"))


def remote_url(location: str, name: str) -> str:
    """Where a repository pushes to under that name; a url is its own remote. Raises `Rejected`."""
    if is_url(location):
        return location
    try:
        url = git_text(Path(location), "remote", "get-url", "--push", name)
    except GitError:
        known = git_text(Path(location), "remote").split()
        raise Rejected(
            f"{location} has no remote {name} to open pull requests on.",
            hint=f"Its remotes: {', '.join(known) or 'none'}. Name one in groundswell.toml, [landing] "
            f"remote, or add it: git remote add {name} URL.",
            code="no_remote",
        ) from None
    return url if is_url(url) else str((Path(location) / url).resolve())


def _inspect_url(location: str, base: str | None) -> RepositoryFacts:
    """A remote: asked with the user's own configuration, because that has the credentials."""
    try:
        lines = git(None, "ls-remote", "--symref", location, with_users_config=True).decode()
    except GitError as error:
        raise Rejected(
            f"{location} could not be read.", hint=error.stderr.strip()[-300:], code="unreachable"
        ) from error
    symbolic = re.search(r"^ref: refs/heads/(\S+)\tHEAD$", lines, re.MULTILINE)
    branch = base or (symbolic.group(1) if symbolic else "main")
    found = re.findall(r"^([0-9a-f]{40})\trefs/heads/(\S+)$", lines, re.MULTILINE)
    commits = {name: oid for oid, name in found}
    if branch not in commits:
        raise NotFound(
            f"{location} has no branch {branch}.",
            hint=f"Its branches: {', '.join(sorted(commits)[:12])}.",
            code="no_branch",
        )
    return RepositoryFacts(
        location=location,
        name=location.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git"),
        head=commits[branch],
        base_branch=branch,
        landing_branch=LANDING_PREFIX + branch,
        # A remote's first commit is unknown before it is fetched; its url names it well enough.
        root_commit="0" * 40,
    )
