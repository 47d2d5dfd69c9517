"""The rules engine: it applies a type's fixers to a component, one rule after another.

Each proposal has the fixes of one rule in one stage, and stands on those before it.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from services.agents.domain.formatting import Formatted, format_where_changed
from services.agents.domain.proposals import propose
from services.agents.domain.stages import STAGES, CheckEdit, Stage, shown_findings
from shared.agent_types import Fixer, Proposal, TaskContext
from shared.behaviour import BehaviourCheck, FixBehaviour, RepositoryNames
from shared.behaviour.evidence_of_change import check_file
from shared.contracts.base import EngineName
from shared.contracts.documents.findings import Finding
from shared.detectors.ports import (
    Detector,
    FixableFinding,
    Source,
    Workspace,
    WorkspaceDetector,
)
from shared.detectors.sources import owned_texts
from shared.detectors.workspace import MeasuringWorkspace
from shared.targets.components import component_of
from shared.targets.paths import matches

log = structlog.get_logger(__name__)

# A fix may make room for another one (an unused import behind an unused variable).
MAX_PASSES_PER_RULE = 12
MAX_ROUNDS = 4
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
    source, component = context.source, context.task.component
    owned = owned_texts(source, lambda path: matches(path, detector.files))
    return {
        path: text
        for path, text in owned.texts.items()
        if component_of(path, source.profile.components) == component
        and not text.startswith(BYTE_ORDER_MARK)
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


@dataclass
class ComponentRepair:
    """The repair of one component; `files` are its texts with all fixes so far.

    `check` says what an edit does to behaviour.
    """

    component: str
    exclude: frozenset[str]
    fixers: Mapping[str, Fixer]
    workspace: Workspace
    files: dict[str, str]
    check: CheckEdit
    proposals: list[Proposal] = field(default_factory=list)

    def run(self) -> None:
        """Apply the fixes of every rule, stage by stage, again until nothing more is found.

        Stops after `MAX_ROUNDS` rounds in any case.
        """
        for round_number in range(1, MAX_ROUNDS + 1):
            before = len(self.proposals)
            for stage in STAGES:
                for rule in self._open_rules(stage):
                    self._fix(rule, stage, round_number)
            if len(self.proposals) == before:
                return
        log.info("rules_engine_stopped", component=self.component, rounds=MAX_ROUNDS)

    def _open_rules(self, stage: Stage) -> list[str]:
        """Return the rules that have something to fix in a stage, in the order of their fixers."""
        rules = [rule for rule, fixer in self.fixers.items() if stage.includes(fixer)]
        found = {each.finding.rule for each in self._fixable(rules, stage)}
        return [rule for rule in rules if rule in found]

    def _fixable(self, rules: Collection[str], stage: Stage) -> list[FixableFinding]:
        """Return the findings of these rules that this stage takes and that may be fixed."""
        return [
            each
            for each in self.workspace.find(rules)
            if each.finding.path in self.files
            and each.finding.fixable in stage.fixable
            and each.finding.fingerprint not in self.exclude
        ]

    def _fix(self, rule: str, stage: Stage, round_number: int) -> None:
        """Fix all findings of one rule that belong to a stage, and propose the outcome."""
        before = dict(self.files)
        fixed: dict[str, Finding] = {}
        given_up: set[str] = set()
        for _ in range(MAX_PASSES_PER_RULE):
            found = self._fixable([rule], stage)
            found = [each for each in found if each.finding.path not in given_up]
            if not found:
                break
            given_up |= self._pass(self.fixers[rule], found, fixed, only_shown=stage.only_shown)
        self._format(before)
        changes = {
            path: (before[path], text) for path, text in self.files.items() if text != before[path]
        }
        if changes:
            self._propose(rule, stage, round_number, fixed.values(), changes)

    def _propose(
        self,
        rule: str,
        stage: Stage,
        round_number: int,
        fixed: Collection[Finding],
        changes: Mapping[str, tuple[str, str]],
    ) -> None:
        """Add a proposal of one rule's changes in one stage, with a key unique within the task."""
        key = rule if stage.name == "safe" else f"{rule}:{stage.name}"
        behaviour = self.fixers[rule].declaration.behaviour
        shown = [self.check(path, *made, behaviour).shown for path, made in changes.items()]
        self.proposals += propose(
            key if round_number == 1 else f"{key}#{round_number}",
            self.component,
            self.fixers[rule].declaration,
            [each for each in fixed if each.path in changes],
            changes,
            safe=stage.only_shown or all(each.fixable == "safe" for each in fixed),
            shown=sorted(frozenset[str]().union(*shown)) if stage.only_shown else (),
            why=self.fixers[rule].why(),
        )

    def _pass(
        self,
        fixer: Fixer,
        found: Sequence[FixableFinding],
        fixed: dict[str, Finding],
        *,
        only_shown: bool,
    ) -> set[str]:
        """Apply the fixes that go together, and return the paths where none can be applied.

        What was fixed is added to `fixed`, by fingerprint.
        """
        given_up = set()
        for path in {each.finding.path for each in found}:
            mine = [each for each in found if each.finding.path == path]
            old = self.files[path]
            if only_shown:
                mine = shown_findings(fixer, old, mine, self.check)
            # All at once, else the first alone: two fixes may together empty a block.
            for some in (mine, mine[:1]):
                new, applied = fixer.fix(old, some)
                if some and new != old and self._parses(path, new):
                    self.files[path] = new
                    fixed |= {some[n].finding.fingerprint: some[n].finding for n in applied}
                    break
            else:
                self.workspace.write({path: old})
                given_up.add(path)
        return given_up

    def _parses(self, path: str, text: str) -> bool:
        """Write the text to the workspace, and return whether it is valid in its language."""
        self.workspace.write({path: text})
        return self.workspace.parses(path)

    def _format(self, before: Mapping[str, str]) -> None:
        """Format the lines that differ from `before`, as the target's formatter would."""
        changed = {path: text for path, text in self.files.items() if text != before[path]}
        if not changed:
            return
        old = self.workspace.format({path: before[path] for path in changed})
        new = self.workspace.format(changed)
        for path, text in changed.items():
            self.files[path] = format_where_changed(
                Formatted(before[path], old[path]), Formatted(text, new[path])
            )
        self.workspace.write({path: self.files[path] for path in changed})
