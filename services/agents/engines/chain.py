"""Several engines as one."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from shared.agent_types import Engine, Proposal, TaskContext


class ChainedEngines:
    """An `Engine` that leaves a file alone which an earlier engine changes."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        self._engines = engines

    async def propose(self, context: TaskContext) -> AsyncIterator[Proposal]:
        """Yield the proposals of each engine in turn, without files that an earlier one changed."""
        taken: set[str] = set()
        for engine in self._engines:
            changed: set[str] = set()
            async for each in engine.propose(context):
                if (kept := _without(each, taken)) is not None:
                    changed |= set(kept.changes or ())
                    yield kept
            taken |= changed


def _without(proposal: Proposal, taken: set[str]) -> Proposal | None:
    """Return the proposal without the files in `taken`; None if nothing sensible is left."""
    if proposal.changes is None:
        return proposal
    changes = {path: made for path, made in proposal.changes.items() if path not in taken}
    if len(changes) == len(proposal.changes):
        return proposal
    if not changes or proposal.is_whole:
        return None
    kept = tuple(found for found in proposal.findings if found.path in changes)
    return replace(proposal, changes=changes, findings=kept)
