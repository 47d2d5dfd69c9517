"""The tree of a run that another home has requested.

Each home has a repository of its own. A tree that another home composed is composed again from the
same head and the same patches, or reverts, and is then the same tree.
"""

import asyncio

from services.validator.deps import ValidatorDeps
from services.validator.queue import pool
from shared.contracts.base import RunPurpose
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.runs import TestRun
from shared.contracts.documents.targets import Target
from shared.kernel.errors import Transient


async def ensure_tree(run: TestRun, target: Target, deps: ValidatorDeps) -> None:
    """Have the head and the tree of a run in our repository; raises `Transient` if it cannot be."""
    repository = deps.repository(target)
    if await asyncio.to_thread(repository.contains, run.request.head, run.request.tree):
        return
    await asyncio.to_thread(repository.refresh, target)
    if await asyncio.to_thread(repository.contains, run.request.head, run.request.tree):
        return  # It had landed, as the trees of watches have.
    changes = await deps.store.enhancements.find_by_ids(run.request.changes)
    if not await asyncio.to_thread(repository.contains, run.request.head):
        made = None
    elif run.request.purpose is RunPurpose.ROLLBACK:
        made = await asyncio.to_thread(_revert_all, run.request.head, changes, target, deps)
    else:
        texts = await pool.load_patches(changes, deps)
        patches = [(each.id, texts[each.id]) for each in changes]
        made = (await asyncio.to_thread(repository.compose, run.request.head, patches)).tree
    if made != run.request.tree:
        raise Transient(f"The tree of run {run.id} is not here yet.", delay=5)


def _revert_all(
    head: str, changes: list[Enhancement], target: Target, deps: ValidatorDeps
) -> str | None:
    """Return the tree of `head` without some changes, newest first; None on a conflict."""
    repository = deps.repository(target)
    tree: str | None = head
    for each in changes:
        tree = repository.revert(tree, each.landing.commit or "").tree if tree is not None else None
    return tree
