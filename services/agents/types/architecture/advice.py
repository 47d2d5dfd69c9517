"""The engine that advises where a change is too large to be made: a plan, evidence and steps."""

import asyncio
import re
import tomllib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

from services.agents.types.architecture.moves import move_changes
from services.agents.types.architecture.splits import split_changes
from shared.agent_types.engines import Proposal, TaskContext
from shared.agent_types.fixers import Priors
from shared.contracts.base import EngineName
from shared.contracts.documents.advice import Advice
from shared.contracts.documents.findings import Finding
from shared.detectors.findings import rule_id
from shared.detectors.imports.clusters import clusters
from shared.detectors.imports.cycles import CYCLE, lasting_cycles, told_at
from shared.detectors.imports.detector import ImportsDetector
from shared.detectors.imports.facts import Definition, ImportPhase
from shared.detectors.imports.god_modules import GOD_MODULE
from shared.detectors.imports.graph import shortest_path
from shared.detectors.imports.moves import find_moves
from shared.detectors.imports.survey import TOOL, Survey

MAX_NAMES, MAX_STEPS = 8, 6
PLANS = "advice.toml"
# Findings by path.
ByPath = Mapping[str, Finding]


class AdviceEngine:
    """An `Engine` whose proposals have no patch."""

    def __init__(self, detector: ImportsDetector, priors: Priors) -> None:
        self._detector = detector
        self._prior = priors.of(safe=False)

    async def propose(self, context: TaskContext) -> AsyncIterator[Proposal]:
        """Yield advice on the findings in the component that no fixer removes."""
        for each in await asyncio.to_thread(self._advice, context):
            yield each

    def _advice(self, context: TaskContext) -> list[Proposal]:
        """Return the advice on a component; it blocks."""
        source, component = context.source, context.task.component
        found = [each.finding for each in self._detector.find(source, source.tree.files())]
        wanted = [each for each in found if context.may_advise_on(each)]
        survey = self._detector.survey(source)
        mine = [each for each in wanted if each.component == component]
        # A cycle may lead through other components, and its plan is about all of it.
        cycles = self._made(survey, wanted, advise_on_cycles)
        own = [each for each in cycles if each.findings[0].component == component]
        return [*own, *(each for make in ADVICE for each in self._made(survey, mine, make))]

    def _made(self, survey: Survey, found: Sequence[Finding], make: "Advise") -> Iterator[Proposal]:
        """Yield what one kind of advice has to say about the findings of a component."""
        for number, (rule, title, advice, findings) in enumerate(make(survey, found), 1):
            yield Proposal(
                key=f"{rule_id(TOOL, rule)}:advice/{number}",
                rule=rule_id(TOOL, rule),
                engine=EngineName.RULES,
                title=title,
                rationale=advice.text,
                advice=advice,
                changes=None,
                prior=self._prior,
                findings=tuple(findings),
                detectors=(self._detector.name,),
            )


# The rule and title of a piece of advice, the advice itself, and the findings that it is about.
Titled = tuple[str, str, Advice, Sequence[Finding]]
Advise = Callable[[Survey, Sequence[Finding]], Iterator[Titled]]


def advise_on_cycles(survey: Survey, found: Sequence[Finding]) -> Iterator[Titled]:
    """Yield a plan for each cycle that stays when all that can be cut or moved is.

    The component of its first finding has the plan.
    """
    mine = _by_path(found, CYCLE)
    made = [each for each in find_moves(survey.cuts) if move_changes(survey, each)]
    moves = [{each.source, each.target} for each in made]
    for cycle in lasting_cycles(survey):
        first = told_at(survey, cycle)
        if first in mine and cycle not in moves:
            findings = [mine[path] for path in (first, *sorted(cycle - {first})) if path in mine]
            title = f"open the import cycle of {survey.named(sorted(cycle))}"
            yield CYCLE, title, _plan_of_cycle(survey, cycle), findings


def _plan_of_cycle(survey: Survey, cycle: frozenset[str]) -> Advice:
    """Return the imports that close a cycle, and in which order to try to cut one."""
    inside = {path: survey.graph.loaded[path] & cycle for path in cycle}
    chain = shortest_path(inside, min(cycle), min(cycle))
    names = {pair: _names(survey, *pair) for pair in pairwise(chain)}
    rows = [
        f"{survey.graph.modules.name(one)} takes {', '.join(taken[:MAX_NAMES])} from "
        f"{survey.graph.modules.name(other)}"
        for (one, other), taken in names.items()
    ]
    one, other = min(names, key=lambda pair: (len(names[pair]), pair))
    first, second = map(survey.graph.modules.name, (one, other))
    moved = ", ".join(names[one, other][:MAX_NAMES])
    cut = (
        f"Cut the import with the fewest names, of {second} by {first}: move {moved} into a module "
        f"that imports neither, and import it from there in both, or pass it to {first} as an "
        "argument."
    )
    return Advice(
        plan=f"make the imports between {len(cycle)} modules go in one direction",
        evidence=(survey.chain(chain), *rows),
        steps=(
            cut,
            f"Keep the old name in {second} by an import.",
            "Measure again: another cycle may be left among the same modules.",
        ),
    )


def _names(survey: Survey, importer: str, imported: str) -> list[str]:
    """Return the names that one file takes from another while it is loaded."""
    edges = survey.graph.edges[importer]
    return [
        f"`{e.site.name or e.site.module}`"
        for e in edges
        if e.imported == imported and e.site.when is ImportPhase.LOADING
    ]


def advise_on_god_modules(survey: Survey, found: Sequence[Finding]) -> Iterator[Titled]:
    """Yield a plan for each module that has become several in one, and that no engine splits."""
    for path, finding in _by_path(found, GOD_MODULE).items():
        if split_changes(survey, path):
            continue
        parts = clusters(survey.read(path))
        title = f"split {survey.named([path])} into {len(parts)} modules"
        yield GOD_MODULE, title, _plan_of_split(survey, path, parts), [finding]


def _plan_of_split(survey: Survey, path: str, parts: Sequence[Sequence[Definition]]) -> Advice:
    """Return which definitions belong together, and how to move them."""
    facts, name = survey.graph.facts[path], survey.graph.modules.name(path)
    importers = {each.importer for each in survey.graph.importers[path]}
    rows = [
        f"({number}) {', '.join(f'`{each.name}`' for each in part[:MAX_NAMES])}"
        f"{f' and {len(part) - MAX_NAMES} more' if len(part) > MAX_NAMES else ''}, "
        f"{sum(each.end_line - each.line + 1 for each in part)} lines"
        for number, part in enumerate(parts[:MAX_STEPS], 1)
    ]
    return Advice(
        plan=f"move each cluster of {name} into a module of its own, and keep {name} as the place "
        "that passes their names on",
        evidence=(
            f"{facts.lines} lines, {len(facts.definitions)} definitions",
            f"imported by {len(importers)} files",
            f"clusters that do not use each other: {'; '.join(rows)}",
        ),
        steps=(
            "Move what all clusters use into a module below them.",
            f"Move one cluster, with its imports, and import its names in {name}.",
            "Let the importers take the names from where they are defined, cluster by cluster.",
        ),
        caution="Mind that classes which are pickled, and loggers, carry the name of their module.",
    )


def advise_on_the_rest(survey: Survey, found: Sequence[Finding]) -> Iterator[Titled]:
    """Yield one plan for all findings of each rule that has one in the table of advice."""
    for rule, words in read_plans().items():
        mine = [each for each in found if each.rule == rule_id(TOOL, rule)]
        if mine:
            rows = [f"{e.path}:{e.line}: {e.message.rstrip('.')}" for e in mine[:MAX_NAMES]]
            more = [f"{len(mine) - MAX_NAMES} more"] if len(mine) > MAX_NAMES else []
            title = words["title"].format(modules=survey.named(dict.fromkeys(_paths(mine))))
            plan = _counted(words["plan"], len(mine))
            yield (
                rule,
                title,
                Advice(plan=plan, evidence=(*rows, *more), steps=words["steps"]),
                mine,
            )


def _counted(plan: str, count: int) -> str:
    """Return a plan with its number: `{count} {one|several}` has words for one and for several."""
    return re.sub(
        r"\{([^{}|]*)\|([^{}|]*)\}", lambda found: found[1 if count == 1 else 2], plan
    ).format(count=count)


@cache
def read_plans() -> Mapping[str, dict[str, Any]]:
    """Return the titles, plans and steps of advice, by the codes of rules."""
    found: Mapping[str, dict[str, Any]] = tomllib.loads(
        (files(__package__) / PLANS).read_text(encoding="utf-8")
    )
    return found


def _paths(found: Sequence[Finding]) -> Iterator[str]:
    """Yield the paths of findings."""
    yield from (each.path for each in found)


def _by_path(found: Sequence[Finding], code: str) -> ByPath:
    """Return the findings of one rule by path."""
    return {each.path: each for each in found if each.rule == rule_id(TOOL, code)}


# What is about one component alone.
ADVICE: tuple[Advise, ...] = (advise_on_god_modules, advise_on_the_rest)
# Of a cycle, one finding is advised on for all of them, so that one agent is deployed for it.
ADVISED = frozenset(rule_id(TOOL, code) for code in (GOD_MODULE, *read_plans()))
