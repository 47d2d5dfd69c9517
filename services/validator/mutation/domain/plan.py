"""The plan of a mutation run with its mutants and the files that contain them, and its report."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.validator.mutation.domain.mutants import Mutant


@dataclass(frozen=True)
class ChangedFile:
    """A file of a change: its text before, after and after each later change; None if missing."""

    path: str
    texts: tuple[bytes | None, ...]


@dataclass(frozen=True)
class PlacedMutant:
    """A mutant in the tree, and the changes that it is for; without any it is only a probe."""

    id: int
    path: str
    mutant: Mutant
    changes: tuple[str, ...]


@dataclass(frozen=True)
class MutationPlan:
    """All mutants of a batch, and the texts of the files with them.

    `unmutated` has by change why no mutant could be placed in some of its files.
    """

    mutants: tuple[PlacedMutant, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    unmutated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def to_json(self, seconds: float, longest: float | None = None) -> str:
        """Return the plan of a run with its time limits.

        After `seconds` only the first mutant of each change is still tried, and none after
        `longest`, which is `seconds` by default.
        """
        mutants = [
            {
                "id": each.id,
                "path": each.path,
                "line": each.mutant.line,
                "when": each.mutant.when.value,
                "operator": each.mutant.operator,
                "what": each.mutant.description,
                "changes": each.changes,
                "first": turn == 0,
            }
            for turn, each in self._by_turn()
        ]
        plan = {
            "seconds": seconds,
            "longest": seconds if longest is None else longest,
            "mutants": mutants,
            "files": dict(sorted(self.files.items())),
        }
        return json.dumps(plan, separators=(",", ":"))

    def _by_turn(self) -> list[tuple[int, PlacedMutant]]:
        """Return (turn, mutant), with each change's first mutant (turn 0) before any second one."""
        turns: Counter[str] = Counter()
        ranked = []
        for number, each in enumerate(self.mutants):
            ranked.append((min((turns[c] for c in each.changes), default=0), number, each))
            turns.update(each.changes)
        return [(turn, each) for turn, _, each in sorted(ranked, key=lambda each: each[:2])]


@dataclass(frozen=True)
class MutantResult:
    """What became of one mutant; `killed` is None if it was not tried, for the reason in `why`.

    `reached` says if any test ran it, `by` is the test that killed it, `tests` how many tests reach
    it.
    """

    killed: bool | None
    reached: bool = False
    by: str = ""
    tests: int = 0
    why: str = ""


@dataclass(frozen=True)
class MutationReport:
    """The report of a mutation run.

    `passing` tests passed without any mutant; `failing` are the first of those that failed without.
    """

    results: Mapping[int, MutantResult]
    passing: int = 0
    seconds: float = 0.0
    failing: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return one canonical text, which `from_json` reads."""
        rows = [
            [n, each.killed, each.reached, each.by, each.tests, each.why]
            for n, each in sorted(self.results.items())
        ]
        body = {"results": rows, "passing": self.passing, "seconds": self.seconds}
        body["failing"] = self.failing
        return json.dumps(body, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "MutationReport":
        """Read a report; the inverse of `to_json`."""
        body = json.loads(text)
        results = {row[0]: MutantResult(*row[1:]) for row in body["results"]}
        return cls(results, body["passing"], body["seconds"], tuple(body["failing"]))
