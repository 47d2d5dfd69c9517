"""What is done by itself where requirements cannot be installed as they are declared."""

import re
from dataclasses import dataclass, field, replace

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

# Each names in uv's output the requirement without which the rest might be installed.
CULPRITS = tuple(
    re.compile(pattern)
    for pattern in (
        r"Failed to (?:download and )?build `([A-Za-z0-9][\w.-]*)",
        r"Failed to (?:download|fetch|read)(?: metadata)?(?: for)? `([A-Za-z0-9][\w.-]*)[=`@ ]",
        r"Because ([A-Za-z0-9][\w.-]*) was not found in the (?:package registry|provided)",
        r"Because there (?:is|are) no versions? of ([A-Za-z0-9][\w.-]*)",
        r"Because only (?:the following versions of )?([A-Za-z0-9][\w.-]*)",
        r"Because ([A-Za-z0-9][\w.-]*?)(?:[<>=!~]\S*)? (?:has no|depends on Python|requires a)",
        r"depends on Python\S* and you require ([A-Za-z0-9][\w.-]*)",
        r"and ([A-Za-z0-9][\w.-]*?)(?:[<>=!~]\S*)? depends on Python",
        r"you require ([A-Za-z0-9][\w.-]*?)(?:[<>=!~\[,]|,| and|$)",
    )
)
MAX_REASON_CHARACTERS = 200


@dataclass(frozen=True)
class Wanted:
    """The requirements to install, and the constraints on their versions, in pip's syntax.

    `notes` tell in sentences what was changed of what the target declares.
    """

    requirements: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to install."""
        return not self.requirements and not self.projects


def repaired(wanted: Wanted, output: str) -> Wanted | None:
    """Return what to try after a failed installation; None if no requirement is to blame.

    The version of the requirement that failed is given up first, then the requirement.
    """
    name = _culprit(wanted, output)
    if name is None:
        return None
    pinned = _pins(wanted, name)
    if pinned:
        note = (
            f"{name} could not be installed as {pinned} ({reason_of(output)}), so any version is."
        )
        return replace(
            wanted,
            requirements=tuple(_freed(each, name) for each in wanted.requirements),
            constraints=tuple(each for each in wanted.constraints if name_in(each) != name),
            notes=(*wanted.notes, note),
        )
    return replace(
        wanted,
        requirements=tuple(each for each in wanted.requirements if name_in(each) != name),
        projects=tuple(each for each in wanted.projects if not _is_project(each, name)),
        notes=(*wanted.notes, f"{name} is left out, as it cannot be had: {reason_of(output)}"),
    )


def name_in(requirement: str) -> str:
    """Return the canonical name in a requirement; empty for a URL or a path without one."""
    found = re.match(r"[A-Za-z0-9][\w.-]*(?![\w.+:/-])", requirement)
    return canonicalize_name(found.group(0)) if found else ""


def reason_of(output: str) -> str:
    """Return the innermost cause that uv's output tells, in one line."""
    lines = [each.strip() for each in output.splitlines() if each.strip()]
    causes = [each for each in lines if each.startswith(("cause:", "fatal:"))]
    chosen = causes[-1] if causes else next((e for e in lines if e.startswith("error:")), "")
    text = re.sub(r"^(?:cause|fatal|error):\s*", "", chosen or (lines or [""])[-1])
    text = text.partition(", we can conclude")[0]
    return text[:MAX_REASON_CHARACTERS]


def _culprit(wanted: Wanted, output: str) -> str | None:
    """Return the name of the requirement that the output blames, if it is one of those wanted."""
    known = {name_in(each) for each in (*wanted.requirements, *wanted.constraints)} - {""}
    for pattern in CULPRITS:
        for found in pattern.findall(output):
            name = canonicalize_name(found)
            if name in known or any(_is_project(each, name) for each in wanted.projects):
                return name
    return None


def _pins(wanted: Wanted, name: str) -> str:
    """Return the requirements and constraints that limit the version of a package, as a text."""
    limiting = (e for e in (*wanted.requirements, *wanted.constraints) if name_in(e) == name)
    return ", ".join(dict.fromkeys(each for each in limiting if _has_version(each)))


def _has_version(requirement: str) -> bool:
    """Return whether a requirement limits the version; false if it cannot be parsed."""
    try:
        return bool(Requirement(requirement).specifier)
    except InvalidRequirement:
        return False


def _freed(requirement: str, name: str) -> str:
    """Return a requirement without its versions if it is one of that name, else as it is."""
    if name_in(requirement) != name or not _has_version(requirement):
        return requirement
    parsed = Requirement(requirement)
    extras = f"[{','.join(sorted(parsed.extras))}]" if parsed.extras else ""
    return f"{parsed.name}{extras}" + (f" ; {parsed.marker}" if parsed.marker else "")


def _is_project(project: str, name: str) -> bool:
    """Return whether a project's folder has the name of a package, as it mostly has."""
    return canonicalize_name(project.partition("[")[0].rstrip("/").rpartition("/")[2]) == name
