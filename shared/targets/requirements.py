"""What a Python target declares to need, read from its files and never by running them.

One reader per kind of file is in `shared.targets.declared`; here is which of them counts for what.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from shared.targets import plugins
from shared.targets.declared import locks, nox, poetry, project, setuptools, tox
from shared.targets.declared.parts import (
    Declaration,
    chosen,
    is_requirement,
    is_tool,
    name_of,
    read_toml,
    strings,
    table,
)
from shared.targets.tree import Tree

TEST_FILES = (
    "requirements-test.txt",
    "requirements-tests.txt",
    "requirements_test.txt",
    "test-requirements.txt",
    "test_requirements.txt",
    "requirements/test.txt",
    "requirements/tests.txt",
    "requirements/testing.txt",
)
DEV_FILES = (
    "requirements-dev.txt",
    "requirements_dev.txt",
    "dev-requirements.txt",
    "requirements/dev.txt",
)
FILE = "-r "
NEWEST, OLDEST, DEFAULT_MINOR = 14, 7, 9
PREFERENCE = ".python-version"


@dataclass(frozen=True)
class Declared:
    """Requirement specifiers and requirement files to install, and the Python they are for.

    `prefers_python` is a version, or the beginning of one. `constraints` are versions that a lock names.
    """

    requires_python: str = ""
    prefers_python: str = ""
    installs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    has_build: bool = False
    notes: tuple[str, ...] = ()


def read(tree: Tree) -> Declared:
    """Everything the target declares; what cannot be read without running it is left out, and said."""
    pyproject, notes = read_toml(tree, "pyproject.toml")
    parts = [project.read(pyproject), poetry.read(pyproject), setuptools.read(tree)]
    lock = locks.read(tree)
    found = _Found(tree, [*notes, *(note for each in parts for note in each.notes)])
    for each in parts:
        found.add(each)
    found.add_tests(pyproject)
    found.add_plugins(plugins.needed(tree, pyproject))
    constraints = lock.constraints if lock else ()
    if lock and constraints:
        found.notes.append(f"Versions are those of {lock.file}, where they can be had.")
    said = [each.requires_python for each in (*parts, *found.more)]
    return Declared(
        requires_python=next(filter(None, said), "")
        or setuptools.oldest_of(_classifiers(tree, pyproject))
        or (lock.requires_python if lock else ""),
        prefers_python=_preference(tree),
        installs=tuple(dict.fromkeys(each for each in found.installs if is_requirement(each))),
        files=tuple(dict.fromkeys(found.files)),
        constraints=constraints,
        has_build="build-system" in pyproject or tree.read("setup.py") is not None,
        notes=tuple(dict.fromkeys(found.notes)),
    )


class _Found:
    """What is to be installed, as one reader after the other adds to it."""

    def __init__(self, tree: Tree, notes: Sequence[str]) -> None:
        self._tree = tree
        self._there = set(tree.files())
        self._groups: dict[str, tuple[str, ...]] = {}
        self.installs: list[str] = []
        self.files: list[str] = []
        self.more: list[Declaration] = []
        self.notes = list(notes)

    def add(self, part: Declaration) -> None:
        """What it always needs, and what it names for those who ask."""
        self._install(part.installs)
        self._groups = {**part.groups, **self._groups}

    def add_tests(self, pyproject: Mapping[str, Any]) -> None:
        """An extra or group; else requirement files; else what tox, nox or a Pipfile would install."""
        extra = chosen(self._groups)
        if extra:
            self._ask_for([extra])
            self.notes.append(
                f"The {extra} extra or group is installed, without linters and the like."
            )
        self._add_file("requirements.txt")
        if extra or self._add_file(*TEST_FILES) or self._add_file(*DEV_FILES):
            return
        part = tox.read(self._tree, pyproject) or nox.read(self._tree) or self._pipfile()
        if part is not None:
            self.more.append(part)
            self._install(each for each in part.installs if not is_tool(each))
            self._groups = {**part.groups, **self._groups}
            self._ask_for(part.extras)
            self.notes += part.notes if part.installs or part.extras else ()

    def add_plugins(self, names: Iterable[str]) -> None:
        """What pytest's configuration cannot do without."""
        known = {name_of(each) for each in self.installs if is_requirement(each)}
        for each in names:
            if canonicalize_name(each) not in known:
                self.installs.append(each)
                self.notes.append(f"{each} is installed because the pytest configuration uses it.")

    def _pipfile(self) -> Declaration | None:
        pipfile, notes = read_toml(self._tree, "Pipfile")
        self.notes += notes
        if not pipfile:
            return None
        return poetry.read_pipfile(pipfile)

    def _ask_for(self, names: Iterable[str]) -> None:
        for name in names:
            self._install(each for each in self._groups.get(name, ()) if not is_tool(each))

    def _install(self, entries: Iterable[str]) -> None:
        for each in entries:
            if each.startswith(FILE):
                self._add_file(each.removeprefix(FILE).strip())
            else:
                self.installs.append(each)

    def _add_file(self, *names: str) -> bool:
        """The first of these that is there and says something."""
        for each in names:
            if each in self._there and (self._tree.read(each) or b"").strip():
                self.files.append(each)
                return True
        return False


def _classifiers(tree: Tree, pyproject: Mapping[str, Any]) -> Sequence[str]:
    return strings(table(pyproject, "project").get("classifiers")) or setuptools.classifiers(tree)


def _preference(tree: Tree) -> str:
    """The first version in `.python-version`, as pyenv and uv write it; other Pythons are not looked for."""
    return next(_versions((tree.read(PREFERENCE) or b"").decode(errors="replace")), "")


def _versions(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if found := re.fullmatch(r"(?:cpython-)?(3\.\d+(?:\.\d+)?)", line.strip()):
            yield found.group(1)


def target_version(requires_python: str) -> str:
    """The oldest Python the target admits, as ruff writes it (`py39`); py39 where it says nothing."""
    if not requires_python:
        return f"py3{DEFAULT_MINOR}"
    admitted = SpecifierSet(requires_python)
    minors = [
        minor
        for minor in range(OLDEST, NEWEST + 1)
        if admitted.contains(f"3.{minor}.99") or admitted.contains(f"3.{minor}.0")
    ]
    return f"py3{min(minors, default=DEFAULT_MINOR)}"
