"""Mutants: small faults, each switched on at run time, that tests should detect.

This is mutant schemata (Untch, Offutt, Harrold: Mutation analysis using mutant schemata, ISSTA
1993): all mutants stand in one program, which is loaded once, and a switch says which of them is
on. An expression `E` becomes `(M if __gs_mutant__(7) else (E))`, and no line moves.
"""

from dataclasses import dataclass

from services.validator.mutation.domain.blocks import MutantTiming
from services.validator.mutation.domain.touched import TouchedLines

SWITCH, PLACE = "__gs_mutant__", "__gs_raise__"
# Stands for the number of a mutant until it is known.
NUMBER = "\0"

# The mutants that the coarsest test detects come first, as one that survives says most.
OPERATORS_BY_RANK = (
    "condition",
    "comparison",
    "boundary",
    "boolean",
    "return",
    "arithmetic",
    "constant",
    "drop",
    "loop",
    "handler",
    "value",
    "place",
    "import",
)


@dataclass(frozen=True)
class Mutant:
    """One mutant: the text to put before and after the bytes `start` to `end`, and its description.

    `line` is the touched line that it is about, `hunk` the first line of its run of touched lines,
    or minus the line before a gap. `placed_at` is the line where it stands if that is another one,
    else 0.
    """

    line: int
    hunk: int
    operator: str
    description: str
    start: int
    end: int
    before: str
    after: str
    when: MutantTiming = MutantTiming.CALL
    placed_at: int = 0

    @property
    def rank(self) -> int:
        """The rank of its operator, of which the lowest is tried first."""
        return OPERATORS_BY_RANK.index(self.operator)

    @property
    def standing_line(self) -> int:
        """The line in which the mutant stands, counted from 1."""
        return self.placed_at or self.line


def hunk_of(line: int, touched: TouchedLines) -> int:
    """Return the first line of the run of touched lines that a line belongs to."""
    while line - 1 in touched.lines:
        line -= 1
    return line
