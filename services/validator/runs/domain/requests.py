"""Requests for test runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts.base import RunKind, RunPurpose


@dataclass(frozen=True)
class RunRequest:
    """What to run on a tree.

    Equal requests are one run, unless their `repetition` differs: it asks for the same once more.
    Each test runs `repeat` times within the run. `record` asks for the impact map as well, and
    `plan` is the sha256 of what a run of mutants or benchmarks needs beside its tests. `approved`
    are the protected files whose edits take effect. `purpose`, `changes` and `why` are for people
    and later readers, and change nothing in the run.
    """

    tree: str
    purpose: RunPurpose
    changes: Sequence[str] = ()
    tests: Sequence[str] = ()
    repetition: int = 0
    repeat: int = 1
    record: bool = False
    kind: RunKind = RunKind.TESTS
    plan: str | None = None
    why: str = ""
    approved: Sequence[str] = ()
