"""The requirements that a Python target declares, read from its files without running them.

`shared.targets.declared` has a reader per kind of file; this module decides which of them counts.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from shared.targets import plugins
from shared.targets.declared import locks, nox, poetry, project, setuptools, tox
from shared.targets.declared.declaration import (
    Declaration,
    choose_test_group,
    is_development_tool,
    is_requirement,
    name_of,
    read_toml,
    strings,
    table,
)
from shared.targets.projects import SubTree, is_installable, project_name
from shared.targets.tree import Tree

TEST_REQUIREMENT_FILES = (
    "requirements-test.txt",
    "requirements-tests.txt",
    "requirements_test.txt",
    "test-requirements.txt",
    "test_requirements.txt",
    "requirements/test.txt",
    "requirements/tests.txt",
    "requirements/testing.txt",
)
DEV_REQUIREMENT_FILES = (
    "requirements-dev.txt",
    "requirements_dev.txt",
    "dev-requirements.txt",
    "requirements/dev.txt",
)
REQUIREMENT_FILE_PREFIX = "-r "
PYTHONS = ((2, 7), *((3, minor) for minor in range(15)))
DEFAULT_PYTHON = (3, 9)
LOWER_BOUNDS = {">=", ">", "~=", "==", "==="}
PYTHON_VERSION_FILE = ".python-version"


@dataclass(frozen=True)
class DeclaredRequirements:
    """Requirement specifiers and requirement files to install, and the Python they are for.

    `requires_python` is a specifier, `prefers_python` a version or its beginning. `constraints` are
    versions pinned by a lock file. `has_build` is true if the project at the root can itself be
    installed, and `projects` are the folders of others that can. `notes` are whole sentences for
    the user.
    """

    requires_python: str = ""
    prefers_python: str = ""
    installs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    has_build: bool = False
    projects: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read(tree: Tree, folders: Sequence[str] = ()) -> DeclaredRequirements:
    """Return all that the project at the root and those in `folders` declare.

    A note names what can only be read by running code.
    """
    found = [("", _read_project(tree))]
    found += [(each, _read_project(SubTree(tree, each))) for each in folders]
    own = {project_name(SubTree(tree, each)) for each in folders} | {project_name(tree)}
    specifiers = dict.fromkeys(each.requires_python for _, each in found if each.requires_python)
    preferred = [each.prefers_python for _, each in found if each.prefers_python]
    notes = [_located(note, folder) for folder, each in found for note in each.notes]
    if folders:
        notes.append(f"Projects of this repository: {', '.join(folders)}.")
    return DeclaredRequirements(
        requires_python=",".join(specifiers),
        prefers_python=preferred[0] if preferred else "",
        installs=tuple(
            dict.fromkeys(x for _, e in found for x in e.installs if name_of(x) not in own - {""})
        ),
        files=tuple(
            f"{folder}/{file}".lstrip("/") for folder, each in found for file in each.files
        ),
        constraints=tuple(dict.fromkeys(x for _, each in found for x in each.constraints)),
        has_build=found[0][1].has_build,
        projects=tuple(folder for folder, each in found[1:] if each.has_build),
        notes=tuple(dict.fromkeys(notes)),
    )


def _located(note: str, folder: str) -> str:
    """Return a note with the folder that it is about in front; the root has none."""
    return f"{folder}: {note}" if folder else note


def _read_project(tree: Tree) -> DeclaredRequirements:
    """Return what the project at the root of a tree declares."""
    pyproject, notes = read_toml(tree, "pyproject.toml")
    declarations = [project.read(pyproject), poetry.read(pyproject), setuptools.read(tree)]
    lock = locks.read(tree)
    collected = _Requirements(tree, [*notes, *(n for each in declarations for n in each.notes)])
    for each in declarations:
        collected.add(each)
    collected.add_tests(pyproject)
    collected.add_plugins(plugins.needed_plugins(tree, pyproject))
    if lock and lock.constraints:
        collected.notes.append(f"Versions are those of {lock.file}, where they are available.")
    return DeclaredRequirements(
        requires_python=_requires_python(tree, pyproject, [*declarations, *collected.more], lock),
        prefers_python=_preferred_python(tree),
        installs=tuple(dict.fromkeys(each for each in collected.installs if is_requirement(each))),
        files=tuple(dict.fromkeys(collected.files)),
        constraints=lock.constraints if lock else (),
        has_build=is_installable(tree),
        notes=tuple(dict.fromkeys(collected.notes)),
    )


def _requires_python(
    tree: Tree,
    pyproject: Mapping[str, Any],
    declarations: Iterable[Declaration],
    lock: locks.LockedVersions | None,
) -> str:
    """Return the first specifier that is declared, else that of the lock.

    Before the lock come the oldest Python of the classifiers and of tox's environments.
    """
    declared = next((each.requires_python for each in declarations if each.requires_python), "")
    return (
        declared
        or _not_older_than(
            *setuptools.pythons(_classifiers(tree, pyproject)), *tox.pythons(tree, pyproject)
        )
        or (lock.requires_python if lock else "")
    )


def _not_older_than(*pythons: tuple[int, int]) -> str:
    """Return a specifier for the oldest of these and whatever is newer; empty for none."""
    return ">={}.{}".format(*min(pythons)) if pythons else ""


class _Requirements:
    """The requirements to install, collected from one declaration after the other."""

    def __init__(self, tree: Tree, notes: Sequence[str]) -> None:
        self._tree = tree
        self._paths = set(tree.files())
        self._groups: dict[str, tuple[str, ...]] = {}
        self.installs: list[str] = []
        self.files: list[str] = []
        self.more: list[Declaration] = []
        self.notes = list(notes)

    def add(self, declaration: Declaration) -> None:
        """Add what is always needed, and keep the groups to choose from."""
        self._install(declaration.installs)
        self._groups = {**declaration.groups, **self._groups}

    def add_tests(self, pyproject: Mapping[str, Any]) -> None:
        """Add requirements.txt, and a test group, else a file, else what tox, nox, Pipfile have."""
        group = choose_test_group(self._groups)
        if group:
            self._install_groups([group])
            self.notes.append(
                f"The {group} extra or group is installed, without linters and similar tools."
            )
        self._add_first_file("requirements.txt")
        if group or self._add_first_file(*TEST_REQUIREMENT_FILES, *DEV_REQUIREMENT_FILES):
            return
        declaration = tox.read(self._tree, pyproject) or nox.read(self._tree) or self._pipfile()
        if declaration is not None:
            self._add_test_environment(declaration)

    def _add_test_environment(self, declaration: Declaration) -> None:
        """Add what an environment for tests installs, without development tools."""
        self.more.append(declaration)
        self._install(each for each in declaration.installs if not is_development_tool(each))
        self._groups = {**declaration.groups, **self._groups}
        self._install_groups(declaration.extras)
        if declaration.installs or declaration.extras:
            self.notes += declaration.notes

    def add_plugins(self, names: Iterable[str]) -> None:
        """Add the plugins that pytest's configuration uses, unless they are declared."""
        declared = {name_of(each) for each in self.installs if is_requirement(each)}
        for each in names:
            if canonicalize_name(each) not in declared:
                self.installs.append(each)
                self.notes.append(f"{each} is installed because the pytest configuration uses it.")

    def _pipfile(self) -> Declaration | None:
        """Return what the Pipfile declares; None without one. A note says if it is invalid."""
        pipfile, notes = read_toml(self._tree, "Pipfile")
        self.notes += notes
        return poetry.read_pipfile(pipfile) if pipfile else None

    def _install_groups(self, names: Iterable[str]) -> None:
        """Add the requirements of these groups, without development tools."""
        for name in names:
            wanted = self._groups.get(name, ())
            self._install(each for each in wanted if not is_development_tool(each))

    def _install(self, entries: Iterable[str]) -> None:
        """Add requirements; an entry `-r file` adds that requirement file."""
        for each in entries:
            if each.startswith(REQUIREMENT_FILE_PREFIX):
                self._add_first_file(each.removeprefix(REQUIREMENT_FILE_PREFIX).strip())
            else:
                self.installs.append(each)

    def _add_first_file(self, *names: str) -> bool:
        """Add the first of these files that exists and is not empty; return whether one does."""
        for each in names:
            if each in self._paths and (self._tree.read(each) or b"").strip():
                self.files.append(each)
                return True
        return False


def _classifiers(tree: Tree, pyproject: Mapping[str, Any]) -> Sequence[str]:
    """Return the project's trove classifiers in pyproject.toml, else those of setuptools."""
    return strings(table(pyproject, "project").get("classifiers")) or setuptools.classifiers(tree)


def _preferred_python(tree: Tree) -> str:
    """Return the first CPython version in `.python-version`, as pyenv and uv write it; or empty."""
    content = (tree.read(PYTHON_VERSION_FILE) or b"").decode(errors="replace")
    return next(_cpython_versions(content), "")


def _cpython_versions(text: str) -> Iterator[str]:
    """Yield the versions of CPython among the lines of a text."""
    for line in text.splitlines():
        if found := re.fullmatch(r"(?:cpython-)?(3\.\d+(?:\.\d+)?)", line.strip()):
            yield found.group(1)


def oldest_python(requires_python: str) -> tuple[int, int]:
    """Return the oldest Python that a specifier admits; 3.9 where it has no lower bound."""
    admitted = SpecifierSet(requires_python)
    if not any(each.operator in LOWER_BOUNDS for each in admitted):
        return DEFAULT_PYTHON
    known = (each for each in PYTHONS if _admits(admitted, each))
    return next(known, DEFAULT_PYTHON)


def _admits(specifiers: SpecifierSet, python: tuple[int, int]) -> bool:
    """Return whether some release of a Python is among those that are specified."""
    major, minor = python
    return any(specifiers.contains(f"{major}.{minor}.{patch}") for patch in (0, 99))
