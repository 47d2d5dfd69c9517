"""How bad findings are, and what they are identified by: rule ids, and fingerprints.

Fingerprints survive line moves.
"""

import hashlib
from collections import Counter

from shared.contracts.base import Severity

SEVERITY_WEIGHTS = {Severity.ERROR: 5.0, Severity.WARNING: 2.0, Severity.NOTE: 1.0}


def rule_id(tool: str, code: str) -> str:
    """Return the stable id of a tool's rule, `tool:code`."""
    return f"{tool}:{code}"


def normalized(line: str) -> str:
    """Return a line's text with its spacing collapsed."""
    return " ".join(line.split())


class Fingerprints:
    """Gives fingerprints to the findings of one tree, in the order of their lines."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str, str, str]] = Counter()

    def next(self, tool: str, code: str, path: str, line: str) -> str:
        """Return the digest of tool, rule code, path, the line's normalized text, and its index.

        The index counts the findings that are equal in all of these.
        """
        identity = (tool, code, path, normalized(line))
        place = self._seen[identity]
        self._seen[identity] += 1
        return hashlib.sha256("\0".join((*identity, str(place))).encode()).hexdigest()
