"""What a target configures for ruff, read without running ruff."""

import posixpath
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.detectors.linters.choices import CodeChoice, FolderChoices
from shared.detectors.linters.ini import entries
from shared.kernel.toml_data import read_toml_text
from shared.targets.tree import Tree

TOOL = "ruff"
# The first of these in a folder counts.
OWN_FILES = (".ruff.toml", "ruff.toml")
PYPROJECT = "pyproject.toml"
MAX_EXTENSIONS = 10
SELECTING = ("select", "extend-select")
IGNORING = ("ignore", "extend-ignore", "unfixable", "extend-unfixable")
PER_FILE = ("per-file-ignores", "extend-per-file-ignores")


@dataclass(frozen=True)
class Configuration:
    """The files that configure ruff for some sources, by path, and what they say by folder.

    `problem` says why they cannot be used, if that is known without running ruff.
    """

    files: Mapping[str, bytes]
    folders: tuple[FolderChoices, ...] = ()
    problem: str = ""

    @property
    def has_root(self) -> bool:
        """True if there is a configuration at the root of the target."""
        return any(not each.folder for each in self.folders)


def read_configuration(tree: Tree, paths: Collection[str]) -> Configuration:
    """Return the configuration in the folders of these paths and above, with what it extends.

    A file outside of the target must not be read, so nothing can be said where one is extended.
    """
    files: dict[str, bytes] = {}
    folders = []
    for folder in sorted({above for path in paths for above in _folders_above(path)}):
        chain = _chain(tree, folder)
        for path, section in chain.items():
            base = _extended(path, section)
            if base is not None and tree.read(base) is None:
                return Configuration({}, problem=f"{path} extends {section['extend']}, not found")
        if chain:
            files |= {path: tree.read(path) or b"" for path in chain}
            folders.append(_choices(folder, list(chain.values())))
    return Configuration(files, tuple(folders))


def _folders_above(path: str) -> Iterator[str]:
    """Yield the folders that a path is in, each with a slash at the end, and the root as ""."""
    parts = path.split("/")[:-1]
    yield from ("".join(f"{each}/" for each in parts[:end]) for end in range(len(parts) + 1))


def _chain(tree: Tree, folder: str) -> dict[str, Mapping[str, Any]]:
    """Return the settings in a folder and those that they extend, by file; none without any."""
    name = _configuring_file(tree, folder)
    found: dict[str, Mapping[str, Any]] = {}
    while name is not None and name not in found and len(found) < MAX_EXTENSIONS:
        content = tree.read(name)
        if content is None:
            break
        found[name] = _section(name, content) or {}
        name = _extended(name, found[name])
    return found


def _extended(name: str, section: Mapping[str, Any]) -> str | None:
    """Return the path of the file that a file with these settings extends; None without one."""
    if "extend" not in section:
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), str(section["extend"])))


def _configuring_file(tree: Tree, folder: str) -> str | None:
    """Return the file that configures ruff in a folder; None where there is none."""
    for name in (folder + each for each in OWN_FILES):
        if tree.read(name) is not None:
            return name
    content = tree.read(folder + PYPROJECT)
    if content is not None and _section(folder + PYPROJECT, content) is not None:
        return folder + PYPROJECT
    return None


def _section(name: str, content: bytes) -> Mapping[str, Any] | None:
    """Return the settings in a file; None where it has none. Of an unreadable one they are empty.

    Ruff itself says why it cannot read it.
    """
    is_own = not name.endswith(PYPROJECT)
    try:
        tables = read_toml_text(content)
    except ValueError:
        return {} if is_own or b"[tool.ruff" in content else None
    tool = tables.get("tool")
    section = tables if is_own else tool.get(TOOL) if isinstance(tool, dict) else None
    return section if isinstance(section, dict) else None


def _choices(folder: str, chain: list[Mapping[str, Any]]) -> FolderChoices:
    """Return what the settings of a chain of files say, of which the first one counts most.

    Patterns of files count from this folder on, also those of a file elsewhere that is extended.
    Ruff takes them from where that file is, and by itself.
    """
    layers, per_file = [], []
    for section in reversed(chain):
        tables = [section, section.get("lint")]
        given = [each for each in tables if isinstance(each, dict)]
        layers.append(CodeChoice(_codes(given, SELECTING), _codes(given, IGNORING)))
        for ignores in (each.get(name) for each in given for name in PER_FILE):
            if isinstance(ignores, dict):
                per_file += [(file, entries(codes)) for file, codes in ignores.items()]
    return FolderChoices(folder, layers=tuple(layers), per_file=tuple(per_file))


def _codes(tables: list[dict[str, Any]], names: Collection[str]) -> tuple[str, ...]:
    """Return the codes in all lists of these names."""
    return tuple(code for each in tables for name in names for code in entries(each.get(name)))
