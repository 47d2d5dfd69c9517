"""How bad findings are, and what they are identified by: rule ids, and fingerprints.

Fingerprints survive line moves.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

from shared.contracts.base import Severity

SEVERITY_WEIGHTS = {Severity.ERROR: 5.0, Severity.WARNING: 2.0, Severity.NOTE: 1.0}

DEFINITION = re.compile(r"(?:async\s+def|def|class)\s+(\w+)")


def rule_id(tool: str, code: str) -> str:
    """Return the stable id of a tool's rule, `tool:code`."""
    return f"{tool}:{code}"


def normalized(line: str) -> str:
    """Return a line's text with its spacing collapsed."""
    return " ".join(line.split())


def scopes(lines: Sequence[str]) -> list[str]:
    """Return the qualified name of the function or class around each line of a Python source.

    It is told by indentation, so that a file with a syntax error has them too.
    """
    around: list[tuple[int, str]] = []
    found = []
    for line in lines:
        if text := line.strip():
            indent = len(line) - len(line.lstrip())
            # A bracket that closes a signature is not behind its function.
            while around and indent <= around[-1][0] and text[0] not in ")]}":
                around.pop()
            if match := DEFINITION.match(text):
                around.append((indent, match[1]))
        found.append(".".join(name for _, name in around))
    return found


class Fingerprints:
    """Gives fingerprints to the findings of one tree, in the order of their lines."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, ...]] = Counter()

    def next(self, tool: str, code: str, path: str, line: str, scope: str = "") -> str:
        """Return the digest of tool, rule code, path, scope, normalized line, and an index.

        The index counts the findings that are equal in all of these. `scope` is the function
        around the line: where equal lines are in different ones, fixing one renumbers no other.
        """
        identity = (tool, code, path, *([scope] if scope else []), normalized(line))
        place = self._seen[identity]
        self._seen[identity] += 1
        return hashlib.sha256("\0".join((*identity, str(place))).encode()).hexdigest()
