"""The rules engine: it applies a type's fixers to a component, one rule after another.

Each proposal has the fixes of one rule in one stage, and stands on those before it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager

from services.agents.domain.stages import CheckEdit
from services.agents.engines.files import RepairedFiles
from services.agents.engines.repair import ComponentRepair
from services.agents.engines.review import LineLength
from services.agents.engines.workspaces import CombinedWorkspace
from shared.agent_types import Fixer, Proposal, TaskContext
from shared.agent_types.spec import FixersOfTarget
from shared.behaviour import BehaviourCheck, FixBehaviour, RepositoryNames
from shared.behaviour.evidence_of_change import check_file
from shared.contracts.base import EngineName
from shared.detectors.line_length import configured_line_length, usual_line_length
from shared.detectors.ports import Detector, Source, Workspace, WorkspaceDetector
from shared.detectors.sources import owned_texts
from shared.detectors.workspace import MeasuringWorkspace
from shared.targets.languages import WORKFLOW
from shared.targets.paths import matches

# Tools count columns without it.
BYTE_ORDER_MARK = "\ufeff"


class RulesEngine:
    """An `Engine` over the fixers of one agent type and the detectors that find their findings.

    `target_fixers` makes those of rules that a target brings itself.
    """

    name = EngineName.RULES

    def __init__(
        self,
        fixers: Sequence[Fixer],
        detectors: Sequence[Detector],
        target_fixers: FixersOfTarget | None = None,
    ) -> None:
        self._fixers = fixers
        self._detectors = detectors
        self._target_fixers = target_fixers

    async def propose(self, context: TaskContext) -> AsyncIterator[Proposal]:
        """Yield the proposals of all fixers for the task's component."""
        loop = asyncio.get_running_loop()
        for each in await asyncio.to_thread(self._propose, context, loop):
            yield each

    def _propose(self, context: TaskContext, loop: asyncio.AbstractEventLoop) -> list[Proposal]:
        """Repair a component, with the findings of all detectors that have fixers; it blocks."""
        own = self._target_fixers(context.source) if self._target_fixers else ()
        fixers = {each.declaration.rule: each for each in (*self._fixers, *own)}
        tools = {each.declaration.tool for each in fixers.values()}
        used = [each for each in self._detectors if each.tool in tools]
        mine = [(e, texts) for e in used if (texts := component_files(context, e))]
        files = {path: text for _, texts in mine for path, text in texts.items()}
        if not files:
            return []
        openers = [(e, _workspace(e, context.source, texts, loop)) for e, texts in mine]
        with CombinedWorkspace.opened(openers) as workspace:
            repair = ComponentRepair(
                context.task.component,
                context.excluded,
                fixers,
                RepairedFiles(workspace, files, fixers),
                check=_check(context.source),
                line_length=_line_length(context.source, files),
            )
            repair.run()
        return repair.proposals


def component_files(context: TaskContext, detector: Detector) -> dict[str, str]:
    """Return the texts of the component's files that the detector reads and a patch may touch."""
    source = context.source
    owned = owned_texts(source, lambda path: matches(path, detector.files))
    return {
        path: text
        for path, text in owned.texts.items()
        if context.may_change(path) and not text.startswith(BYTE_ORDER_MARK)
    }


def _check(source: Source) -> CheckEdit:
    """Return what says what an edit of one file does to behaviour, in this repository."""
    taken = RepositoryNames(source.tree)

    def check(path: str, before: str, after: str, behaviour: FixBehaviour) -> BehaviourCheck:
        """Return what an edit of one file does to behaviour."""
        return check_file(path, before, after, behaviour, taken=taken, profile=source.profile)

    return check


def _line_length(source: Source, files: Mapping[str, str]) -> LineLength:
    """Return what says how long the lines of a file of code may be."""

    def line_length(path: str) -> int | None:
        """Return what the target configures, else the length of the longest line in the file."""
        if WORKFLOW.has_suffix(path):
            return None
        return configured_line_length(source.tree, path) or usual_line_length([files[path]])

    return line_length


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
