"""Choosing what a wave takes up: types take turns, and what is learned decides within a turn."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from services.coordinator.domain.learning import Experience, Posterior, arm_of_opportunity
from shared.contracts.base import Priority
from shared.contracts.documents.choices import TaskCandidate
from shared.contracts.documents.waves import Opportunity
from shared.kernel.chance import Chance

# The share of choices that are drawn by chance, to have something to compare the others with.
CONTROLS = 0.1
MAX_KEPT_CANDIDATES = 40


@dataclass(frozen=True)
class Option:
    """An opportunity, what is known of its arm, and the probability to stand drawn from that."""

    opportunity: Opportunity
    posterior: Posterior
    drawn: float

    @property
    def value(self) -> float:
        """The impact that is expected to stand, per line to read."""
        return self.drawn * value(self.opportunity)


@dataclass(frozen=True)
class Choice:
    """An option that was taken, and how: as a control or not, and in which kind of turn."""

    option: Option
    control: bool
    reason: str


@dataclass(frozen=True)
class Choices:
    """What was chosen, in its order, and what was left, the most valuable first."""

    chosen: tuple[Choice, ...]
    left: tuple[Option, ...]


def value(opportunity: Opportunity) -> float:
    """Return the expected impact per unit of complexity."""
    return opportunity.expected_impact / max(opportunity.complexity, 1.0)


def options(
    opportunities: Sequence[Opportunity], experience: Experience, chance: Chance
) -> tuple[Option, ...]:
    """Return opportunities with what is drawn for each, the most valuable first.

    Until something of the target is decided nothing is drawn: the means decide.
    """
    found: list[Option] = []
    for each in opportunities:
        known = experience.posterior(arm_of_opportunity(each), each.prior)
        drawn = known.draw(chance) if experience.has_begun else known.mean
        found.append(Option(each, known, drawn))
    return tuple(sorted(found, key=lambda each: -each.value))


@dataclass
class _Taken:
    """How many options are taken of each agent type and in each place."""

    types: Counter[str]
    places: Counter[str]

    def rank(self, each: Opportunity, offered: int, *, spread: bool) -> tuple[int, ...]:
        """Return whose turn it is: the lowest is next, and value decides among equals."""
        of_place, is_first = self.places[each.place], not self.types[each.agent_type]
        return (
            0 if each.priority is Priority.CRITICAL else 1,
            of_place if spread else 0,
            0 if is_first else 1,
            of_place,
            offered if is_first else 0,
        )

    def add(self, each: Opportunity) -> None:
        """Count an opportunity."""
        self.types[each.agent_type] += 1
        self.places[each.place] += 1


def choose(
    ranked: Sequence[Option],
    limit: int,
    *,
    spread: int = 1,
    chance: Chance | None = None,
    controls: float = CONTROLS,
) -> Choices:
    """Choose at most `limit` of the options, which come with the most valuable first.

    What is critical comes first. Each agent type has a turn before any has a second one, first the
    one with the fewest options, which finds few places elsewhere. As agents cannot work on the same
    files at the same time, the first `spread` are in different places if possible, and a place with
    fewer agents is taken before one with more. Among those whose turn it is the most valuable is
    taken, or with the probability `controls` one by chance; without `chance` never.
    """
    offered = Counter(each.opportunity.agent_type for each in ranked)
    taken = _Taken(Counter(), Counter())
    left = list(ranked)
    chosen: list[Choice] = []
    while left and len(chosen) < limit:
        is_spread = len(taken.places) < spread
        ranks = [
            taken.rank(each.opportunity, offered[each.opportunity.agent_type], spread=is_spread)
            for each in left
        ]
        lowest = min(ranks)
        turn = [each for each, rank in zip(left, ranks, strict=True) if rank == lowest]
        is_first = not taken.types[turn[0].opportunity.agent_type]
        control = bool(chance and len(turn) > 1 and chance.random() < controls)
        option = chance.choice(turn) if chance and control else turn[0]
        chosen.append(Choice(option, control, _reason(option, turn, control, is_first)))
        left.remove(option)
        taken.add(option.opportunity)
    return Choices(tuple(chosen), tuple(left))


def _reason(option: Option, turn: Sequence[Option], control: bool, is_first: bool) -> str:
    """Return why an option is taken, in a sentence."""
    opportunity = option.opportunity
    others = len(turn) - 1
    if control:
        return f"A control: drawn by chance from the {len(turn)} whose turn it was."
    if opportunity.priority is Priority.CRITICAL:
        return "It is critical, and what is critical comes first."
    rivals = f", the most valuable of {len(turn)} whose turn it was" if others else ""
    if is_first:
        return f"The first turn of {opportunity.agent_type}{rivals}."
    return f"Every type has had a turn{rivals or ', and nobody else could take this one'}."


def candidates(
    choices: Choices, advice: Sequence[Opportunity] = ()
) -> tuple[tuple[TaskCandidate, ...], int]:
    """Return the record of what was chosen and left, and how many of those left are not kept.

    `advice` are the opportunities to advise that took what room was left.
    """
    last = min((each.option.value for each in choices.chosen), default=0.0)
    taken = [
        _candidate(each.option, each.reason, turn=turn, control=each.control)
        for turn, each in enumerate(choices.chosen, 1)
    ]
    for turn, each in enumerate(advice, len(taken) + 1):
        sure = Option(each, Posterior(1.0, 0.0), 1.0)
        taken.append(_candidate(sure, "It only advises, and took room that was left.", turn=turn))
    room = max(MAX_KEPT_CANDIDATES - len(taken), 0)
    left = [_candidate(each, _reason_left(each, last)) for each in choices.left]
    return (*taken, *left[:room]), len(left[room:])


def _reason_left(option: Option, last: float) -> str:
    """Return why an option is left, if the least valuable choice was worth `last`."""
    if option.value < last:
        return "The wave was full, and all that it took up is worth more."
    return "The wave was full: others had their turn first, in other places or of other types."


def _candidate(
    option: Option, reason: str, *, turn: int | None = None, control: bool = False
) -> TaskCandidate:
    """Return the record of one option."""
    each = option.opportunity
    return TaskCandidate(
        agent_type=each.agent_type,
        component=each.component,
        part=each.part,
        family=each.family,
        component_class=each.component_class,
        priority=each.priority,
        impact=each.expected_impact,
        complexity=each.complexity,
        expected=option.posterior.mean,
        drawn=option.drawn,
        trials=option.posterior.trials,
        value=option.value,
        turn=turn,
        control=control,
        reason=reason,
    )
