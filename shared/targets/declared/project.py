"""Reader of pyproject.toml: PEP 621, PEP 735, and the older tables of uv and PDM."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dependency_groups import DependencyGroupResolver
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from shared.targets.declared.declaration import (
    Declaration,
    is_requirement,
    name_of,
    repository_url,
    strings,
    table,
    version_specifier,
)

Groups = dict[str, list[str]]

# Sources of uv's that are no registry; the package of that name in a registry is a different one.
# What comes from a folder of the repository is a project of it.
NON_REGISTRY_SOURCES = ("git", "url", "path", "workspace")


def read(pyproject: Mapping[str, Any]) -> Declaration:
    """Return dependencies, extras and groups.

    What uv takes from git or a URL becomes a direct reference; projects of the repository are left
    out.
    """
    project = table(pyproject, "project")
    dynamic = table(pyproject, "tool", "setuptools", "dynamic")
    extras = _extras(project, dynamic)
    groups, notes = _groups(pyproject)
    installs = strings(project.get("dependencies"))
    elsewhere = _from_elsewhere(pyproject)
    own_name = str(project.get("name", ""))
    return Declaration(
        requires_python=version_specifier(project.get("requires-python")),
        installs=(*_with_sources(installs, elsewhere), *_files(dynamic.get("dependencies"))),
        groups={
            name: tuple(_with_sources(each, elsewhere))
            for name, each in {
                **_expand_own_extras(extras, extras, own_name),
                **_expand_own_extras(groups, extras, own_name),
            }.items()
        },
        notes=tuple(notes),
    )


def _extras(project: Mapping[str, Any], dynamic: Mapping[str, Any]) -> Groups:
    """Return the requirements of each extra; for a dynamic one those are `-r file`."""
    extras = {k: strings(v) for k, v in table(project, "optional-dependencies").items()}
    return extras | {k: _files(v) for k, v in table(dynamic, "optional-dependencies").items()}


def _groups(pyproject: Mapping[str, Any]) -> tuple[Groups, list[str]]:
    """Return the groups and notes; of one name PEP 735's counts, else uv's, else PDM's."""
    groups = {k: strings(v) for k, v in table(pyproject, "tool", "pdm", "dev-dependencies").items()}
    if of_uv := strings(table(pyproject, "tool", "uv").get("dev-dependencies")):
        groups["dev"] = of_uv
    standard, notes = _dependency_groups(table(pyproject, "dependency-groups"))
    return groups | standard, notes


def _dependency_groups(groups: Mapping[str, Any]) -> tuple[Groups, list[str]]:
    """Return PEP 735 groups with their includes; of an invalid group only its own requirements."""
    found, notes = {}, []
    for name, entries in groups.items():
        try:
            resolved = DependencyGroupResolver(groups).resolve(name)
            found[name] = [str(each) for each in resolved]
        # An unknown include, a cycle, and whatever else PEP 735 does not allow.
        except (LookupError, TypeError, ValueError) as error:
            found[name] = strings(entries)
            notes.append(f"The dependency group {name} is not valid: {error}.")
    return found, notes


def _from_elsewhere(pyproject: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the URLs of what uv takes from outside a registry, by canonical name.

    The list is empty for what comes from a folder of the repository.
    """
    found: dict[str, list[str]] = {}
    for name, source in table(pyproject, "tool", "uv", "sources").items():
        entry = table(source)
        if any(key in entry for key in NON_REGISTRY_SOURCES):
            found[canonicalize_name(name)] = [*_location(entry)]
    return found


def _location(source: Mapping[str, Any]) -> Iterator[str]:
    """Yield the URL of a source of uv's, if it has one."""
    if isinstance(url := source.get("url"), str):
        yield url
    elif isinstance(source.get("git"), str):
        yield repository_url(source)


def _expand_own_extras(
    groups: Mapping[str, Iterable[str]], extras: Mapping[str, Iterable[str]], own_name: str
) -> Groups:
    """Replace requirements `name[extra]` on the project itself by those of that extra."""
    own = canonicalize_name(own_name)

    def resolve(requirements: Iterable[str], seen: frozenset[str]) -> Iterator[str]:
        """Yield the requirements, in place of own extras what these require."""
        for each in requirements:
            if not own or not is_requirement(each) or name_of(each) != own:
                yield each
                continue
            for extra in sorted(Requirement(each).extras - seen):
                yield from resolve(extras.get(extra, ()), seen | {extra})

    return {name: list(resolve(each, frozenset({name}))) for name, each in groups.items()}


def _with_sources(
    requirements: Iterable[str], elsewhere: Mapping[str, Iterable[str]]
) -> Iterator[str]:
    """Yield the requirements; those on what is `elsewhere` as direct references to its URLs."""
    for each in requirements:
        if not is_requirement(each) or name_of(each) not in elsewhere:
            yield each
            continue
        wanted = Requirement(each)
        extras = f"[{','.join(sorted(wanted.extras))}]" if wanted.extras else ""
        marker = f" ; {wanted.marker}" if wanted.marker else ""
        for url in elsewhere[name_of(each)]:
            yield f"{wanted.name}{extras} @ {url}{marker}"


def _files(dynamic: Any) -> list[str]:
    """Return `-r file` for each requirement file from which setuptools takes a dynamic field."""
    files = table(dynamic).get("file")
    return [f"-r {each}" for each in ([files] if isinstance(files, str) else strings(files))]
