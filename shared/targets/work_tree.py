"""Whether the work tree of a repository differs from its commit, read without git's filters."""

import shlex
from pathlib import Path

import pygit2
from pygit2.enums import FileStatus

from shared.kernel.errors import Rejected

# Repositories of other owners may be read; nothing in them is run.
pygit2.settings.owner_validation = False
UNCHANGED = {FileStatus.CURRENT, FileStatus.IGNORED, FileStatus.WT_NEW}
# What libgit2 says of a work tree with more nested folders than it enters.
TOO_DEEP = "nesting too deep"
MAX_NESTED_FOLDERS = 100


def is_dirty(directory: Path) -> bool:
    """Return whether the work tree has changed or new files; False for a bare repository.

    Raises `Rejected` if libgit2 cannot read the repository.
    """
    try:
        repository = pygit2.Repository(str(directory))  # `git status` would run filters
        return not repository.is_bare and any(
            flags != FileStatus.IGNORED for flags in repository.status().values()
        )
    except (pygit2.GitError, ValueError) as error:
        raise _unreadable_error(directory, str(error)) from error


def _unreadable_error(directory: Path, why: str) -> Rejected:
    """Return an error with what libgit2 says of a repository that it cannot read."""
    if TOO_DEEP in why:
        return Rejected(
            f"{directory} has {MAX_NESTED_FOLDERS} or more folders inside each other, which cannot "
            "be read here.",
            hint="Move or delete the innermost ones, or have git ignore them. They are listed by: "
            f"find {shlex.quote(str(directory))} -mindepth {MAX_NESTED_FOLDERS} -type d",
            code="too_deep",
        )
    return Rejected(
        f"{directory} is a kind of repository that cannot be read here: {why}.",
        hint="Repositories with SHA-256 names and partial clones are not supported.",
        code="unreadable_repository",
    )


def has_local_changes(directory: str) -> bool:
    """Return whether tracked files of a work tree differ from its commit; True if unreadable."""
    try:
        status = pygit2.Repository(directory).status(untracked_files="no")
    except (pygit2.GitError, ValueError):
        return True
    return any(flags not in UNCHANGED for flags in status.values())
