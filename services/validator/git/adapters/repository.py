"""The private bare repository of a target: composing, committing, landing, reverting with pygit2."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import PurePosixPath

import pygit2

from services.validator.git.adapters.remotes import push
from services.validator.git.domain.commits import ENHANCEMENT, REVERTS, joining_message, trailers
from services.validator.git.domain.patches import REGULAR, Policy, apply_hunks, check_patch
from services.validator.git.ports import Composition, Refusal, Reverted
from shared.contracts.documents.targets import Target
from shared.kernel.errors import NotFound, Rejected
from shared.kernel.failpoints import failpoint
from shared.targets.config import TargetConfig
from shared.targets.git import UPDATE_WORK_TREE
from shared.targets.head import Head, find_head
from shared.targets.languages import Language, invalid_reason, language_by_name
from shared.targets.mirror import FETCHED, Mirror
from shared.targets.patches import FilePatch, Kind, parse_patch
from shared.targets.paths import is_protected, matches

NAME, EMAIL = "Groundswell", "groundswell@localhost"
# An enhancement is looked for this far back; a landing branch is young.
REACH = 20_000
KNOWN = 4


class GitRepository:
    """The port `Repository` over a mirror."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror

    def refresh(self, target: Target) -> Head:
        self._mirror.fetch(target.location)
        return find_head(self._mirror, target)

    def has(self, *oids: str) -> bool:
        try:
            repository = self._mirror.repository
        except NotFound:
            return False
        return all(each in repository for each in oids)

    def base_file(self, target: Target, path: str) -> bytes | None:
        base = self._mirror.base_tree(target)
        return None if base is None else base.read(path)

    def check(
        self, patch: str, paths: Sequence[str], config: TargetConfig, head: str = ""
    ) -> str | None:
        size = len(patch.encode(errors="surrogatepass"))
        if size > config.policy.max_bytes:
            return f"too-large: it has {size} bytes; {config.policy.max_bytes} are allowed"
        try:
            files = parse_patch(patch)
        except Rejected as error:
            return f"not-a-patch: {error.message}"
        # Where a person is asked, the gate does so after the change has passed.
        asks = config.policy.protected_paths == "ask"
        policy = Policy(
            allowed=lambda path: matches(path, paths),
            protected=lambda path: not asks and is_protected(path, config),
            max_files=config.policy.max_files,
            max_lines=config.policy.max_lines,
            taken=self._mirror.tree(head).paths() if head else (),
        )
        return check_patch(files, policy)

    def compose(self, head: str, patches: Sequence[tuple[str, str]]) -> Composition:
        repository = self._mirror.repository
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

    def invalid(self, head: str, steps: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
        # Nearly always the end is fine, and then one look is enough.
        if not steps or self._broken(head, steps[-1][1]) is None:
            return None
        before = head
        for change, tree in steps:
            if path := self._broken(before, tree):
                return change, path
            before = tree
        return None

    def _broken(self, before: str, after: str) -> str | None:
        repository = self._mirror.repository
        old, new = (repository.revparse_single(each).peel(pygit2.Tree) for each in (before, after))
        for delta in old.diff_to_tree(new).deltas:
            path = delta.new_file.path
            language = language_by_name(path)
            if language and delta.status_char() in "AM":
                contents = (_read(old, path), _read(new, path))
                if _breaks(language, *contents):
                    return path
        return None

    def commit(self, tree: str, parent: str, message: str, when: datetime) -> str:
        return self._commit(tree, (parent,), message, when)

    def parent(self, commit: str) -> str:
        found = self._mirror.repository.revparse_single(commit).peel(pygit2.Commit)
        return str(found.parent_ids[0]) if found.parent_ids else ""

    def join(self, target: Target, head: str, when: datetime) -> str:
        landing = self._mirror.branch(target.landing_branch)
        if landing is None or self._mirror.is_ancestor(landing, head):
            return head
        message = joining_message(target.base_branch, target.landing_branch)
        return self._commit(self._mirror.tree(head).oid, (head, landing), message, when)

    def _commit(self, tree: str, parents: Sequence[str], message: str, when: datetime) -> str:
        who = pygit2.Signature(NAME, EMAIL, int(when.timestamp()), 0)
        tree_id, *parent_ids = (pygit2.Oid(hex=each) for each in (tree, *parents))
        repository = self._mirror.repository
        return str(repository.create_commit(None, who, who, message, tree_id, parent_ids))

    def publish(self, target: Target, tip: str, head: str) -> Refusal | None:
        """The private branch first, then the target's; both only from where they were seen."""
        if not self._mirror.is_ancestor(head, tip):
            return Refusal("other", f"{tip} does not contain the head {head}")
        seen = self._mirror.branch(target.landing_branch)
        if seen is not None and not self._mirror.is_ancestor(seen, tip):
            return Refusal("moved", f"{target.landing_branch} has commits that {tip[:10]} lacks")
        with self._mirror.locked():
            self._move_private(f"refs/heads/{target.landing_branch}", tip)
            failpoint("landing.moved")
            return self._push(target, tip, seen)

    def _move_private(self, reference: str, tip: str) -> None:
        """The mirror is locked; the target, which alone decides by compare-and-swap, it only follows."""
        self._mirror.repository.references.create(reference, pygit2.Oid(hex=tip), force=True)

    def _push(self, target: Target, tip: str, seen: str | None) -> Refusal | None:
        settings = (UPDATE_WORK_TREE,) if target.direct else ()
        branch = target.landing_branch
        refusal = push(self._mirror, target.location, branch, tip, seen, *settings)
        if refusal is None:
            self._move_private(f"{FETCHED}{branch}", tip)
        return refusal

    def landed(self, target: Target, ids: Sequence[str]) -> Mapping[str, str]:
        return self._find(target, ENHANCEMENT, set(ids))

    def reverted(self, target: Target, ids: Sequence[str]) -> Mapping[str, str]:
        return self._find(target, REVERTS, set(ids))

    def _find(self, target: Target, trailer: str, ids: set[str]) -> dict[str, str]:
        """Newest first, so a change that came back after a revert is found where it stands."""
        found: dict[str, str] = {}
        for commit in self._history(target):
            named = trailers(commit.message).get(trailer)
            if named in ids and named not in found:
                found[named] = str(commit.id)
                if len(found) == len(ids):
                    break
        return found

    def _history(self, target: Target) -> Iterator[pygit2.Commit]:
        tip = self._mirror.branch(target.landing_branch)
        if tip is None:
            return
        for number, commit in enumerate(self._mirror.repository.walk(pygit2.Oid(hex=tip))):
            if number >= REACH:
                return
            yield commit

    def revert(self, tree: str, commit: str) -> Reverted:
        repository = self._mirror.repository
        ours = repository.revparse_single(tree).peel(pygit2.Tree)
        theirs = repository.revparse_single(commit).peel(pygit2.Commit)
        index = repository.merge_trees(theirs.tree, ours, theirs.parents[0].tree)
        if index.conflicts:
            paths = {each.path for sides in index.conflicts for each in sides if each is not None}
            return Reverted(None, tuple(sorted(paths)))
        return Reverted(str(index.write_tree(repository)))


def _apply(
    repository: pygit2.Repository, index: pygit2.Index, files: Sequence[FilePatch]
) -> str | None:
    """Apply one patch to the index, whole or not at all; the reason where it does not fit."""
    entries = []
    for file in files:
        entry = index[file.path] if file.path in index else None  # noqa: SIM401 - it has no `get`
        if problem := _no_room(index, file, entry):
            return problem
        before = _content(repository, entry)
        after = _patched(file, before)
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
    for path, mode, after in entries:
        if after is None:
            index.remove(path)
        else:
            blob = repository.create_blob(after)
            index.add(pygit2.IndexEntry(path, blob, pygit2.enums.FileMode(mode)))


def _no_room(index: pygit2.Index, file: FilePatch, entry: pygit2.IndexEntry | None) -> str | None:
    """Why a file cannot be where the patch wants it."""
    if entry is not None:
        return None if int(entry.mode) in REGULAR else f"{file.path} is not a regular file"
    if file.kind is Kind.ADD and file.new_mode not in REGULAR:
        return f"{file.path} has no mode of a regular file"
    parents = [str(each) for each in PurePosixPath(file.path).parents]
    if any(each in index for each in parents):
        return f"{file.path} would be below a file"
    if any(each.path.startswith(f"{file.path}/") for each in index):
        return f"{file.path} is a directory"
    return None


def _content(repository: pygit2.Repository, entry: pygit2.IndexEntry | None) -> bytes | None:
    if entry is None:
        return None
    blob = repository[entry.id]
    return blob.data if isinstance(blob, pygit2.Blob) else None


def _patched(file: FilePatch, before: bytes | None) -> bytes | str | None:
    """The new bytes, None where the file goes, or a sentence where the patch does not fit."""
    if (before is None) != (file.kind is Kind.ADD):
        return f"{file.path} {'is not there' if before is None else 'is already there'}"
    after = apply_hunks(before or b"", file.hunks)
    if after is None:
        return f"its lines in {file.path} have changed"
    if file.kind is Kind.DELETE:
        return None if not after else f"{file.path} has more lines than it would delete"
    language = language_by_name(file.path)
    if language and _moved(file, before) and _breaks(language, before, after):
        return invalid_reason(file.path)
    return after


def _moved(file: FilePatch, before: bytes | None) -> bool:
    """Whether the content is not the one the patch was made for: then its hunks may fit by chance."""
    if before is None:
        return False
    known = len(file.made_on) >= KNOWN
    return not known or not str(pygit2.hash(before)).startswith(file.made_on)


def _read(tree: pygit2.Tree, path: str) -> bytes:
    try:
        found = tree[path]
    except KeyError:
        return b""
    return found.data if isinstance(found, pygit2.Blob) else b""


def _breaks(language: Language, before: bytes | None, after: bytes) -> bool:
    """Return whether valid code became invalid; newer syntax than ours is nobody's fault."""
    return not language.is_valid(after) and language.is_valid(before or b"")
