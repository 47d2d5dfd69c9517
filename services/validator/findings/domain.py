"""Which trees are compared by which detectors, and what they found."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from shared.contracts.documents.findings import Finding
from shared.detectors.comparison import TreeFindings


@dataclass(frozen=True)
class TreePair:
    """The trees (object ids) without and with a change, and the detectors that compare them.

    `detectors` are names among those of `agent_type`. Without an agent type all detectors of all
    registered types are run.
    """

    before: str
    after: str
    agent_type: str = ""
    detectors: frozenset[str] = frozenset()


@dataclass(frozen=True)
class MeasuredPair:
    """The files in which two trees differ, by path, as each tree has them.

    `tools` are those of the detectors that were run: a finding of another one was not measured.
    """

    before: TreeFindings = field(default_factory=dict)
    after: TreeFindings = field(default_factory=dict)
    tools: frozenset[str] = frozenset()


def not_measured(claimed: Iterable[Finding], tools: Collection[str]) -> str:
    """Return a sentence about claims of tools that were not run; empty where there are none."""
    count = sum(each.tool not in tools for each in claimed)
    if not count:
        return ""
    plural = "findings" if count > 1 else "finding"
    return (
        f"not measured: whether {count} {plural} of a detector that the gate does not run are gone"
    )
