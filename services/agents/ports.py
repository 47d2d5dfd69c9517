"""What the agents' use cases need from the world."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pydantic import BaseModel

from services.agents.domain.proposals import Proposal
from shared.contracts.base import Message
from shared.contracts.documents import Finding
from shared.targets.profile import TargetProfile
from shared.targets.tree import Tree

A = TypeVar("A", bound=BaseModel)


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


class Engine(Protocol):
    """Makes changes."""

    async def propose(
        self, source: Source, component: str, exclude: Sequence[str]
    ) -> list[Proposal]:
        """Proposals for a component, each standing on those before it.

        `exclude` are fingerprints of findings that are to be left alone.
        """
        ...


class Messenger(Protocol):
    """The part of the bus that the use cases speak through."""

    async def publish(self, message: Message, *, key: str, wave: str = "") -> None:
        """Say it once per `key`; raises `Transient` when nobody took it."""
        ...

    async def request(self, message: Message, answer: type[A], *, timeout: float = 5.0) -> A:
        """Ask and wait; raises what the other side raised, or `Transient`."""
        ...
