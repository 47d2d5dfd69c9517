"""The rules engine: it applies a type's fixers to a component, one rule after another.

Each proposal has the fixes of one rule in one stage, and stands on those before it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager

from services.agents.engines.repair import ComponentRepair
from shared.agent_types import Fixer, Proposal, TaskContext
from shared.behaviour import BehaviourCheck, FixBehaviour, RepositoryNames
from shared.behaviour.evidence_of_change import check_file
from shared.contracts.base import EngineName
from shared.detectors.ports import Detector, Source, Workspace, WorkspaceDetector
from shared.detectors.sources import owned_texts
from shared.detectors.workspace import MeasuringWorkspace
from shared.targets.paths import matches

# Tools count columns without it.
BYTE_ORDER_MARK = "\ufeff"


class RulesEngine:
    """An `Engine` over the fixers of one agent type and the detectors that find their findings."""

    name = EngineName.RULES

    def __init__(self, fixers: Sequence[Fixer], detectors: Sequence[Detector]) -> None:
        self._fixers = fixers
        self._detectors = detectors

    async def propose(self, context: TaskContext) -> AsyncIterator[Proposal]:
        """Yield the proposals of all fixers for the task's component, detector by detector."""
        loop = asyncio.get_running_loop()
        for detector in self._detectors:
            fixers = {
                each.declaration.rule: each
                for each in self._fixers
                if each.declaration.tool == detector.tool
            }
            files = component_files(context, detector) if fixers else {}
            if files:
                for each in await asyncio.to_thread(
                    _propose, context, detector, fixers, files, loop
                ):
                    yield each


def component_files(context: TaskContext, detector: Detector) -> dict[str, str]:
    """Return the texts of the component's files that the detector reads and a patch may touch."""
    source = context.source
    owned = owned_texts(source, lambda path: matches(path, detector.files))
    return {
        path: text
        for path, text in owned.texts.items()
        if source.component(path) == context.task.component and not text.startswith(BYTE_ORDER_MARK)
    }


def _propose(
    context: TaskContext,
    detector: Detector,
    fixers: Mapping[str, Fixer],
    files: dict[str, str],
    loop: asyncio.AbstractEventLoop,
) -> list[Proposal]:
    """Repair a component with one detector's fixers and return the proposals; it blocks."""
    source = context.source
    taken = RepositoryNames(source.tree)

    def check(path: str, before: str, after: str, behaviour: FixBehaviour) -> BehaviourCheck:
        """Return what an edit of one file does to behaviour, in this repository."""
        return check_file(path, before, after, behaviour, taken=taken, profile=source.profile)

    with _workspace(detector, source, files, loop) as workspace:
        repair = ComponentRepair(
            context.task.component, context.excluded, fixers, workspace, dict(files), check
        )
        repair.run()
        return repair.proposals


@contextmanager
def _workspace(
    detector: Detector,
    source: Source,
    files: Mapping[str, str],
    loop: asyncio.AbstractEventLoop,
) -> Iterator[Workspace]:
    """Yield the detector's own workspace with these files, or one that measures them all anew."""
    if isinstance(detector, WorkspaceDetector):
        with detector.open_workspace(source, files) as workspace:
            yield workspace
    else:
        yield MeasuringWorkspace(detector, source, files, loop)
