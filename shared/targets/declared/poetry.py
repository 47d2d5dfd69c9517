"""Poetry's own tables, and Pipfile's, as PEP 508 requirements."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from shared.targets.declared.parts import Declaration, is_requirement, strings, table

# What makes a dependency come from elsewhere than a registry.
ELSEWHERE = ("git", "path", "url", "file", "hg", "svn", "develop")
PYTHON = "python"


def read(pyproject: Mapping[str, Any]) -> Declaration:
    """Dependencies, groups and extras; where `[project]` has its own dependencies, those count."""
    poetry = table(pyproject, "tool", "poetry")
    main = table(poetry, "dependencies")
    said = main.get(PYTHON)
    converted = Converted()
    standard = "dependencies" in table(pyproject, "project")
    installs = () if standard else tuple(converted.requirements(main))
    optional = {
        name: tuple(converted.requirements({name: value}, optional=True))
        for name, value in main.items()
    }
    groups = {
        name: tuple(
            requirement for each in strings(wanted) for requirement in optional.get(each, ())
        )
        for name, wanted in table(poetry, "extras").items()
    }
    if old := table(poetry, "dev-dependencies"):
        groups["dev"] = tuple(converted.requirements(old))
    for name, group in table(poetry, "group").items():
        groups[name] = tuple(converted.requirements(table(group, "dependencies")))
    return Declaration(
        requires_python=(specifier(said) or "") if isinstance(said, str) else "",
        installs=installs,
        groups=groups,
        notes=tuple(dict.fromkeys(converted.notes)),
    )


def read_pipfile(pipfile: Mapping[str, Any]) -> Declaration:
    """`packages`, and `dev-packages` as the group dev, which is asked for."""
    converted = Converted()
    minor = table(pipfile, "requires").get("python_version")
    installs = tuple(converted.requirements(table(pipfile, "packages")))
    dev = table(pipfile, "dev-packages")
    groups = {"dev": tuple(converted.requirements(dev))} if dev else {}
    return Declaration(
        requires_python=f"=={minor}.*" if isinstance(minor, str) and minor else "",
        installs=installs,
        groups=groups,
        extras=tuple(groups),
        notes=(*converted.notes, "What the Pipfile names is installed."),
    )


@dataclass
class Converted:
    """What could not be converted is said in `notes`."""

    notes: list[str] = field(default_factory=list)

    def requirements(self, wanted: Mapping[str, Any], *, optional: bool = False) -> Iterator[str]:
        """Each entry of a table of dependencies; those marked optional only where they are asked for."""
        for name, value in wanted.items():
            if canonicalize_name(name) == PYTHON:
                continue
            for each in value if isinstance(value, list) else [value]:
                entry = {"version": each} if isinstance(each, str) else table(each)
                if entry.get("optional") is True and not optional:
                    continue
                if any(key in entry for key in ELSEWHERE):
                    self.notes.append(
                        f"{name} is not installed: it comes from a place that is no registry."
                    )
                    continue
                yield self._requirement(name, entry)

    def _requirement(self, name: str, entry: Mapping[str, Any]) -> str:
        wanted = str(entry.get("version", "*"))
        versions = specifier(wanted)
        if versions is None:
            self.notes.append(
                f"{name} is installed in any version: {wanted} has no equal in PEP 440."
            )
        extras = ",".join(strings(entry.get("extras")))
        text = f"{name}[{extras}]" if extras else name
        text += versions or ""
        marker = " and ".join(_markers(entry))
        marked = f"{text} ; {marker}" if marker else text
        return marked if is_requirement(marked) else text


def specifier(constraint: str) -> str | None:
    """A constraint of Poetry's in PEP 440: caret, tilde, wildcard, exact; None for what has no equal."""
    if "|" in constraint:
        return None
    # Poetry takes both commas and spaces for "and"; a space may also follow an operator.
    tight = re.sub(r"([<>=!~^])\s+", r"\1", constraint.strip())
    try:
        parts = [_bounds(each) for each in re.split(r"[\s,]+", tight) if each]
        found = ",".join(each for each in parts if each)
        SpecifierSet(found)
    except (InvalidVersion, InvalidSpecifier):
        return None
    return found


def _bounds(part: str) -> str:
    if part == "*":
        return ""
    if part.startswith("^"):
        return _up_to(part[1:], _caret)
    if part.startswith("~") and not part.startswith("~="):
        return _up_to(part[1:], _tilde)
    if part[0] in "<>=!~":
        return f"={part}" if re.match(r"=[^=]", part) else part
    return f"=={part}"


def _up_to(text: str, following: Callable[[tuple[int, ...]], tuple[int, ...]]) -> str:
    """From a version up to, and without, the one that follows it."""
    end = following(Version(text).release)
    return f">={text},<{'.'.join(map(str, end))}"


def _caret(release: tuple[int, ...]) -> tuple[int, ...]:
    """The first number that is not zero goes up; the last one where all are."""
    place = next((n for n, each in enumerate(release) if each), len(release) - 1)
    return (*release[:place], release[place] + 1)


def _tilde(release: tuple[int, ...]) -> tuple[int, ...]:
    return (release[0], release[1] + 1) if len(release) > 1 else (release[0] + 1,)


def _markers(entry: Mapping[str, Any]) -> Iterator[str]:
    """Its markers, and its Python and platform as such."""
    if isinstance(marker := entry.get("markers"), str):
        yield f"({marker})"
    if isinstance(platform := entry.get("platform"), str):
        yield f"sys_platform == '{platform}'"
    for each in SpecifierSet(specifier(str(entry.get(PYTHON, "*"))) or ""):
        version = each.version.removesuffix(".*")
        name = "python_full_version" if version.count(".") > 1 else "python_version"
        yield f"{name} {each.operator} '{version}'"
