"""The engine that splits a module that has become several along its clusters."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

from services.agents.types.architecture.rules.putting_in import new_module
from services.agents.types.architecture.rules.taking_out import MovedLines, blocks_of, left_behind
from shared.agent_types.engines import Proposal, TaskContext
from shared.agent_types.fixers import Priors
from shared.behaviour.quiet_modules import noise_of_module
from shared.contracts.base import EngineName
from shared.contracts.documents.findings import Finding, Prediction
from shared.detectors.findings import rule_id
from shared.detectors.imports.detector import ImportsDetector
from shared.detectors.imports.god_modules import GOD_MODULE, NewModule, find_split
from shared.detectors.imports.needs import is_taken, named_statements
from shared.detectors.imports.survey import TOOL, Survey
from shared.detectors.ports import Change
from shared.detectors.texts import split_lines
from shared.kernel.syntax import parse
from shared.targets.languages import PYTHON

RULE = rule_id(TOOL, GOD_MODULE)
FUTURE, SHEBANG, COMMENT = "from __future__ ", "#!", "#"


class SplitEngine:
    """An `Engine` that moves clusters into modules of their own, whose names the old one keeps."""

    def __init__(self, detector: ImportsDetector, priors: Priors) -> None:
        self._detector = detector
        self._prior = priors.of(safe=False)

    async def propose(self, context: TaskContext) -> AsyncIterator[Proposal]:
        """Yield one proposal for each module of the component that can be split."""
        for each in await asyncio.to_thread(lambda: list(self._proposals(context))):
            yield each

    def _proposals(self, context: TaskContext) -> Iterator[Proposal]:
        """Yield the proposals; it blocks."""
        source, component = context.source, context.task.component
        survey = self._detector.survey(source)
        paths = [path for path in source.tree.files() if source.component(path) == component]
        for each in self._detector.find(source, paths, frozenset({GOD_MODULE})):
            finding = each.finding
            changes = split_changes(survey, finding.path)
            if changes and finding.rule == RULE and finding.fingerprint not in context.excluded:
                yield self._proposal(survey, component, changes, finding)

    def _proposal(
        self, survey: Survey, component: str, changes: Mapping[str, Change], finding: Finding
    ) -> Proposal:
        """Return the proposal of one split."""
        name = survey.graph.modules.name(finding.path)
        parts = find_split(survey, finding.path)
        rows = "; ".join(f"{each.path} has {_listed(each.names)}" for each in parts)
        topics = " and ".join(each.topic for each in parts)
        return Proposal(
            key=f"{RULE}:{finding.path}",
            rule=RULE,
            engine=EngineName.RULES,
            title=f"refactor({component}): split {topics} off {name} ({GOD_MODULE})",
            rationale=(
                f"{finding.message} What does not use each other is easier to read and to change "
                f"in modules of its own: {rows}. {name} imports all names back, so that they can "
                "still be taken from it. Their `__module__` is another one, which pickles, logs "
                "and messages may show."
            ),
            changes=changes,
            prior=self._prior,
            findings=(finding,),
            detectors=(self._detector.name,),
            prediction=Prediction(
                metric=f"findings.{RULE}", direction="down", size=1.0, confidence=self._prior
            ),
            created=frozenset(each.path for each in parts),
            is_whole=True,
        )


def split_changes(survey: Survey, path: str) -> dict[str, Change]:
    """Return the files that splitting a module changes and adds; none if it cannot be split.

    That is so, too, where loading a new module would do more than define what is in it: it would do
    that in another order.
    """
    text = survey.source.text(path)
    is_wanted = survey.source.profile.config.policy.unsafe_fixes
    parts = find_split(survey, path) if text and is_wanted else []
    if not text or not parts:
        return {}
    blocks = {each.path: blocks_of(text, each.definitions) for each in parts}
    made = {each.path: _module(survey, text, each, blocks[each.path]) for each in parts}
    if any(noise_of_module(each.encode()) for each in made.values()):
        return {}
    left = left_behind(
        text,
        [block for each in blocks.values() for block in each],
        {_reference(survey, path, each.path): each.names for each in parts},
        {name for each in parts for name in each.needs},
        lambda name: is_taken(survey.graph, path, name),
    )
    if not PYTHON.is_valid(left.encode()):
        return {}
    return {path: (text, left), **{new: ("", each) for new, each in made.items()}}


def _module(survey: Survey, text: str, part: NewModule, blocks: Sequence[MovedLines]) -> str:
    """Return the text of a new module, with the comment that the old one begins with."""
    comment = []
    for line in split_lines(text):
        if not line.startswith(COMMENT):
            break
        comment.append("" if line.startswith(SHEBANG) else line)
    stem = part.path.rpartition("/")[2].removesuffix(f"_{part.topic}.py")
    docstring = f'"""The part of {stem} that is about {part.topic.replace("_", " ")}."""'
    future = [each for _, each in named_statements(parse(text)) if each.startswith(FUTURE)]
    head = "".join([*comment, docstring])
    return new_module(head, [*future, *part.needs.values()], blocks, survey.graph.modules.is_ours)


def _reference(survey: Survey, path: str, new: str) -> str:
    """Return a new module beside a file as that file imports others, or else those beside it do."""
    folder, _, name = new.removesuffix(".py").rpartition("/")
    beside = [each for each in survey.graph.facts if each.rpartition("/")[0] == folder]
    others = [edge for each in beside for edge in survey.graph.edges[each]]
    is_relative = any(each.site.level for each in survey.graph.edges[path] or others)
    return f".{name}" if is_relative else f"{survey.graph.modules.package(path)}.{name}"


def _listed(names: Sequence[str]) -> str:
    """Return names as a text."""
    return ", ".join(f"`{each}`" for each in names)
