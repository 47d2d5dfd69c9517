"""Engines: what an agent works on, and the proposals that come of it."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from shared.contracts.base import EngineName
from shared.contracts.documents.advice import Advice
from shared.contracts.documents.findings import Finding, Prediction
from shared.contracts.documents.waves import Opportunity, Task
from shared.detectors.ports import Change, DetectorResources, Source
from shared.targets.paths import matches


@dataclass(frozen=True)
class HeldLease:
    """The right of a task to change the files of a component that `paths` cover."""

    component: str
    paths: tuple[str, ...]
    epoch: int


@dataclass(frozen=True)
class TaskContext:
    """All that an engine works with; `findings` are those of the component that it may fix.

    They are empty where the task's commit was not measured. `advised` are the fingerprints of
    findings that people have been given advice on before.
    """

    task: Task
    opportunity: Opportunity
    findings: tuple[Finding, ...]
    lease: HeldLease
    source: Source
    advised: frozenset[str] = frozenset()

    @property
    def excluded(self) -> frozenset[str]:
        """Fingerprints of findings that must be left alone."""
        return frozenset(self.task.excluded_fingerprints)

    def may_advise_on(self, finding: Finding) -> bool:
        """Return whether advice on a finding is wanted, and would be new."""
        return finding.fingerprint not in self.excluded | self.advised

    def may_change(self, path: str) -> bool:
        """Return whether a file is in the task's component and under its lease."""
        mine = self.source.component(path) == self.task.component
        return mine and matches(path, self.lease.paths)


@dataclass(frozen=True)
class Proposal:
    """One change, as a maintainer would put it into one commit.

    `key` is unique within the task. `changes` maps paths to texts before and after, each standing
    on the proposals before it; None is advice without a patch. `detectors` names those that can
    confirm that `findings` are gone. `causes` are findings that it is made for and claims nothing
    about, as they cannot confirm that those are gone. `prior` is the probability that it passes the
    gate, `safe` the promise that behaviour stays the same, and `conditions` are those of its rule
    that were found to hold; the gate checks them again. `created` are the paths of changes that are
    new files, and `is_whole` is true where none of the changes makes sense without the others.
    `outline` is what the changes do in words of what the files describe, and `advice` the plan of a
    proposal without changes.

    One field per fact that is stored, judged or shown.
    """

    key: str
    rule: str
    engine: EngineName
    title: str
    rationale: str
    changes: Mapping[str, Change] | None
    safe: bool = False
    prior: float = 0.5
    findings: tuple[Finding, ...] = ()
    causes: tuple[Finding, ...] = ()
    detectors: tuple[str, ...] = ()
    prediction: Prediction | None = None
    conditions: tuple[str, ...] = ()
    created: frozenset[str] = frozenset()
    is_whole: bool = False
    outline: str = ""
    advice: Advice | None = None


class Engine(Protocol):
    """Makes changes."""

    def propose(self, context: TaskContext) -> AsyncIterator[Proposal]:
        """Yield proposals for the component, each standing on those before it.

        Raises `GroundswellError` where the task cannot be done.
        """
        ...


EngineFactory = Callable[[DetectorResources], Engine]
