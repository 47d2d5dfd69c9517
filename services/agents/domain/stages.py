"""The order in which the fixes of a component are proposed: what lands by itself comes first.

A proposal stands on those before it. So the ones that may have to wait for a person come last.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shared.agent_types import Fixer
from shared.behaviour import BehaviourCheck, FixBehaviour, FixClass
from shared.behaviour.check import OpenPlace
from shared.detectors.ports import FixableFinding

# (path, before, after, behaviour) -> what the edit does to behaviour.
CheckEdit = Callable[[str, str, str, FixBehaviour], BehaviourCheck]


@dataclass(frozen=True)
class Stage:
    """One step of the order in which fixes are proposed.

    It takes fixes of rules in `classes` that their tool marks as one of `fixable` (safe, unsafe);
    with `only_shown`, only at places where a condition of their rule is shown to hold.
    """

    name: str
    classes: frozenset[FixClass]
    fixable: frozenset[str]
    only_shown: bool = False

    def includes(self, fixer: Fixer) -> bool:
        """Return whether the fixer's rule is of a class that this stage takes."""
        return fixer.declaration.behaviour.kind in self.classes


EITHER = frozenset({"safe", "unsafe"})
STAGES = (
    Stage("shown", frozenset({FixClass.CONDITIONAL}), EITHER, only_shown=True),
    Stage("proven", frozenset({FixClass.PROVEN}), EITHER),
    Stage("safe", frozenset(FixClass), frozenset({"safe"})),
    Stage("unsafe", frozenset(FixClass), frozenset({"unsafe"})),
)


def shown_findings(
    fixer: Fixer, text: str, found: Sequence[FixableFinding], check: CheckEdit
) -> list[FixableFinding]:
    """Return those findings of one file whose fixes, made together, are shown to keep behaviour.

    If none of them but the first is, that one is returned alone, and the others are left for the
    next time.
    """

    def places(some: Sequence[FixableFinding]) -> tuple[OpenPlace, ...]:
        """Return where behaviour may change once these findings are fixed together."""
        path, behaviour = some[0].finding.path, fixer.declaration.behaviour
        return check(path, text, fixer.fix(text, some)[0], behaviour).open

    open_places = places(found)
    if not open_places:
        return list(found)
    rest = [each for each in found if not any(_touches(each, place) for place in open_places)]
    for some in (rest, list(found[:1])):
        if some and not places(some):
            return some
    return []


def _touches(found: FixableFinding, place: OpenPlace) -> bool:
    """Return whether a finding or its edits overlap the lines of an open place."""
    rows = [row for edit in found.edits for row in (edit.start[0], edit.end[0])]
    rows += [found.finding.line, found.finding.end_line or found.finding.line]
    return min(rows) <= place.end_line and place.line <= max(rows)
