"""From findings to opportunities to tasks."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from services.coordinator.domain.advising import advice_opportunities
from services.coordinator.domain.division import MIN_FINDINGS_OF_PART, Part, is_fixable
from shared.contracts.base import Priority, Severity, WaveSize
from shared.contracts.documents.findings import Finding, Inspection
from shared.contracts.documents.waves import Opportunity
from shared.targets.components import Component

WEIGHT = {Severity.ERROR: 5.0, Severity.WARNING: 2.0, Severity.NOTE: 1.0}
# The smallest number of tasks a size promises; a wave with fewer says why.
MIN_TASKS = {WaveSize.SMALL: 3, WaveSize.LARGE: 10}
LINES_PER_FIX = 2.0
WHAT_TO_TRY = (
    "To look at more, write a groundswell.toml (`groundswell init`), which names the components, "
    "and change it: [[component]], [agents.<name>]."
)
# How much a place that takes all of the time weighs more than one that takes none.
WEIGHT_OF_RUN_TIME = 10


@dataclass(frozen=True)
class Plan:
    """The opportunities that a wave takes up, best first, and notes for the user."""

    chosen: tuple[Opportunity, ...]
    notes: tuple[str, ...]


def opportunities(
    findings: Sequence[Finding], foreclosed: Collection[str], parts: Sequence[Part] = ()
) -> tuple[Opportunity, ...]:
    """Group findings that have a component into opportunities, the most valuable first.

    There is one for each agent type and component with a finding that is fixable and not
    foreclosed; of a component in several `parts`, one for each part with such a finding.
    """
    names = {path: each.name for each in parts for path in each.files}
    grouped: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for each in findings:
        if each.component and each.agent_type:
            grouped[each.component, names.get(each.path, ""), each.agent_type].append(each)
    found = [
        _opportunity(component, part, each, foreclosed, agent_type)
        for (component, part, agent_type), each in grouped.items()
    ]
    worth = [each for each in found if each.fixable]
    return tuple(
        sorted(worth, key=lambda each: (-value(each), each.component, each.part, each.agent_type))
    )


def admit(
    findings: Sequence[Finding], components: Sequence[Component]
) -> tuple[list[Finding], tuple[str, ...]]:
    """Return the findings whose agent type their component admits, and notes on the others."""
    admitted = {each.name: each.agent_types for each in components if each.agent_types}
    taken: list[Finding] = []
    refused: Counter[tuple[str, str]] = Counter()
    for each in findings:
        if each.agent_type in admitted.get(each.component, (each.agent_type,)):
            taken.append(each)
        else:
            refused[each.component, each.agent_type] += 1
    notes = tuple(
        f"{count} {_plural('finding', 'findings', count)} of {agent_type} in {component} "
        f"{_plural('is', 'are', count)} left alone: groundswell.toml admits only "
        f"{', '.join(admitted[component])} there."
        for (component, agent_type), count in sorted(refused.items())
    )
    return taken, notes


@dataclass
class _Taken:
    """How many opportunities are taken of each agent type and in each place."""

    types: Counter[str]
    places: Counter[str]

    def rank(self, each: Opportunity, offered: int, *, spread: bool) -> tuple[int, ...]:
        """Return what decides whose turn it is: the lowest is next."""
        of_type, of_place = self.types[each.agent_type], self.places[each.place]
        return of_place if spread else 0, of_type + of_place, of_place, offered

    def add(self, each: Opportunity) -> None:
        """Count an opportunity."""
        self.types[each.agent_type] += 1
        self.places[each.place] += 1


def take_turns(
    ranked: Sequence[Opportunity], size: WaveSize
) -> tuple[tuple[Opportunity, ...], tuple[Opportunity, ...]]:
    """Return at most `size.limit` opportunities, of agent types that take turns, and the others.

    As agents cannot work on the same files at the same time, those with which a wave is as large
    as promised come from different parts if possible. Next is always what is least served: by the
    number that is taken of its type and of its part together. Among equals that is the type with
    the fewest opportunities, which finds few places elsewhere, and then the best in rank.
    """
    offered = Counter(each.agent_type for each in ranked)
    taken = _Taken(Counter(), Counter())
    left = dict(enumerate(ranked))
    chosen: list[Opportunity] = []
    while left and len(chosen) < size.limit:
        spread = len(taken.places) < MIN_TASKS[size]
        order = {
            n: taken.rank(each, offered[each.agent_type], spread=spread) for n, each in left.items()
        }
        chosen.append(left.pop(min(order, key=lambda n: (order[n], n))))
        taken.add(chosen[-1])
    return tuple(chosen), tuple(left.values())


def _opportunity(
    component: str,
    part: str,
    findings: Sequence[Finding],
    foreclosed: Collection[str],
    agent_type: str,
) -> Opportunity:
    """Return the opportunity that findings make; what is `foreclosed` does not count as fixable."""
    fixable = [each for each in findings if is_fixable(each, foreclosed)]
    shares = run_time_shares(fixable, findings)
    rules = Counter(each.code for each in fixable)
    common = ", ".join(f"{rule} x{count}" for rule, count in rules.most_common(4))
    more = f" and {len(rules) - 4} more" if len(rules) > 4 else ""  # noqa: PLR2004
    return Opportunity(
        agent_type=agent_type,
        component=component,
        part=part,
        description=f"{len(fixable)} of {len(findings)} findings can be fixed: {common}{more}",
        priority=Priority.HIGH if any(shares) else priority(fixable),
        expected_impact=sum(
            WEIGHT[each.severity] * (1 + WEIGHT_OF_RUN_TIME * share)
            for each, share in zip(fixable, shares, strict=True)
        ),
        complexity=LINES_PER_FIX * len(fixable) + len({each.path for each in fixable}),
        findings=len(findings),
        fixable=len(fixable),
    )


def run_time_shares(fixable: Sequence[Finding], findings: Sequence[Finding]) -> list[float]:
    """Return the share of a profiled run's time that is spent around each finding that is fixable.

    It is the largest one of the findings of a profile that have its line in theirs; 0 without any.
    """
    profiled = [each for each in findings if each.run_time_share]
    return [
        max(
            (
                hot.run_time_share
                for hot in profiled
                if hot.path == each.path and hot.line <= each.line <= (hot.end_line or hot.line)
            ),
            default=0.0,
        )
        for each in fixable
    ]


def priority(findings: Sequence[Finding]) -> Priority:
    """Return the priority by the worst severity among the fixable findings."""
    severities = {each.severity for each in findings}
    if Severity.ERROR in severities:
        return Priority.HIGH
    return Priority.NORMAL if Severity.WARNING in severities else Priority.LOW


def value(opportunity: Opportunity) -> float:
    """Return the expected impact per unit of complexity."""
    return opportunity.expected_impact / max(opportunity.complexity, 1.0)


def plan(
    findings: Sequence[Finding],
    *,
    foreclosed: Mapping[str, str],
    advised: Collection[str] = (),
    size: WaveSize,
    parts: Sequence[Part] = (),
    inspections: Sequence[Inspection] = (),
    branch: str = "",
) -> Plan:
    """Choose at most `size.limit` opportunities; `foreclosed` maps fingerprints to the reason.

    What can only be advised on takes what room is left, unless it is `advised` on, by fingerprint.
    `parts` are those of divided components, `inspections` tell what was read to get these findings,
    `branch` where if not on the base.
    """
    chosen, left = take_turns(opportunities(findings, foreclosed, parts), size)
    where = f" on {branch}" if branch else ""
    notes = [] if findings else [f"There are no findings{where}, so there is nothing to do."]
    notes += _notes(findings, foreclosed, size, chosen, left)
    notes += dict.fromkeys(note for each in inspections for note in each.notes)
    if not chosen:
        notes += _inspection_notes(inspections)
    advice = advice_opportunities(findings, {*foreclosed, *advised}, chosen)
    return Plan((*chosen, *advice[: size.limit - len(chosen)]), tuple(notes))


def _inspection_notes(inspections: Sequence[Inspection]) -> list[str]:
    """Return notes on how much each agent type read, and what to try; none without inspections."""
    if not inspections:
        return []
    looked = ", ".join(
        f"{each.agent_type} read {each.lines} {_plural('line', 'lines', each.lines)} with "
        f"{each.rules} rules"
        for each in inspections
    )
    return [f"Who looked: {looked}.", WHAT_TO_TRY]


def _notes(
    findings: Sequence[Finding],
    foreclosed: Mapping[str, str],
    size: WaveSize,
    chosen: Sequence[Opportunity],
    left: Sequence[Opportunity],
) -> list[str]:
    """Return notes for the user on why there are few or no tasks, and what is left for later."""
    notes: list[str] = []
    if not findings:
        return notes
    if not any(each.component for each in findings):
        notes.append(f"All of the {len(findings)} findings are outside every component.")
    elif not chosen and not any(each.fingerprint in foreclosed for each in findings):
        notes.append(f"None of the {len(findings)} findings has an automatic fix.")
    elif 0 < len(chosen) < MIN_TASKS[size]:
        notes.append(_few_tasks_note(size, len(chosen)))
    if left:
        names = ", ".join([*dict.fromkeys(each.place for each in left)][:8])
        notes.append(f"Left for a later wave: {names}.")
    notes += _foreclosed_notes(findings, foreclosed)
    return notes


def _few_tasks_note(size: WaveSize, count: int) -> str:
    """Return a note on why a wave has fewer tasks than its size promises."""
    return (
        f"A {size} wave has {MIN_TASKS[size]} to {size.limit} tasks; this one has {count}, because "
        f"there is something to fix for only {count} {_plural('agent', 'agents', count)}: one for "
        f"each agent type in each component that has it, or in a part with {MIN_FINDINGS_OF_PART} "
        "such findings, in files of their own."
    )


def _foreclosed_notes(findings: Sequence[Finding], foreclosed: Mapping[str, str]) -> list[str]:
    """Return notes on the findings that are not tried again, grouped by the reason."""
    stopped: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for each in findings:
        if each.fingerprint in foreclosed:
            stopped[each.component, foreclosed[each.fingerprint]].append(each)
    return [
        f"{len(found)} {_plural('finding', 'findings', len(found))} in {component} "
        f"({', '.join(sorted({each.code for each in found}))}) {_plural('is', 'are', len(found))} "
        f"not tried again: {why}, and the code there has not changed since."
        for (component, why), found in sorted(stopped.items())
    ]


def _plural(one: str, many: str, count: int) -> str:
    """Return `one` if the count is 1, else `many`."""
    return one if count == 1 else many
