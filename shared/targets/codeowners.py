"""The components that a CODEOWNERS file names, GitLab's sections included.

The lines are read by the `codeowners` library; sections, exclusions and comments behind an entry
are handled here, because it reads them wrong (docs/decisions/0024-codeowners-and-groups.md).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from codeowners import CodeOwners

from shared.targets.components import Component
from shared.targets.tree import Tree

CODEOWNERS_PATHS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
COMMENT = re.compile(r"(?:^|\s)#.*$")
# [Name], ^[Optional name], [Name][approvals needed], each with or without default owners.
# https://docs.gitlab.com/user/project/codeowners/reference/
SECTION_HEADING = re.compile(r"^\^?\[(?P<name>[^\]]+)\](?:\[\d+\])?(?:\s+(?P<owners>.*))?$")
EXCLUSION = "!"


@dataclass(frozen=True)
class OwnedPattern:
    """An entry of a CODEOWNERS file; outside any section, `section` is empty."""

    section: str
    pattern: str
    owners: tuple[str, ...]


def components_of_codeowners(tree: Tree) -> tuple[Component, ...]:
    """Return a component for each entry that names a part and its owners.

    A `*` for everything names no part. Of one section the last entry for a part counts; the owners
    that several sections give to a part are joined. An entry without owners leaves its files to
    the part around it. `x/*`, in CODEOWNERS the files of x alone, here covers folders in it too.
    """
    content = next((data for path in CODEOWNERS_PATHS if (data := tree.read(path))), b"")
    by_part: dict[str, dict[str, OwnedPattern]] = {}
    for each in read_codeowners(content.decode(errors="replace")):
        name = each.pattern.strip("/*").replace("\\ ", " ").replace("/", ".")
        if name and each.owners:
            # Taken out first: the last entry for a part decides where the part stands.
            sections = by_part.pop(name, {})
            by_part[name] = {**sections, each.section: each}
    return tuple(_component(name, sections) for name, sections in by_part.items())


def read_codeowners(text: str) -> Iterator[OwnedPattern]:
    """Yield the entries in order, with the default owners of their section where they name none.

    Lines that nobody can read, and exclusions from a section, are passed over.
    """
    section = ""
    default_owners: tuple[str, ...] = ()
    for raw in text.splitlines():
        line = COMMENT.sub("", raw).strip()
        if heading := SECTION_HEADING.match(line):
            section = heading["name"].strip().casefold()
            default_owners = _owners(heading["owners"] or "")
        elif line and not line.startswith(EXCLUSION):
            for pattern, owners in _read_line(line):
                yield OwnedPattern(section, pattern, owners or default_owners)


def _owners(text: str) -> tuple[str, ...]:
    """Return the owners that a text names, as an entry of a CODEOWNERS file does."""
    return next((owners for _, owners in _read_line(f"* {text}")), ())


def _read_line(line: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return (pattern, owners) of the entry on a line, in a list; it is empty for other lines."""
    try:
        entries = CodeOwners(line).paths
    except (ValueError, re.error):
        return []
    return [(pattern, tuple(owner for _, owner in owners)) for _, pattern, owners, _, _ in entries]


def _component(name: str, sections: dict[str, OwnedPattern]) -> Component:
    """Return the component of a part, of which each section has its last entry."""
    patterns = tuple(dict.fromkeys(each.pattern for each in sections.values()))
    owners = tuple(dict.fromkeys(o for each in sections.values() for o in each.owners))
    return Component(
        name=name,
        paths=patterns,
        source="CODEOWNERS",
        owners=owners,
        reason=f"{' and '.join(patterns)} is owned by {' '.join(owners)}",
    )
