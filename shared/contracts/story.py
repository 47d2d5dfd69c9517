"""The story of a change: what happened to it, in order, as far as it is stored."""

from datetime import datetime
from typing import Literal

from shared.contracts.base import Id, Oid, Value

StepKind = Literal[
    "proposed",
    "cleared",
    "waits",
    "proven",
    "head",
    "run",
    "run_without",
    "mutants",
    "benchmarks",
    "returned",
    "held_back",
    "needs_approval",
    "approved",
    "landed",
    "rejected",
    "expired",
    "superseded",
    "rolled_back",
    "rollback_refused",
    "watched",
]


class StoryStep(Value):
    """One thing that happened to a change; `at` is None if its time was not stored.

    A `run` included the change and `changes` changes in all; of its `tests`, `worse` were worse
    than on the head, and `against` names them. A `head` step is a run of the head itself, for
    comparison. A `run_without` did not include the change, and tests that count against it were
    worse there too. `asked` says why the run was requested. What is not known is None.
    """

    kind: StepKind
    at: datetime | None
    sentence: str
    asked: str = ""
    purpose: str = ""
    run: Id | None = None
    head: Oid | None = None
    changes: int | None = None
    tests: int | None = None
    worse: int | None = None
    against: tuple[str, ...] = ()
    seconds: float | None = None


class Story(Value):
    """Every step of a change, in order."""

    id: Id
    title: str
    state: str
    steps: tuple[StoryStep, ...]
