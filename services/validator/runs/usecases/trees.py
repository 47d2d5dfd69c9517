"""The tree of a run, where its runner is not who asked for it.

Each home has a repository of its own. What another one composed is composed again from the same
head and the same patches, or reverts, and then is the same tree.
"""

import asyncio

from services.validator.deps import ValidatorDeps
from services.validator.queue import pool
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.runs import TestRun
from shared.contracts.documents.targets import Target
from shared.kernel.errors import Transient


async def bring_tree(verdict: TestRun, target: Target, deps: ValidatorDeps) -> None:
    """Have head and tree of a run here. Raises `Transient` where only who asked for it has them."""
    repository = deps.repository(target)
    if await asyncio.to_thread(repository.contains, verdict.request.head, verdict.request.tree):
        return
    await asyncio.to_thread(repository.refresh, target)
    if await asyncio.to_thread(repository.contains, verdict.request.head, verdict.request.tree):
        return  # What is looked at again was landed, and so it was fetched.
    changes = await deps.store.enhancements.find_by_ids(verdict.request.changes)
    if not await asyncio.to_thread(repository.contains, verdict.request.head):
        made = None
    elif verdict.request.purpose == "rollback":
        made = await asyncio.to_thread(_without, verdict.request.head, changes, target, deps)
    else:
        texts = await pool.patches(changes, deps)
        patches = [(each.id, texts[each.id]) for each in changes]
        made = (await asyncio.to_thread(repository.compose, verdict.request.head, patches)).tree
    if made != verdict.request.tree:
        raise Transient(f"The tree of run {verdict.id} is not here yet.", delay=5)


def _without(
    head: str, changes: list[Enhancement], target: Target, deps: ValidatorDeps
) -> str | None:
    """The head without these, newest first; None where one does not come off."""
    repository = deps.repository(target)
    tree: str | None = head
    for each in changes:
        tree = repository.revert(tree, each.landing.commit or "").tree if tree is not None else None
    return tree
