"""How two proposals overlap, which goes first, what is done about it, and how that ended."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.resolver.domain.footprints import Footprint, LineEdit, Range
from shared.contracts.base import EngineName
from shared.contracts.documents.conflicts import ConflictKind, ConflictOutcome, ConflictStrategy
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.states import EnhancementState as State
from shared.detectors.findings import SEVERITY_WEIGHTS

# What a superseded change would have done has landed with another one.
LANDED = (State.APPLIED, State.SUPERSEDED)
ENDED = (*LANDED, State.REJECTED, State.EXPIRED, State.ROLLED_BACK, State.ADVISORY)
BY_ENGINE = {
    EngineName.RULES: ConflictStrategy.REMAKE,
    EngineName.CLAUDE: ConflictStrategy.SEND_BACK,
    EngineName.EXTERNAL: ConflictStrategy.PERSON,
}
BY_KIND = {
    ConflictKind.DISJOINT_HUNKS: ConflictStrategy.BOTH_STAND,
    ConflictKind.SIGNATURE: ConflictStrategy.STACK,
    ConflictKind.BUILDS_ON: ConflictStrategy.STACK,
    ConflictKind.IDENTICAL: ConflictStrategy.SUPERSEDE,
}
ONCE_LANDED = {
    ConflictStrategy.STACK: ConflictOutcome.STACKED,
    ConflictStrategy.SUPERSEDE: ConflictOutcome.SUPERSEDED,
    ConflictStrategy.REMAKE: ConflictOutcome.REMADE,
    ConflictStrategy.SEND_BACK: ConflictOutcome.SENT_BACK,
    ConflictStrategy.PERSON: ConflictOutcome.LEFT_TO_PERSON,
}


@dataclass(frozen=True)
class Overlap:
    """Two proposals that overlap, in the order in which they go.

    `nothing_left` says that the first makes every edit that the second makes.
    """

    kind: ConflictKind
    first: Enhancement
    second: Enhancement
    nothing_left: bool = False

    @property
    def strategy(self) -> ConflictStrategy:
        """What is done once the first has landed."""
        if self.second.state is State.NEEDS_APPROVAL and self.kind not in BY_KIND:
            return ConflictStrategy.PERSON
        if self.nothing_left:
            return ConflictStrategy.SUPERSEDE
        return BY_KIND.get(self.kind) or BY_ENGINE[self.second.proposal.author.engine]


def made_together(one: Enhancement, other: Enhancement) -> bool:
    """Return whether two changes were made by one task under one epoch, on top of each other.

    A task that is repeated after its agent was lost may propose the same again.
    """
    return (one.task_id, one.proposal.epoch) == (other.task_id, other.proposal.epoch)


def compare(one: Footprint, other: Footprint) -> ConflictKind | None:
    """Return how two footprints on the same commit overlap; None if they have nothing in common."""
    if one.edits and one.edits == other.edits:
        return ConflictKind.IDENTICAL
    if _contains(one.edits, other.edits) or _contains(other.edits, one.edits):
        return ConflictKind.CONTAINED
    if rely_on_same_lines(one, other):
        return ConflictKind.TEXTUAL
    if one.signatures & other.calls or other.signatures & one.calls:
        return ConflictKind.SIGNATURE
    return None if one.spans.keys().isdisjoint(other.spans) else ConflictKind.DISJOINT_HUNKS


def _contains(some: frozenset[LineEdit], fewer: frozenset[LineEdit]) -> bool:
    """Return whether `some` edits are all of `fewer` and more; none are contained in nothing."""
    return bool(fewer) and fewer < some


def rely_on_same_lines(one: Footprint, other: Footprint) -> bool:
    """Return whether the patches of two footprints need some line to be as it is, both of them."""
    return any(
        _intersect(mine, its)
        for path, spans in one.spans.items()
        for mine in spans
        for its in other.spans.get(path, ())
    )


def _intersect(one: Range, other: Range) -> bool:
    """Return whether two ranges of lines share one; an empty range also does with what it touches.

    Nothing tells in which order two texts belong that are both put between the same lines.
    """
    low, high = max(one[0], other[0]), min(one[1], other[1])
    is_empty = one[0] == one[1] or other[0] == other[1]
    return low <= high if is_empty else low < high


def find_overlap(
    arriving: Enhancement,
    open_one: Enhancement,
    mine: Footprint,
    its: Footprint,
    values: Mapping[str, float],
) -> Overlap | None:
    """Return how an arriving proposal overlaps another one, and which goes first; None if not.

    `values` are those of `expected_values` for both, by id. Of what landed, only that counts which
    leaves less to do, or changed the same lines.
    """
    kind = compare(mine, its)
    landed_apart = {ConflictKind.DISJOINT_HUNKS, ConflictKind.SIGNATURE, None}
    if kind is None or (open_one.state is State.APPLIED and kind in landed_apart):
        return None
    if _goes_first(arriving, open_one, kind, values):
        return Overlap(kind, arriving, open_one, nothing_left=its.edits <= mine.edits)
    return Overlap(kind, open_one, arriving, nothing_left=mine.edits <= its.edits)


def _goes_first(
    arriving: Enhancement, other: Enhancement, kind: ConflictKind, values: Mapping[str, float]
) -> bool:
    """Return whether an arriving proposal goes before another one.

    Nothing waits for a person, but the same edits need only one approval. What the gate has ever
    begun with goes first, and never waits; else what is expected to be worth more. So what waits is
    worth less than what it waits for, or that never waits itself: there are no circles.
    """
    if other.state is State.NEEDS_APPROVAL:
        return kind is not ConflictKind.IDENTICAL
    if other.state is State.APPLIED or _has_begun(other):
        return False
    return (-values[arriving.id], arriving.id) < (-values[other.id], other.id)


def _has_begun(change: Enhancement) -> bool:
    """Return whether the gate has begun with a change, perhaps on an earlier head."""
    states = {change.state, *(each.state for each in change.history)}
    return not states.isdisjoint({State.VALIDATING, State.VALIDATED})


def expected_values(changes: Iterable[Enhancement]) -> dict[str, float]:
    """Return by id what changes are expected to be worth; `changes` are all those of their tasks.

    None counts for more than one that its task proposed before it: it may be made on top of that
    one, and then waits with it.
    """
    least: dict[tuple[str, int], float] = {}
    values = {}
    for each in sorted(changes, key=lambda change: change.proposal.order):
        attempt = each.task_id, each.proposal.epoch
        least[attempt] = min(expected_value(each), least.get(attempt, math.inf))
        values[each.id] = least[attempt]
    return values


def expected_value(change: Enhancement) -> float:
    """Return the weight of the findings that a change fixes, times the probability that it lands.

    A change without findings counts as one of the least weight.
    """
    weight = sum(SEVERITY_WEIGHTS[each.severity] for each in change.proposal.findings)
    return change.proposal.fix.prior * max(weight, min(SEVERITY_WEIGHTS.values()))


def outcome_of(
    kind: ConflictKind, strategy: ConflictStrategy, first: State, second: State
) -> ConflictOutcome | None:
    """Return how an overlap ended, by the states of both proposals; None while the second waits."""
    if strategy is ConflictStrategy.BOTH_STAND:
        return ConflictOutcome.BOTH_STAND
    if second in ENDED:
        return ConflictOutcome.WITHDRAWN
    if first in LANDED or second is State.NEEDS_APPROVAL:
        return ONCE_LANDED[strategy]
    if first is State.NEEDS_APPROVAL and kind is ConflictKind.IDENTICAL:
        return ConflictOutcome.SUPERSEDED
    if first is State.NEEDS_APPROVAL or (first in ENDED and kind is not ConflictKind.BUILDS_ON):
        return ConflictOutcome.SECOND_STANDS
    return ConflictOutcome.REMADE if first in ENDED else None
