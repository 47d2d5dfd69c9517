"""From findings to opportunities to tasks."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from types import MappingProxyType

from services.coordinator.domain.advising import advice_opportunities
from services.coordinator.domain.choosing import candidates, choose, options, value
from services.coordinator.domain.division import MIN_FINDINGS_OF_PART, Part, is_fixable
from services.coordinator.domain.learning import Experience, family_of
from shared.contracts.base import Priority, Severity, WaveSize
from shared.contracts.documents.choices import TaskCandidate
from shared.contracts.documents.findings import Finding, Inspection
from shared.contracts.documents.waves import Opportunity
from shared.kernel.chance import Chance, seeded
from shared.targets.components import Component
from shared.targets.languages import LANGUAGES

WEIGHT = {Severity.ERROR: 5.0, Severity.WARNING: 2.0, Severity.NOTE: 1.0}
# The smallest number of tasks a size promises; a wave with fewer says why.
MIN_TASKS = {WaveSize.SMALL: 3, WaveSize.LARGE: 10}
LINES_PER_FIX = 2.0
# How likely a fix is to stand before anything is known, by what its tool says about it.
PRIORS = {"safe": 0.95, "unsafe": 0.7, "no": 0.0}
SIZES = ("small", "medium", "large")
NO_LINES: Mapping[str, int] = MappingProxyType({})
NO_EXPERIENCE = Experience()
WHAT_TO_TRY = (
    "To look at more, write a groundswell.toml (`groundswell init`), which names the components, "
    "and change it: [[component]], [agents.<name>]."
)
# How much a place that takes all of the time weighs more than one that takes none.
WEIGHT_OF_RUN_TIME = 10


@dataclass(frozen=True)
class Plan:
    """The opportunities that a wave takes up, best first, and notes for the user.

    `candidates` tell why these, and why not the others; `left_out` counts those not among them.
    """

    chosen: tuple[Opportunity, ...]
    notes: tuple[str, ...]
    candidates: tuple[TaskCandidate, ...] = ()
    left_out: int = 0


def opportunities(
    findings: Sequence[Finding],
    foreclosed: Collection[str],
    parts: Sequence[Part] = (),
    lines: Mapping[str, int] = NO_LINES,
) -> tuple[Opportunity, ...]:
    """Group findings that have a component into opportunities, the most valuable first.

    There is one for each agent type and component with a finding that is fixable and not
    foreclosed; of a component in several `parts`, one for each part with such a finding. `lines`
    are those of each component.
    """
    sizes = component_sizes(lines)
    names = {path: each.name for each in parts for path in each.files}
    grouped: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for each in findings:
        if each.component and each.agent_type:
            grouped[each.component, names.get(each.path, ""), each.agent_type].append(each)
    found = [
        _opportunity(place, each, foreclosed, sizes.get(place[0], ""))
        for place, each in grouped.items()
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


def _opportunity(
    place: tuple[str, str, str],
    findings: Sequence[Finding],
    foreclosed: Collection[str],
    size: str,
) -> Opportunity:
    """Return the opportunity that findings make; what is `foreclosed` does not count as fixable.

    They are in one component and part of it, for one agent type; `size` is the component's.
    """
    component, part, agent_type = place
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
        family=_most_common(family_of(each.rule) for each in fixable),
        component_class="/".join(filter(None, (_most_common(map(_language, fixable)), size))),
        prior=fmean(PRIORS[each.fixable] for each in fixable) if fixable else 1.0,
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


def component_sizes(lines: Mapping[str, int]) -> dict[str, str]:
    """Return the size of each component among those of its target, by thirds: small to large."""
    ranked = sorted(lines, key=lambda name: (lines[name], name))
    return {name: SIZES[n * len(SIZES) // len(ranked)] for n, name in enumerate(ranked)}


def _language(finding: Finding) -> str:
    """Return the language of the file that a finding is in; empty where it is none that we know."""
    return next((each.name for each in LANGUAGES if each.has_suffix(finding.path)), "")


def _most_common(names: Iterable[str]) -> str:
    """Return the name that occurs most often, the first of several in the alphabet; "" of none."""
    counts = Counter(names)
    return min(counts, key=lambda name: (-counts[name], name), default="")


def priority(findings: Sequence[Finding]) -> Priority:
    """Return the priority by the worst severity among the fixable findings."""
    severities = {each.severity for each in findings}
    if Severity.ERROR in severities:
        return Priority.HIGH
    return Priority.NORMAL if Severity.WARNING in severities else Priority.LOW


def plan(
    findings: Sequence[Finding],
    *,
    foreclosed: Mapping[str, str],
    advised: Collection[str] = (),
    size: WaveSize,
    parts: Sequence[Part] = (),
    inspections: Sequence[Inspection] = (),
    branch: str = "",
    lines: Mapping[str, int] = NO_LINES,
    experience: Experience = NO_EXPERIENCE,
    chance: Chance | None = None,
) -> Plan:
    """Choose at most `size.limit` opportunities; `foreclosed` maps fingerprints to the reason.

    What can only be advised on takes what room is left, unless it is `advised` on, by fingerprint.
    `parts` are those of divided components, `inspections` tell what was read to get these findings,
    `branch` where if not on the base. `lines` are those of each component, `experience` what became
    of changes so far; with `chance`, some choices are drawn if there is more than has room.
    """
    found = opportunities(findings, foreclosed, parts, lines)
    choices = choose(
        options(found, experience, chance or seeded("")),
        size.limit,
        spread=MIN_TASKS[size],
        chance=chance if experience.has_begun and len(found) > size.limit else None,
    )
    chosen = tuple(each.option.opportunity for each in choices.chosen)
    left = [each.opportunity for each in choices.left]
    where = f" on {branch}" if branch else ""
    notes = [] if findings else [f"There are no findings{where}, so there is nothing to do."]
    notes += _notes(findings, foreclosed, size, chosen, left)
    notes += dict.fromkeys(note for each in inspections for note in each.notes)
    if not chosen:
        notes += _inspection_notes(inspections)
    advice = advice_opportunities(findings, {*foreclosed, *advised}, chosen)
    advice = advice[: size.limit - len(chosen)]
    return Plan((*chosen, *advice), tuple(notes), *candidates(choices, advice))


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
