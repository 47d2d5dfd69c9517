"""Reader of lock files: the versions they pin for packages from a registry."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.version import InvalidVersion, Version

from shared.kernel.json_data import read_json
from shared.targets.declared.declaration import read_toml, table, version_specifier
from shared.targets.tree import Tree

PackageReader = Callable[[Mapping[str, Any]], Iterator[tuple[str, str]]]
NON_REGISTRY_KEYS = (
    "git",
    "vcs",
    "path",
    "directory",
    "editable",
    "virtual",
    "url",
    "archive",
    "file",
)


@dataclass(frozen=True)
class LockedVersions:
    """The `constraints` of a lock file, `name==version` each, and the path of that `file`."""

    file: str
    constraints: tuple[str, ...]
    requires_python: str = ""


def read(tree: Tree) -> LockedVersions | None:
    """Return the versions in the first lock file there is; None without one.

    A package that is locked in several versions, by markers, is left to the installer.
    """
    for file, (packages, (*path, python)) in LOCK_FILES.items():
        content = tree.read(file)
        if content is None:
            continue
        lock = _parse(tree, file, content)
        versions: dict[str, set[str]] = defaultdict(set)
        for name, version in packages(lock):
            versions[name].add(version)
        constraints = [f"{name}=={max(each)}" for name, each in versions.items() if len(each) == 1]
        requires_python = version_specifier(table(lock, *path).get(python))
        return LockedVersions(file, tuple(sorted(constraints)), requires_python)
    return None


def _parse(tree: Tree, file: str, content: bytes) -> dict[str, Any]:
    """Return the content of a TOML or JSON lock file; empty if it cannot be read."""
    if not file.startswith("Pipfile"):
        return read_toml(tree, file)[0]
    try:
        lock = read_json(content)
    except ValueError:
        return {}
    return lock if isinstance(lock, dict) else {}


def _packages_in(table_name: str) -> PackageReader:
    """Return a reader of the name and version of each registry package in a list of tables."""

    def packages(lock: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Yield the name and version of each registry package of a lock file."""
        entries = lock.get(table_name)
        for each in entries if isinstance(entries, list) else ():
            if not isinstance(each, dict) or not _is_from_registry(each):
                continue
            name, version = each.get("name"), each.get("version")
            if isinstance(name, str) and isinstance(version, str) and _is_version(version):
                yield name, version

    return packages


def _is_from_registry(package: Mapping[str, Any]) -> bool:
    """Return whether a locked package comes from no repository, path or single file."""
    source = table(package, "source")
    # A source with a url may be a registry: Poetry calls any but the usual one "legacy".
    keys = (key for key in NON_REGISTRY_KEYS if key != "url")
    has_other_source = any(key in package or key in source for key in keys)
    return not has_other_source and source.get("type") not in NON_REGISTRY_KEYS


def _pipfile_packages(lock: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the name and version of each package that a Pipfile.lock pins."""
    for section in ("default", "develop"):
        for name, entry in table(lock, section).items():
            version = str(table(entry).get("version", "")).removeprefix("==")
            if _is_version(version):
                yield name, version


def _is_version(text: str) -> bool:
    """Return whether a text is a valid PEP 440 version."""
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


# How the packages of each lock file are read, and the path of keys to the Python it requires.
LOCK_FILES: Mapping[str, tuple[PackageReader, tuple[str, ...]]] = {
    "uv.lock": (_packages_in("package"), ("requires-python",)),
    "poetry.lock": (_packages_in("package"), ("metadata", "python-versions")),
    "pdm.lock": (_packages_in("package"), ("metadata", "requires_python")),
    "pylock.toml": (_packages_in("packages"), ("requires-python",)),
    "Pipfile.lock": (_pipfile_packages, ("_meta", "requires", "python_full_version")),
}
