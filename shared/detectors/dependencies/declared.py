"""What a project declares that it needs, and where in its files."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from shared.detectors.texts import split_lines
from shared.targets.declared import locks, poetry, project, setuptools
from shared.targets.declared.declaration import (
    Declaration,
    is_requirement,
    name_of,
    read_toml,
    table,
)
from shared.targets.projects import SubTree
from shared.targets.tree import Tree

PYPROJECT, REQUIREMENTS = "pyproject.toml", "requirements.txt"
NAME = r"(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)"
END = r"\s*(?:\r?\n|$)"
# One item of a list of requirements, one key of a table of Poetry's, one line for pip.
ITEM = re.compile(rf"^\s*(?P<quote>[\"']){NAME}(?![\w.-])(?:(?!(?P=quote)).)*(?P=quote)\s*,?{END}")
KEY = re.compile(rf"^{NAME}\s*=[^\"'{{\[]*(?:\"[^\"]*\"|'[^']*'|\{{[^{{}}]*\}}){END}")
LINE = re.compile(rf"^{NAME}(?![\w.-])[^#\\\n]*{END}")
PINNED = re.compile(rf"^{NAME}(?:\[[^\]]*\])?\s*===?\s*[^\s*]+")
# With so many lines, all of them pinned, a list is what was installed rather than written by hand.
MIN_FROZEN = 8


@dataclass(frozen=True)
class Dependency:
    """A distribution that a project needs at run time, and the file and line that says so.

    `is_alone` is true if it has that line for itself, so that it can be taken out, and `is_frozen`
    if it is in a list of all that was installed, in which others may need it.
    """

    name: str
    path: str
    line: int
    is_alone: bool
    is_frozen: bool = False


@dataclass(frozen=True)
class Declared:
    """What the project in a folder declares: at run time, in any group, and in its lock file."""

    folder: str
    runtime: tuple[Dependency, ...]
    every: frozenset[str]
    locked: frozenset[str]


def read_declared(tree: Tree, folder: str) -> Declared | None:
    """Return what the project in a folder declares; None where that is nothing, or not all known.

    Only a project whose needs stand in `[project]`, Poetry's table or a `requirements.txt` counts.
    """
    inside: Tree = SubTree(tree, folder) if folder else tree
    pyproject, notes = read_toml(inside, PYPROJECT)
    declarations = [project.read(pyproject), poetry.read(pyproject), setuptools.read(inside)]
    if notes or any(each.notes for each in declarations) or inside.read("setup.py") is not None:
        return None
    prefix = f"{folder}/" if folder else ""
    found = list(_of_pyproject(_text(inside, PYPROJECT), prefix + PYPROJECT, declarations))
    found += _of_requirements(_text(inside, REQUIREMENTS), prefix + REQUIREMENTS)
    if not found:
        return None
    lock = locks.read(inside)
    names = {name for each in declarations for name in _names(each)}
    return Declared(
        folder,
        tuple(found),
        frozenset(names | {each.name for each in found}),
        frozenset(name_of(each) for each in lock.constraints) if lock else frozenset(),
    )


def without(text: str, path: str, dependency: Dependency) -> str:
    """Return a file's text without the line of a dependency; as it was if more would differ."""
    lines = split_lines(text)
    after = "".join(lines[: dependency.line - 1] + lines[dependency.line :])
    is_toml = path.endswith(PYPROJECT)
    if is_toml and _requirements(after) != _requirements(text) - {dependency.name}:
        return text
    return after


def _requirements(text: str) -> frozenset[str]:
    """Return the run-time requirements in the text of a pyproject.toml; none if it is invalid."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return frozenset()
    both = (project.read(data), poetry.read(data))
    return frozenset(name_of(e) for each in both for e in each.installs if is_requirement(e))


def _of_pyproject(
    text: str, path: str, declarations: Sequence[Declaration]
) -> Iterator[Dependency]:
    """Yield the run-time dependencies of a pyproject.toml with their lines."""
    declared = {name_of(e) for d in declarations for e in d.installs if is_requirement(e)}
    data = tomllib.loads(text) if text else {}
    is_poetry = bool(table(data, "tool", "poetry", "dependencies"))
    rows = _rows(text, KEY if is_poetry else ITEM)
    for name in sorted(declared - {"python"}):
        places = [row for each, row in rows if each == name]
        yield Dependency(name, path, places[0] if places else 1, len(places) == 1)


def _of_requirements(text: str, path: str) -> list[Dependency]:
    """Return the dependencies of a requirements.txt, in which each has its line for itself."""
    rows, frozen = _rows(text, LINE), _is_frozen(text)
    return [Dependency(name, path, row, is_alone=True, is_frozen=frozen) for name, row in rows]


def _is_frozen(text: str) -> bool:
    """Return whether a list of requirements is one as `pip freeze` prints it."""
    lines = [each.strip() for each in split_lines(text)]
    wanted = [each for each in lines if each and not each.startswith(("#", "-"))]
    return len(wanted) >= MIN_FROZEN and all(map(PINNED.match, wanted))


def _rows(text: str, pattern: "re.Pattern[str]") -> list[tuple[str, int]]:
    """Return the canonical names that begin lines as a pattern says, with the lines."""
    matches = ((pattern.match(line), row) for row, line in enumerate(split_lines(text), 1))
    return [(canonicalize_name(m.group("name")), row) for m, row in matches if m is not None]


def _names(declaration: Declaration) -> Iterator[str]:
    """Yield the names of all requirements, in whatever group."""
    every = (*declaration.installs, *(e for each in declaration.groups.values() for e in each))
    yield from (name_of(each) for each in every if is_requirement(each))


def _text(tree: Tree, path: str) -> str:
    """Return a file's text, with invalid bytes replaced; empty if there is none."""
    return (tree.read(path) or b"").decode(errors="replace")
