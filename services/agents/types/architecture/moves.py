"""The engine that moves definitions to the module that needs them, to open an import cycle."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence

from services.agents.types.architecture.rules.import_lines import import_statement
from services.agents.types.architecture.rules.putting_in import with_definitions
from services.agents.types.architecture.rules.taking_out import blocks_of, left_behind
from shared.agent_types.engines import Proposal, TaskContext
from shared.agent_types.fixers import Priors
from shared.contracts.base import EngineName
from shared.contracts.documents.findings import Finding, Prediction
from shared.detectors.findings import rule_id
from shared.detectors.imports.cycles import CYCLE, reference
from shared.detectors.imports.detector import ImportsDetector
from shared.detectors.imports.facts import ImportSite
from shared.detectors.imports.graph import reachable
from shared.detectors.imports.moves import Move, find_moves
from shared.detectors.imports.needs import is_taken
from shared.detectors.imports.survey import TOOL, Survey
from shared.detectors.ports import Change
from shared.detectors.texts import Edit, apply_fixes, split_lines
from shared.targets.languages import PYTHON

RULE = rule_id(TOOL, CYCLE)


class MoveEngine:
    """An `Engine` that keeps every moved name where it was, by an import.

    A move that touches files of another component, or that may not be edited, is not proposed.
    """

    def __init__(self, detector: ImportsDetector, priors: Priors) -> None:
        self._detector = detector
        self._prior = priors.of(safe=False)

    async def propose(self, context: TaskContext) -> AsyncIterator[Proposal]:
        """Yield one proposal for each cycle of two files in the component that a move opens."""
        for each in await asyncio.to_thread(lambda: list(self._proposals(context))):
            yield each

    def _proposals(self, context: TaskContext) -> Iterator[Proposal]:
        """Yield the proposals; it blocks."""
        source, component = context.source, context.task.component
        survey, taken = self._detector.survey(source), set[str]()
        paths = [path for path in source.tree.files() if source.component(path) == component]
        found = self._detector.find(source, paths, frozenset({CYCLE}))
        wanted = {e.finding.path: e.finding for e in found}
        for move in find_moves(survey.cuts):
            both = [wanted[path] for path in (move.source, move.target) if path in wanted]
            changes = move_changes(survey, move)
            is_wanted = not context.excluded & {each.fingerprint for each in both}
            if len(both) > 1 and is_wanted and changes and taken.isdisjoint(changes):
                taken |= changes.keys()
                yield self._proposal(survey, component, move, changes, both)

    def _proposal(
        self,
        survey: Survey,
        component: str,
        move: Move,
        changes: Mapping[str, Change],
        found: Sequence[Finding],
    ) -> Proposal:
        """Return the proposal of one move."""
        names = ", ".join(f"`{each}`" for each in move.names)
        one, other = (survey.graph.modules.name(each) for each in (move.source, move.target))
        return Proposal(
            key=f"{RULE}:{move.source}",
            rule=RULE,
            engine=EngineName.RULES,
            title=f"refactor({component}): move {', '.join(move.names)} to {other} ({CYCLE})",
            rationale=(
                f"{one} and {other} import each other, which works in one order only. {other} "
                f"needs {names} and nothing else of {one}, so that they are better defined there. "
                f"{one} imports them back, so that they can still be taken from it. Their "
                "`__module__` is another one, which pickles, logs and messages may show."
            ),
            changes=changes,
            prior=self._prior,
            findings=tuple(found),
            detectors=(self._detector.name,),
            prediction=Prediction(
                metric=f"findings.{RULE}",
                direction="down",
                size=float(len(found)),
                confidence=self._prior,
            ),
            is_whole=True,
        )


def move_changes(survey: Survey, move: Move) -> dict[str, Change]:
    """Return the files that a move changes, with those that import the names.

    Returns none where another component has one of the two, or where no patch may touch it.
    """
    source, component = survey.source, survey.source.component(move.source)

    def is_mine(path: str) -> bool:
        """Return whether a file belongs to the component and may be edited."""
        return source.component(path) == component and source.is_editable(path)

    texts = source.texts([move.source, move.target])
    is_wanted = source.profile.config.policy.unsafe_fixes and all(map(is_mine, texts))
    if not is_wanted or len(texts) != len({move.source, move.target}):
        return {}
    others = (path for path in survey.graph.facts if path not in texts and is_mine(path))
    redirected = {path: text for path in others if (text := _redirected(survey, move, path))}
    changes = {**_moved(survey, move, texts, redirected), **redirected}
    if not all(PYTHON.is_valid(text.encode()) for text in changes.values()):
        return {}
    return {path: (source.text(path) or "", text) for path, text in changes.items()}


def _moved(
    survey: Survey, move: Move, texts: Mapping[str, str], redirected: Collection[str]
) -> dict[str, str]:
    """Return the texts of both files after a move; those in `redirected` follow it."""
    graph, following = survey.graph, {move.target, *redirected}
    is_relative = any(e.site.level for e in graph.edges[move.source])
    home = reference(survey, move.source, move.target, is_relative=is_relative)
    blocks = blocks_of(texts[move.source], move.definitions)
    gone = [range(e.site.line, e.site.end_line + 1) for e in move.taken]

    def is_taken_still(name: str) -> bool:
        """Return whether a file still takes a name from where it was."""
        return is_taken(graph, move.source, name, but=() if name in move.needs else following)

    left = left_behind(texts[move.source], blocks, {home: move.names}, move.needs, is_taken_still)
    made = with_definitions(texts[move.target], gone, blocks, move.needs)
    return {move.source: left, move.target: made}


def _redirected(survey: Survey, move: Move, path: str) -> str:
    """Return the text of a file that takes moved names from their new place; empty if none does.

    A statement that takes others as well stays as it is, and so does one that a cycle would need.
    """
    if path in reachable(survey.graph.loaded, move.target):
        return ""
    edits = []
    for sites in _statements(survey, move, path):
        place = reference(survey, path, move.target, is_relative=bool(sites[0].level))
        edits.append(_edit(survey, path, place, sites))
    text = survey.source.text(path) or ""
    return apply_fixes(text, [(each,) for each in edits])[0] if edits else ""


def _statements(survey: Survey, move: Move, path: str) -> Iterator[list[ImportSite]]:
    """Yield what each statement of a file binds that takes only moved names from their module."""
    names = set(move.names)
    for edge in survey.graph.edges[path]:
        site = edge.site
        if edge.imported == move.source and site.name in names and survey.cuts.is_movable(edge):
            beside = [e for e in survey.graph.facts[path].imports if e.line == site.line]
            if all(each.name in names for each in beside) and beside[0] == site:
                yield beside


def _edit(survey: Survey, path: str, place: str, sites: list[ImportSite]) -> Edit:
    """Return the edit that takes all names of one statement from another place."""
    names = [e.name if e.name == e.bound else f"{e.name} as {e.bound}" for e in sites]
    last = survey.text(path, sites[0].end_line, sites[0].end_line)
    end = (sites[0].end_line, len(last.rstrip("\r\n")) + 1)
    newline = "\r\n" if last.endswith("\r\n") else "\n"
    content = newline.join(split_lines(import_statement(place, names).rstrip()))
    return Edit((sites[0].line, 1), end, content)
