"""What compares programs, under every Python that matters to a target."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

# The content of a file before and after a change.
TextPair = tuple[bytes, bytes]


@dataclass(frozen=True)
class ComparedPrograms:
    """For each pair the forms in which its programs are the same, or None if they may differ.

    They were compared under each of the `interpreters`; under none, nothing is known.
    """

    interpreters: tuple[str, ...]
    forms: tuple[tuple[str, ...] | None, ...]


class Programs(Protocol):
    """Compiles texts of a target, and executes nothing of them."""

    async def compare(self, pairs: Sequence[TextPair], requires_python: str) -> ComparedPrograms:
        """Compare pairs under each installed Python that a version specifier permits."""
        ...
