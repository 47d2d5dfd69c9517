"""Fingerprints: what a finding is known by from one commit to the next."""

import hashlib
from collections import Counter


def plain(line: str) -> str:
    """A line's text without its spacing."""
    return " ".join(line.split())


class Fingerprints:
    """Gives fingerprints to the findings of one tree, in the order of their lines."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str, str, str]] = Counter()

    def next(self, tool: str, rule: str, path: str, line: str) -> str:
        """By tool, rule, path, the line's text without its spacing, and which of its equals it is."""
        identity = (tool, rule, path, plain(line))
        place = self._seen[identity]
        self._seen[identity] += 1
        return hashlib.sha256("\0".join((*identity, str(place))).encode()).hexdigest()
