"""The story of a change: what happened to it, in order, from what is stored. Nothing in it is an estimate."""

from datetime import datetime
from typing import Literal

from shared.contracts.base import Id, Oid, Value

Kind = Literal[
    "proposed",
    "cleared",
    "head",
    "run",
    "elsewhere",
    "mutants",
    "benchmarks",
    "returned",
    "held",
    "asked",
    "approved",
    "passed",
    "landed",
    "refused",
    "let_go",
    "rolled_back",
    "kept",
    "watched",
]


class StoryStep(Value):
    """One thing that happened to a change; `at` is None where nobody wrote down when.

    run: one that it was part of, with `changes` changes in all; of its `tests` so many were `worse` than on
    the head, and `against` names them. head: the head itself, measured for comparison. elsewhere: one without
    it, in which the tests that speak against it were worse as well. None is what is not known.
    """

    kind: Kind
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
    """All of it, in order."""

    id: Id
    title: str
    state: str
    steps: tuple[StoryStep, ...]
