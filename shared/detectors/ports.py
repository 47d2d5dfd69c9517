"""What a detector looks at, and what it gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from shared.contracts.documents.findings import Finding
from shared.targets.profile import TargetProfile
from shared.targets.tree import Tree


@dataclass(frozen=True)
class Source:
    """A target at one commit, as data."""

    tree: Tree
    profile: TargetProfile
    target_id: str = ""


@dataclass(frozen=True)
class Measured:
    """Findings, and how many lines of source each component has."""

    findings: tuple[Finding, ...]
    lines: Mapping[str, int]
    notes: tuple[str, ...] = ()


class Detector(Protocol):
    """Measures findings."""

    @property
    def name(self) -> str:
        """Tool, version and selection: what makes two measurements comparable."""
        ...

    async def measure(self, source: Source) -> Measured:
        """Every finding in the source of the target's components."""
        ...
