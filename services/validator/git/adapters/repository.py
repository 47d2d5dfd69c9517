"""The private bare repository of a target: checks, commits, landings and reverts by pygit2."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pygit2

from services.validator.git.adapters.composing import compose, makes_invalid
from services.validator.git.adapters.remotes import push, push_with_work_tree
from services.validator.git.domain.commits import (
    ENHANCEMENT_TRAILER,
    REVERT_TRAILER,
    joining_message,
    trailers,
)
from services.validator.git.domain.patches import PatchPolicy, check_patch
from services.validator.git.ports import Composition, PushRefusal, RevertResult
from shared.contracts.documents.targets import Target
from shared.kernel.errors import NotFound, Rejected, Transient
from shared.kernel.failpoints import failpoint
from shared.targets.config import TargetConfig
from shared.targets.head import Head, find_head, replaced_reason
from shared.targets.languages import language_by_name
from shared.targets.mirror import FETCHED, Mirror
from shared.targets.patches import parse_patch
from shared.targets.paths import is_protected, matches
from shared.targets.repository import checked_out_at
from shared.targets.tree import blob_content

NAME, EMAIL = "Groundswell", "groundswell@localhost"
# How far back the landing branch is searched for enhancements.
MAX_SEARCHED_COMMITS = 20_000


class GitRepository:
    """The `TargetRepository` port over a mirror."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror

    def refresh(self, target: Target) -> Head:
        """Fetch the target and return its head. Raises `Conflict` if its base branch is gone."""
        self._mirror.fetch(target.location)
        return find_head(self._mirror, target)

    def replaced_reason(self, target: Target, commit: str) -> str | None:
        """Return why a commit cannot land as the target was replaced, in words; None if it can."""
        return replaced_reason(self._mirror, target, commit)

    def contains(self, *oids: str) -> bool:
        """Return True if the mirror exists and has all of these objects."""
        try:
            repository = self._mirror.repository
        except NotFound:
            return False
        return all(each in repository for each in oids)

    def base_file(self, target: Target, path: str) -> bytes | None:
        """Return a file of the base branch as last fetched; None if there is none."""
        base = self._mirror.base_tree(target)
        return None if base is None else base.read(path)

    def broken_rule(
        self, patch: str, paths: Sequence[str], config: TargetConfig, head: str = ""
    ) -> str | None:
        """Return the policy rule that a patch breaks as "name: words"; None if it breaks none."""
        size = len(patch.encode(errors="surrogatepass"))
        if size > config.policy.max_bytes:
            return f"too-large: it has {size} bytes; {config.policy.max_bytes} are allowed"
        try:
            files = parse_patch(patch)
        except Rejected as error:
            return f"not-a-patch: {error.message}"
        # Where protected paths need approval, the gate asks for it after the change has passed.
        approvable = config.policy.protected_paths == "ask"
        policy = PatchPolicy(
            allowed=lambda path: matches(path, paths),
            protected=lambda path: not approvable and is_protected(path, config),
            max_files=config.policy.max_files,
            max_lines=config.policy.max_lines,
            existing=lambda: self._mirror.tree(head).paths() if head else (),
        )
        return check_patch(files, policy)

    def compose(self, head: str, patches: Sequence[tuple[str, str]]) -> Composition:
        """Apply (id, patch) pairs to the head in this order, in memory."""
        return compose(self._mirror.repository, head, patches)

    def find_syntax_error(
        self, head: str, steps: Sequence[tuple[str, str]]
    ) -> tuple[str, str] | None:
        """Return (id, path) of the first step with a newly invalid file; None without one."""
        # Nearly always the last tree is valid, and then one comparison is enough.
        if not steps or self._newly_invalid_file(head, steps[-1][1]) is None:
            return None
        before = head
        for change, tree in steps:
            if path := self._newly_invalid_file(before, tree):
                return change, path
            before = tree
        return None

    def _newly_invalid_file(self, before: str, after: str) -> str | None:
        """Return a file that is invalid in `after`, and valid or absent in `before`; or None."""
        repository = self._mirror.repository
        old, new = (repository.revparse_single(each).peel(pygit2.Tree) for each in (before, after))
        for delta in old.diff_to_tree(new).deltas:
            path = delta.new_file.path
            language = language_by_name(path)
            if language is None or delta.status_char() not in "AM":
                continue
            if makes_invalid(language, _read(old, path), _read(new, path) or b""):
                return path
        return None

    def versions(
        self, trees: Sequence[str], paths: Sequence[str]
    ) -> Mapping[str, tuple[bytes | None, ...]]:
        """Return by path the file's content in each of the trees; None where it is absent."""
        repository = self._mirror.repository
        found = [repository.revparse_single(each).peel(pygit2.Tree) for each in trees]
        contents: dict[pygit2.Oid, bytes] = {}

        def content(tree: pygit2.Tree, path: str) -> bytes | None:
            """Return a file of a tree, equal contents only once; None if there is no such file."""
            blob = tree[path] if path in tree else None  # noqa: SIM401 - it has no `get`
            if not isinstance(blob, pygit2.Blob):
                return None
            if blob.id not in contents:
                contents[blob.id] = blob.data
            return contents[blob.id]

        return {path: tuple(content(tree, path) for tree in found) for path in paths}

    def commit(self, tree: str, parent: str, message: str, when: datetime) -> str:
        """Create a commit that is on no branch, and return its id."""
        return self._commit(tree, (parent,), message, when)

    def parent(self, commit: str) -> str:
        """Return the first parent of a commit; empty for a root commit."""
        found = self._mirror.repository.revparse_single(commit).peel(pygit2.Commit)
        return str(found.parent_ids[0]) if found.parent_ids else ""

    def commit_parent(self, target: Target, head: str, when: datetime) -> str:
        """Return `head`, or a merge of it with the landing branch where that has other commits."""
        landing = self._mirror.branch(target.landing_branch)
        if landing is None or self._mirror.is_ancestor(landing, head):
            return head
        message = joining_message(target.base_branch, target.landing_branch)
        return self._commit(self._mirror.tree(head).oid, (head, landing), message, when)

    def _commit(self, tree: str, parents: Sequence[str], message: str, when: datetime) -> str:
        """Create a commit by Groundswell with these parents, on no branch, and return its id."""
        author = pygit2.Signature(NAME, EMAIL, int(when.timestamp()), 0)
        tree_id, *parent_ids = (pygit2.Oid(hex=each) for each in (tree, *parents))
        repository = self._mirror.repository
        return str(repository.create_commit(None, author, author, message, tree_id, parent_ids))

    def publish(self, target: Target, tip: str, head: str) -> PushRefusal | None:
        """Fetch, move the private branch, and then the target's from where it was seen.

        Returns why the target's did not move, or None; the private one may have moved all the same.
        """
        if not self._mirror.is_ancestor(head, tip):
            return PushRefusal("other", f"{tip} does not contain the head {head}")
        seen = self._mirror.branch(target.landing_branch)
        if seen is not None and not self._mirror.is_ancestor(seen, tip):
            return PushRefusal(
                "moved", f"{target.landing_branch} has commits that {tip[:10]} lacks"
            )
        # The runs since `refresh` take minutes, in which the repository may have been replaced.
        try:
            self._mirror.fetch(target.location)
        except Transient as error:
            return PushRefusal("unreachable", str(error))
        except Rejected as error:
            return PushRefusal("other", str(error))
        if reason := self.replaced_reason(target, head):
            return PushRefusal("replaced", reason)
        with self._mirror.locked():
            self._move_private(f"refs/heads/{target.landing_branch}", tip)
            failpoint("landing.moved")
            return self._push(target, tip, seen)

    def _move_private(self, reference: str, tip: str) -> None:
        """Move a branch of the locked mirror.

        It may be forced: the target alone decides by compare-and-swap, and the mirror follows.
        """
        self._mirror.repository.references.create(reference, pygit2.Oid(hex=tip), force=True)

    def _push(self, target: Target, tip: str, seen: str | None) -> PushRefusal | None:
        """Move the target's landing branch from `seen` to `tip`, and its work tree if checked out.

        Returns why it did not move, or None.
        """
        branch, location = target.landing_branch, target.location
        where = checked_out_at(location, branch) if target.direct and seen else None
        if where is not None and seen is not None:
            folder = Path(where)
            refusal = push_with_work_tree(self._mirror, location, branch, tip, seen, folder)
        else:
            refusal = push(self._mirror, location, branch, tip, seen)
        if refusal is None:
            self._move_private(f"{FETCHED}{branch}", tip)
        return refusal

    def landed_commits(self, target: Target, ids: Sequence[str]) -> Mapping[str, str]:
        """Return by enhancement its newest commit in the searched part of the landing branch."""
        return self._find(target, ENHANCEMENT_TRAILER, set(ids))

    def revert_commits(self, target: Target, ids: Sequence[str]) -> Mapping[str, str]:
        """Return by enhancement the newest commit in the searched part that rolled it back."""
        return self._find(target, REVERT_TRAILER, set(ids))

    def _find(self, target: Target, trailer: str, ids: set[str]) -> dict[str, str]:
        """Return by id the newest commit of the last 20,000 that names it; others are left out."""
        found: dict[str, str] = {}
        for commit in self._history(target):
            named = trailers(commit.message).get(trailer)
            if named in ids and named not in found:
                found[named] = str(commit.id)
                if len(found) == len(ids):
                    break
        return found

    def _history(self, target: Target) -> Iterator[pygit2.Commit]:
        """Yield the newest `MAX_SEARCHED_COMMITS` of the landing branch; none without a branch."""
        tip = self._mirror.branch(target.landing_branch)
        if tip is None:
            return
        for number, commit in enumerate(self._mirror.repository.walk(pygit2.Oid(hex=tip))):
            if number >= MAX_SEARCHED_COMMITS:
                return
            yield commit

    def revert(self, tree: str, commit: str) -> RevertResult:
        """Return a tree, or that of a commit, without the changes of `commit`, or the conflicts."""
        repository = self._mirror.repository
        ours = repository.revparse_single(tree).peel(pygit2.Tree)
        theirs = repository.revparse_single(commit).peel(pygit2.Commit)
        index = repository.merge_trees(theirs.tree, ours, theirs.parents[0].tree)
        if index.conflicts:
            paths = {each.path for sides in index.conflicts for each in sides if each is not None}
            return RevertResult(None, tuple(sorted(paths)))
        return RevertResult(str(index.write_tree(repository)))


def _read(tree: pygit2.Tree, path: str) -> bytes | None:
    """Return a file's content; None if it is absent or is no file."""
    return blob_content(tree[path]) if path in tree else None
