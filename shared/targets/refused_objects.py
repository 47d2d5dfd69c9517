"""The reason why git refused a repository's objects, with the entry that is to blame."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pygit2

from shared.kernel.errors import Rejected
from shared.targets.git import GitError, git
from shared.targets.tree import read_entries, unsafe_entry

# What the receiving end says of an unsafe object, and the sending end of one it cannot read.
UNSAFE_OBJECT = re.compile(r"object ([0-9a-f]{40}): (\w+: [^\n]*)")
UNREADABLE_OBJECT = "pack-objects died"
MAX_SEARCHED_BRANCHES = 1000


def explain_refusal(
    mirror: Path, fetch: tuple[str, ...], stderr: str, *, source: Path | None
) -> Rejected | None:
    """Return the error to raise where a fetch ended because of an object; None if none is found.

    Git names the object only. The entry is looked up in the source if that is on this machine, else
    in a second copy, which nothing else reads and which is removed.
    """
    found = UNSAFE_OBJECT.search(stderr)
    if not found and UNREADABLE_OBJECT not in stderr:
        return None
    oid, words = found.groups() if found else ("", "")
    try:
        with _unchecked(mirror, fetch, source) as repository:
            for tree in _suspects(repository, oid):
                list(read_entries(repository, tree))
    except Rejected as error:
        return error
    except (GitError, pygit2.GitError, KeyError, ValueError):
        pass  # Git's own words remain.
    return unsafe_entry(f"object {oid}", words) if oid else None


@contextmanager
def _unchecked(
    mirror: Path, fetch: tuple[str, ...], source: Path | None
) -> Iterator[pygit2.Repository]:
    """Open a repository that has the refused objects."""
    if source is not None:
        yield pygit2.Repository(str(source))
        return
    with TemporaryDirectory(dir=mirror.parent.absolute(), prefix="refused-") as name:
        git(None, "init", "-q", "--bare", "--", name)
        git(Path(name), *fetch, checked=False, with_users_config=True)
        yield pygit2.Repository(name)


def _suspects(repository: pygit2.Repository, oid: str) -> Iterator[pygit2.Oid]:
    """Yield the trees of the first 1,000 references, where entries have paths, and the object."""
    for name in list(repository.references)[:MAX_SEARCHED_BRANCHES]:
        commit = repository.references[name].peel(pygit2.Commit)
        yield commit.tree_id
    if oid:
        yield pygit2.Oid(hex=oid)
