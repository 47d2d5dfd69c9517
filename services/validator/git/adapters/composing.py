"""Applying patches to a tree in memory, without a working copy."""

from collections.abc import Sequence
from pathlib import PurePosixPath

import pygit2

from services.validator.git.domain.patches import REGULAR_MODES
from services.validator.git.ports import Composition
from shared.targets.hunks import apply_hunks
from shared.targets.languages import Language, invalid_reason, language_by_name
from shared.targets.patches import FilePatch, PatchKind, parse_patch
from shared.targets.tree import blob_content

# Fewer hexadecimal digits do not identify the blob that a patch was made for.
MIN_BLOB_DIGITS = 4
# The name under which the versions of a file are merged.
ONLY_FILE = "file"


def compose(
    repository: pygit2.Repository, head: str, patches: Sequence[tuple[str, str]]
) -> Composition:
    """Apply (id, patch) pairs to the tree of `head`, in this order; each applies whole or not."""
    index = pygit2.Index()
    tree = repository.revparse_single(head).peel(pygit2.Tree)
    index.read_tree(tree)
    oid, steps, failed = str(tree.id), [], []
    for identity, patch in patches:
        problem = _apply(repository, index, parse_patch(patch))
        if problem:
            failed.append((identity, problem))
        else:
            oid = str(index.write_tree(repository))
            steps.append((identity, oid))
    return Composition(oid, tuple(steps), tuple(failed))


def _apply(
    repository: pygit2.Repository, index: pygit2.Index, files: Sequence[FilePatch]
) -> str | None:
    """Apply one patch to the index, whole or not at all; return why not, or None."""
    entries = []
    for file in files:
        entry = index[file.path] if file.path in index else None  # noqa: SIM401 - it has no `get`
        if problem := _misplaced(index, file, entry):
            return problem
        before = blob_content(repository.get(entry.id)) if entry else None
        after = _patched(repository, file, before)
        if isinstance(after, str):
            return after
        entries.append((file.path, int(entry.mode) if entry else file.new_mode, after))
    try:
        _put(repository, index, entries)
    except (pygit2.GitError, ValueError) as error:
        return f"git refuses it: {error}"
    return None


def _put(
    repository: pygit2.Repository,
    index: pygit2.Index,
    entries: Sequence[tuple[str, int, bytes | None]],
) -> None:
    """Write files (path, mode, content) to the index; content None removes the file."""
    for path, mode, after in entries:
        if after is None:
            index.remove(path)
        else:
            blob = repository.create_blob(after)
            index.add(pygit2.IndexEntry(path, blob, pygit2.enums.FileMode(mode)))


def _misplaced(index: pygit2.Index, file: FilePatch, entry: pygit2.IndexEntry | None) -> str | None:
    """Return why a file cannot be at the path that the patch gives it; None if it can."""
    if entry is not None:
        return None if int(entry.mode) in REGULAR_MODES else f"{file.path} is not a regular file"
    if file.kind is PatchKind.ADD and file.new_mode not in REGULAR_MODES:
        return f"{file.path} has no mode of a regular file"
    parents = [str(each) for each in PurePosixPath(file.path).parents]
    if any(each in index for each in parents):
        return f"{file.path} would be below a file"
    if any(each.path.startswith(f"{file.path}/") for each in index):
        return f"{file.path} is a directory"
    return None


def _patched(
    repository: pygit2.Repository, file: FilePatch, before: bytes | None
) -> bytes | str | None:
    """Return the new content, None for a deleted file, or a sentence if the patch does not fit."""
    if (before is None) != (file.kind is PatchKind.ADD):
        return f"{file.path} {'is not there' if before is None else 'is already there'}"
    after = apply_hunks(before or b"", file.hunks)
    if after is None and before is not None:
        after = _merged(repository, file, before)
    if after is None:
        return f"its lines in {file.path} have changed"
    if file.kind is PatchKind.DELETE:
        return None if not after else f"{file.path} has more lines than it would delete"
    language = language_by_name(file.path)
    if language and _moved(file, before) and makes_invalid(language, before, after):
        return invalid_reason(file.path)
    return after


def _merged(repository: pygit2.Repository, file: FilePatch, before: bytes) -> bytes | None:
    """Return the content with the patch merged into it, as `git apply --3way` does.

    The common ancestor is the content that the patch was made for, as an agent makes each of its
    patches on top of its others, not all of which need to land. None where the repository does not
    have that content, the same lines have changed, or nothing would be left to change.
    """
    if len(file.old_blob_prefix) < MIN_BLOB_DIGITS:
        return None
    try:
        ancestor = blob_content(repository[file.old_blob_prefix])
    except (KeyError, ValueError):
        return None
    patched = apply_hunks(ancestor, file.hunks) if ancestor is not None else None
    if ancestor is None or patched is None:
        return None
    base, ours, theirs = (
        _tree_of_one_file(repository, each) for each in (ancestor, before, patched)
    )
    merged = repository.merge_trees(base, ours, theirs)
    if merged.conflicts is not None:
        return None
    after = blob_content(repository[merged[ONLY_FILE].id])
    return None if after == before else after


def _tree_of_one_file(repository: pygit2.Repository, content: bytes) -> pygit2.Oid:
    """Write a tree that holds nothing but this content; return its id."""
    builder = repository.TreeBuilder()
    builder.insert(ONLY_FILE, repository.create_blob(content), pygit2.enums.FileMode.BLOB)
    return builder.write()


def _moved(file: FilePatch, before: bytes | None) -> bool:
    """Return True if a file's content is not the one that the patch was made for.

    Then its hunks may fit in a wrong place by chance.
    """
    if before is None:
        return False
    known = len(file.old_blob_prefix) >= MIN_BLOB_DIGITS
    return not known or not str(pygit2.hash(before)).startswith(file.old_blob_prefix)


def makes_invalid(language: Language, before: bytes | None, after: bytes) -> bool:
    """Return True if valid code, or no file, became invalid code.

    A file that did not parse before, as with a newer syntax than ours, is no reason for blame.
    """
    return not language.is_valid(after) and language.is_valid(before or b"")
