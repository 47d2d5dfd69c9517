"""The projects in one repository: at its root, in a workspace, or in folders such as `backend/`."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from packaging.utils import canonicalize_name

from shared.targets import plugins
from shared.targets.declared.declaration import read_toml, strings, table
from shared.targets.languages import PYTHON
from shared.targets.paths import matches
from shared.targets.tree import Tree

PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "Pipfile", "requirements.txt")
ROOT_FILES = (
    *(*PROJECT_FILES, "manage.py", "tox.ini", "noxfile.py", "requirements"),
    *plugins.OWN_FILES,
)
NOT_PROJECT_FOLDERS = re.compile(
    r"(?:^|/)(?:docs?|examples?|samples?|tests?|testing|fixtures|templates?|bench(?:marks?)?"
    r"|vendor|_vendor|third_party|node_modules|tools|scripts|\.[^/]*)(?:/|$)",
    re.IGNORECASE,
)
MAX_DEPTH = 2
ENTRY_POINTS = {"scripts", "gui-scripts", "entry-points"}
METADATA_READER = re.compile(rb"importlib[._]metadata|import metadata|pkg_resources|pip freeze")


class SubTree:
    """The files below a folder of a tree, by their paths from there; a `Tree`."""

    def __init__(self, tree: Tree, folder: str) -> None:
        self._tree = tree
        self._prefix = f"{folder}/"
        self.oid = f"{tree.oid}:{folder}"

    def files(self) -> tuple[str, ...]:
        """Return the paths of the regular files, sorted."""
        length = len(self._prefix)
        return tuple(e[length:] for e in self._tree.files() if e.startswith(self._prefix))

    def read(self, path: str) -> bytes | None:
        """Return the content of a regular file; None if there is none at that path."""
        return self._tree.read(self._prefix + path)


def project_folders(tree: Tree) -> tuple[str, ...]:
    """Return the folders of a repository's further projects, sorted; "" is never among them.

    They are the members of its workspace and the folders that its project takes dependencies from;
    without a project at the root, all folders that have one.
    """
    pyproject, _ = read_toml(tree, "pyproject.toml")
    folders = _folders_with_projects(tree)
    declared = set(_workspace(pyproject, folders)) | set(_path_sources(pyproject, ""))
    found = {each for each in declared if each in folders}
    if not found and not _is_project(tree, pyproject):
        found = {each for each in folders if not NOT_PROJECT_FOLDERS.search(each)}
    return tuple(sorted(_outermost(found)))


def project_name(tree: Tree) -> str:
    """Return the canonical name of a tree's project; empty where it is not declared in TOML."""
    pyproject, _ = read_toml(tree, "pyproject.toml")
    name = table(pyproject, "project").get("name") or table(pyproject, "tool", "poetry").get("name")
    return canonicalize_name(name) if isinstance(name, str) else ""


def is_installable(tree: Tree) -> bool:
    """Return whether pip could install what is at the root of a tree."""
    pyproject, _ = read_toml(tree, "pyproject.toml")
    return (
        "build-system" in pyproject
        or "name" in table(pyproject, "project")
        or tree.read("setup.py") is not None
    )


def needs_installing(tree: Tree, *, has_dependencies: bool) -> bool:
    """Return whether it makes a difference that the project at the root of a tree is installed.

    With a build system it always may. A bare `[project]` table only gives entry points, and
    metadata, which the project's own sources or a dependency has to read, as click does for a
    version option; without either it would be built for nothing.
    """
    pyproject, _ = read_toml(tree, "pyproject.toml")
    if has_dependencies or "build-system" in pyproject or tree.read("setup.py") is not None:
        return True
    if "setuptools" in table(pyproject, "tool") or ENTRY_POINTS & set(table(pyproject, "project")):
        return True
    sources = (tree.read(path) or b"" for path in tree.files() if PYTHON.has_suffix(path))
    return any(METADATA_READER.search(each) for each in sources)


def _is_project(tree: Tree, pyproject: Mapping[str, Any]) -> bool:
    """Return whether there is a project at the root, rather than the settings of some tools."""
    others = {each for each in ROOT_FILES if each != "pyproject.toml"} & set(tree.files())
    declares = "project" in pyproject or "build-system" in pyproject
    return bool(others) or declares or "poetry" in table(pyproject, "tool")


def _folders_with_projects(tree: Tree) -> set[str]:
    """Return the folders below the root, at most `MAX_DEPTH` deep, that have a project."""
    paths = (PurePosixPath(each) for each in tree.files())
    return {
        str(each.parent)
        for each in paths
        if each.name in PROJECT_FILES and 1 < len(each.parts) <= MAX_DEPTH + 1
    }


def _workspace(pyproject: Mapping[str, Any], folders: Iterable[str]) -> Iterator[str]:
    """Yield the members of the workspaces of uv, hatch and PDM among the folders."""
    for tool in ("uv", "hatch", "pdm"):
        workspace = table(pyproject, "tool", tool, "workspace")
        members = [f"/{each.strip('/')}" for each in strings(workspace.get("members"))]
        excluded = [f"/{each.strip('/')}" for each in strings(workspace.get("exclude"))]
        for folder in folders if members else ():
            if matches(folder, members) and not (excluded and matches(folder, excluded)):
                yield folder


def _path_sources(pyproject: Mapping[str, Any], folder: str) -> Iterator[str]:
    """Yield the folders from which uv or Poetry takes a dependency of a project in `folder`."""
    poetry = table(pyproject, "tool", "poetry")
    groups = [table(each, "dependencies") for each in table(poetry, "group").values()]
    sources = (
        table(pyproject, "tool", "uv", "sources"),
        table(poetry, "dependencies"),
        table(poetry, "dev-dependencies"),
        *groups,
    )
    for each in sources:
        for source in each.values():
            path = table(source).get("path")
            if isinstance(path, str) and not path.startswith(("/", "..")):
                yield str(PurePosixPath(folder, path))


def _outermost(folders: Iterable[str]) -> Iterator[str]:
    """Yield the folders that are inside none of the others."""
    known = set(folders)
    for each in known:
        if not any(str(parent) in known for parent in PurePosixPath(each).parents):
            yield each
