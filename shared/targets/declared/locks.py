"""The versions that a target's lock file names, for what comes from a registry."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.version import InvalidVersion, Version

from shared.targets.declared.parts import read_toml, specifier, table
from shared.targets.tree import Tree

Reader = Callable[[Mapping[str, Any]], Iterator[tuple[str, str]]]
ELSEWHERE = ("git", "vcs", "path", "directory", "editable", "virtual", "url", "archive", "file")


@dataclass(frozen=True)
class Lock:
    """`constraints` are requirements with one version each; `file` is where they stand."""

    file: str
    constraints: tuple[str, ...]
    requires_python: str = ""


def read(tree: Tree) -> Lock | None:
    """The first lock there is. What it has in several versions, by markers, is left to the installer."""
    for file, (packages, (*path, python)) in READERS.items():
        content = tree.read(file)
        if content is None:
            continue
        told = _content(tree, file, content)
        versions: dict[str, set[str]] = defaultdict(set)
        for name, version in packages(told):
            versions[name].add(version)
        constraints = [f"{name}=={max(each)}" for name, each in versions.items() if len(each) == 1]
        requires = specifier(table(told, *path).get(python))
        return Lock(file, tuple(sorted(constraints)), requires)
    return None


def _content(tree: Tree, file: str, content: bytes) -> dict[str, Any]:
    """What the file says; nothing where it cannot be read."""
    if not file.startswith("Pipfile"):
        return read_toml(tree, file)[0]
    try:
        said = json.loads(content)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _packages(table_name: str) -> Reader:
    """Name and version of each package that a registry has."""

    def found(lock: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        packages = lock.get(table_name)
        for each in packages if isinstance(packages, list) else ():
            if not isinstance(each, dict):
                continue
            source = table(each, "source")
            # Poetry says of a registry that is not the usual one that it is a legacy one.
            away = any(key in each or key in source for key in ELSEWHERE if key != "url")
            away |= source.get("type") in ELSEWHERE
            name, version = each.get("name"), each.get("version")
            if not away and isinstance(name, str) and isinstance(version, str) and _valid(version):
                yield name, version

    return found


def _pipfile(lock: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for section in ("default", "develop"):
        for name, entry in table(lock, section).items():
            version = str(table(entry).get("version", "")).removeprefix("==")
            if _valid(version):
                yield name, version


def _valid(version: str) -> bool:
    try:
        Version(version)
    except InvalidVersion:
        return False
    return True


# How to read the packages of each kind of lock, and where it says for which Python it is.
READERS: Mapping[str, tuple[Reader, tuple[str, ...]]] = {
    "uv.lock": (_packages("package"), ("requires-python",)),
    "poetry.lock": (_packages("package"), ("metadata", "python-versions")),
    "pdm.lock": (_packages("package"), ("metadata", "requires_python")),
    "pylock.toml": (_packages("packages"), ("requires-python",)),
    "Pipfile.lock": (_pipfile, ("_meta", "requires", "python_full_version")),
}
