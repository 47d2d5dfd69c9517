"""What pyproject.toml says by PEP 621 and PEP 735, and the older tables of uv and PDM."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from shared.targets.declared.parts import (
    Declaration,
    is_requirement,
    name_of,
    specifier,
    strings,
    table,
)

# A source of uv's that is no registry: what a registry has under that name is something else.
ELSEWHERE = ("git", "url", "path", "workspace")


def read(pyproject: Mapping[str, Any]) -> Declaration:
    """Dependencies, extras and groups; what uv takes from elsewhere than a registry is left out."""
    project = table(pyproject, "project")
    extras = {k: strings(v) for k, v in table(project, "optional-dependencies").items()}
    dynamic = table(pyproject, "tool", "setuptools", "dynamic")
    extras |= {k: _files(v) for k, v in table(dynamic, "optional-dependencies").items()}
    groups = {k: strings(v) for k, v in table(pyproject, "tool", "pdm", "dev-dependencies").items()}
    if of_uv := strings(table(pyproject, "tool", "uv").get("dev-dependencies")):
        groups["dev"] = of_uv
    groups |= _groups(table(pyproject, "dependency-groups"))
    elsewhere = {
        canonicalize_name(name)
        for name, source in table(pyproject, "tool", "uv", "sources").items()
        if any(key in source for key in ELSEWHERE)
    }
    installs = strings(project.get("dependencies"))
    named = str(project.get("name", ""))
    every = {
        name: tuple(_without(each, elsewhere))
        for name, each in {
            **_expanded(extras, extras, named),
            **_expanded(groups, extras, named),
        }.items()
    }
    declared = {name_of(each) for each in installs if is_requirement(each)}
    return Declaration(
        requires_python=specifier(project.get("requires-python")),
        installs=(*_without(installs, elsewhere), *_files(dynamic.get("dependencies"))),
        groups=every,
        notes=tuple(
            f"{name} is not installed: pyproject.toml takes it from a place that is no registry."
            for name in sorted(elsewhere & declared)
        ),
    )


def _groups(groups: Mapping[str, Any]) -> dict[str, list[str]]:
    """PEP 735 groups with their includes resolved."""

    def resolve(name: str, seen: frozenset[str]) -> Iterator[str]:
        for each in groups.get(name) or ():
            if isinstance(each, str):
                yield each
            elif (included := table(each).get("include-group")) and included not in seen:
                yield from resolve(included, seen | {included})

    return {name: list(resolve(name, frozenset({name}))) for name in groups}


def _expanded(
    groups: Mapping[str, Iterable[str]], extras: Mapping[str, Iterable[str]], named: str
) -> dict[str, list[str]]:
    """With what `name[extra]` of the project itself stands for: it is not fetched from a registry."""
    own = canonicalize_name(named)

    def resolve(requirements: Iterable[str], seen: frozenset[str]) -> Iterator[str]:
        for each in requirements:
            if not own or not is_requirement(each) or name_of(each) != own:
                yield each
                continue
            for extra in sorted(Requirement(each).extras - seen):
                yield from resolve(extras.get(extra, ()), seen | {extra})

    return {name: list(resolve(each, frozenset({name}))) for name, each in groups.items()}


def _without(requirements: Iterable[str], names: Collection[str]) -> Iterator[str]:
    for each in requirements:
        if not (is_requirement(each) and name_of(each) in names):
            yield each


def _files(dynamic: Any) -> list[str]:
    """The requirement files from which setuptools takes a dynamic field."""
    files = table(dynamic).get("file")
    return [f"-r {each}" for each in ([files] if isinstance(files, str) else strings(files))]
