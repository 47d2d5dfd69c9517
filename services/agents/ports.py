"""What the agents' use cases need from the world."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from pydantic import BaseModel

from services.agents.domain.proposals import Proposal
from shared.contracts.base import Message
from shared.detectors.ports import Source

A = TypeVar("A", bound=BaseModel)


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
