"""Planted sets: small targets in text files, with what must be found in them and how it is fixed.

A target is one text file. A line `=== path` begins a file of it, and what stands before the first
is about the target: `finds: rule path:line` for each finding, `shown: condition` for what shows
that the fixes keep behaviour, `asks` where a person has to decide.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PLANTED = Path(__file__).parents[1] / "data" / "planted"
FILE = re.compile(r"^=== (\S+)\n", re.MULTILINE)
FINDS = re.compile(r"^finds: (\S+) (\S+):(\d+)$", re.MULTILINE)
SHOWN = re.compile(r"^shown: (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Planted:
    """A target with its files, and the head of its text; `fixed` are the files that are changed."""

    name: str
    head: str
    files: dict[str, str]
    fixed: dict[str, str] = field(default_factory=dict)

    @property
    def finds(self) -> list[tuple[str, str, int]]:
        return sorted((rule, path, int(line)) for rule, path, line in FINDS.findall(self.head))

    @property
    def shown(self) -> set[str]:
        return set(SHOWN.findall(self.head))

    @property
    def rule(self) -> str:
        """The rule that a look-alike is not about: the first part of its name."""
        return self.name.partition("--")[0]


def planted(agent_type: str, kind: str) -> Iterator[Planted]:
    for path in sorted((PLANTED / agent_type / kind).glob("*.txt")):
        if not path.name.endswith(".expected.txt"):
            head, files = _read(path)
            beside = path.with_suffix(".expected.txt")
            more, fixed = _read(beside) if beside.exists() else ("", {})
            yield Planted(path.stem, head + more, files, fixed)


def _read(path: Path) -> tuple[str, dict[str, str]]:
    head, *parts = FILE.split(path.read_text())
    return head, dict(zip(parts[::2], parts[1::2], strict=True))
