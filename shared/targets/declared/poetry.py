"""Reader of Poetry's own tables and of a Pipfile, as PEP 508 requirements."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from shared.targets.declared.declaration import (
    Declaration,
    is_requirement,
    repository_url,
    strings,
    table,
)

NON_REGISTRY_KEYS = ("git", "path", "url", "file", "hg", "svn", "develop")
PYTHON = "python"


def read(pyproject: Mapping[str, Any]) -> Declaration:
    """Return dependencies, groups and extras; `[project]` dependencies replace Poetry's."""
    poetry = table(pyproject, "tool", "poetry")
    main = table(poetry, "dependencies")
    converter = RequirementConverter()
    has_standard = "dependencies" in table(pyproject, "project")
    installs = () if has_standard else tuple(converter.requirements(main))
    groups = _extras(poetry, converter)
    if old := table(poetry, "dev-dependencies"):
        groups["dev"] = tuple(converter.requirements(old))
    for name, group in table(poetry, "group").items():
        groups[name] = tuple(converter.requirements(table(group, "dependencies")))
    constraint = main.get(PYTHON)
    return Declaration(
        requires_python=(to_pep440(constraint) or "") if isinstance(constraint, str) else "",
        installs=installs,
        groups=groups,
        notes=tuple(dict.fromkeys(converter.notes)),
    )


def _extras(
    poetry: Mapping[str, Any], converter: "RequirementConverter"
) -> dict[str, tuple[str, ...]]:
    """Return the requirements of each extra, by its name."""
    optional = {
        name: tuple(converter.requirements({name: value}, optional=True))
        for name, value in table(poetry, "dependencies").items()
    }
    return {
        extra: tuple(each for name in strings(names) for each in optional.get(name, ()))
        for extra, names in table(poetry, "extras").items()
    }


def read_pipfile(pipfile: Mapping[str, Any]) -> Declaration:
    """Return `packages`, and `dev-packages` as the group dev, which is asked for."""
    converter = RequirementConverter()
    minor = table(pipfile, "requires").get("python_version")
    installs = tuple(converter.requirements(table(pipfile, "packages")))
    dev = table(pipfile, "dev-packages")
    groups = {"dev": tuple(converter.requirements(dev))} if dev else {}
    return Declaration(
        requires_python=f"=={minor}.*" if isinstance(minor, str) and minor else "",
        installs=installs,
        groups=groups,
        extras=tuple(groups),
        notes=(*converter.notes, "What the Pipfile names is installed."),
    )


@dataclass
class RequirementConverter:
    """Converts tables of dependencies, and notes in sentences what has no PEP 508 equivalent."""

    notes: list[str] = field(default_factory=list)

    def requirements(
        self, dependencies: Mapping[str, Any], *, optional: bool = False
    ) -> Iterator[str]:
        """Yield a table's requirements, but no Python, local paths or unasked-for optional ones."""
        for name, value in dependencies.items():
            if canonicalize_name(name) == PYTHON:
                continue
            for each in value if isinstance(value, list) else [value]:
                entry = {"version": each} if isinstance(each, str) else table(each)
                if entry.get("optional") is True and not optional:
                    continue
                if "path" in entry:
                    continue
                if "git" in entry or "url" in entry:
                    yield _direct_reference(name, entry)
                    continue
                if any(key in entry for key in NON_REGISTRY_KEYS):
                    self.notes.append(f"{name} is not installed: it comes from outside a registry.")
                    continue
                yield self._requirement(name, entry)

    def _requirement(self, name: str, entry: Mapping[str, Any]) -> str:
        """Return an entry's PEP 508 requirement, without a version or marker that is not valid."""
        constraint = str(entry.get("version", "*"))
        versions = to_pep440(constraint)
        if versions is None:
            self.notes.append(
                f"{name} is installed in any version: {constraint} has no equivalent in PEP 440."
            )
        extras = ",".join(strings(entry.get("extras")))
        text = f"{name}[{extras}]" if extras else name
        text += versions or ""
        marker = " and ".join(_markers(entry))
        with_marker = f"{text} ; {marker}" if marker else text
        return with_marker if is_requirement(with_marker) else text


def _direct_reference(name: str, entry: Mapping[str, Any]) -> str:
    """Return the requirement of a package from a repository or a URL."""
    return f"{name} @ {entry['url'] if 'url' in entry else repository_url(entry)}"


def to_pep440(constraint: str) -> str | None:
    """Convert a version constraint of Poetry to PEP 440; None if it has no equivalent there.

    Any version is empty. By https://python-poetry.org/docs/dependency-specification/.
    """
    if "|" in constraint:
        return None
    # Both commas and spaces mean "and"; a space may also follow an operator.
    compact = re.sub(r"([<>=!~^])\s+", r"\1", constraint.strip())
    try:
        clauses = [_clause(each) for each in re.split(r"[\s,]+", compact) if each]
        specifier = ",".join(each for each in clauses if each)
        SpecifierSet(specifier)
    except (InvalidVersion, InvalidSpecifier):
        return None
    return specifier


def _clause(constraint: str) -> str:
    """Convert a clause to PEP 440, empty for `*`. Raises `InvalidVersion` for a bad `^` or `~`."""
    if constraint == "*":
        return ""
    if constraint.startswith("^"):
        return _range_below(constraint[1:], _next_breaking)
    if constraint.startswith("~") and not constraint.startswith("~="):
        return _range_below(constraint[1:], _next_minor)
    if constraint[0] in "<>=!~":
        return f"={constraint}" if re.match(r"=[^=]", constraint) else constraint
    return f"=={constraint}"


def _range_below(version: str, next_release: Callable[[tuple[int, ...]], tuple[int, ...]]) -> str:
    """Return the specifier from a version to below its next release. Raises `InvalidVersion`."""
    end = next_release(Version(version).release)
    return f">={version},<{'.'.join(map(str, end))}"


def _next_breaking(release: tuple[int, ...]) -> tuple[int, ...]:
    """Increase the first number that is not zero, or else the last, and drop those after it."""
    place = next((n for n, each in enumerate(release) if each), len(release) - 1)
    return (*release[:place], release[place] + 1)


def _next_minor(release: tuple[int, ...]) -> tuple[int, ...]:
    """Increase the second number of a release, or its only one, and drop those after it."""
    return (release[0], release[1] + 1) if len(release) > 1 else (release[0] + 1,)


def _markers(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield the environment markers of a dependency, with its Python and platform as such."""
    if isinstance(marker := entry.get("markers"), str):
        yield f"({marker})"
    if isinstance(platform := entry.get("platform"), str):
        yield f"sys_platform == '{platform}'"
    for each in SpecifierSet(to_pep440(str(entry.get(PYTHON, "*"))) or ""):
        version = each.version.removesuffix(".*")
        name = "python_full_version" if version.count(".") > 1 else "python_version"
        yield f"{name} {each.operator} '{version}'"
