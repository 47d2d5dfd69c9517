"""Ports of the resolver's use cases."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from shared.contracts.documents.targets import Target


class TargetReader(Protocol):
    """Reads the files of targets, by commit. Every method blocks."""

    def read(self, target: Target, commit: str, paths: Iterable[str]) -> Mapping[str, bytes | None]:
        """Return the content of files, None where there is none; fetches the target if needed.

        Raises `NotFound` for an unknown commit, `Transient` where the target cannot be reached.
        """
        ...

    def newer(self, target: Target, one: str, other: str) -> str:
        """Return which of two commits that were read descends from the other; else the first."""
        ...
