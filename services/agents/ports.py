"""What the agents' use cases need from the world."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from pydantic import BaseModel

from services.agents.domain.proposals import Proposal
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
