"""The files of a tree that building its environment reads or executes, found without running it.

Everything that a build starts from is followed by what it mentions: paths of files, and modules
that are imported or named. Mentions are over-approximated, as a file too many only costs a build,
and a file too few lets an environment outlive a change of what made it. What is assembled from
parts at run time cannot be found.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from shared.kernel.syntax import parse
from shared.targets.languages import PYTHON
from shared.targets.paths import matches, normal_path
from shared.targets.tree import Tree

# Read by build tools and task runners by convention, wherever a build is started.
BUILD_FILES = (
    "setup.py",
    "setup.cfg",
    "pyproject.toml",
    "MANIFEST.in",
    "hatch_build.py",
    "build.py",
    "Makefile",
    "makefile",
    "GNUmakefile",
    "justfile",
    "package.json",
    "CMakeLists.txt",
    "meson.build",
    "Cargo.toml",
    "Cargo.lock",
)
EXTENSION_SOURCE_PATTERNS = ("*.c", "*.cc", "*.cpp", "*.cxx", "*.pyx", "*.rs", "*.f90")
COMPILED_SOURCE_PATTERNS = (
    *("*.c", "*.h", "*.cc", "*.hh", "*.cpp", "*.hpp", "*.cxx", "*.hxx", "*.cu", "*.m"),
    *("*.pyx", "*.pxd", "*.pxi", "*.rs", "*.f", "*.f90", "*.s", "*.S", "*.i"),
    *("CMakeLists.txt", "meson.build", "Cargo.toml"),
)
# People read these; a path in them starts nothing. Requirement files are followed by their kind.
PROSE_SUFFIXES = {".md", ".rst", ".adoc", ".html"}
# Configuration names folders to pack or to test them, and runs nothing in them.
CONFIGURATION_SUFFIXES = {".toml", ".cfg", ".ini", ".json", ".txt", ".in"}
PATH = re.compile(r"[\w.+@-]+(?:/[\w.+@-]+)*/?")
DOTTED_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
# Where modules of a tree are imported from, besides the directory of who imports them.
ROOTS = ("", "src/", "lib/")


def is_extension_source(path: str) -> bool:
    """Return whether a file is source code of an extension module."""
    return matches(path, EXTENSION_SOURCE_PATTERNS)


def is_compiled_source(path: str) -> bool:
    """Return whether a file is compiled into an extension module, or decides how one is."""
    return matches(path, COMPILED_SOURCE_PATTERNS)


def setup_inputs(
    tree: Tree, commands: Iterable[str], files: Iterable[str], folders: Iterable[str] = ()
) -> tuple[str, ...]:
    """Return the paths that a build depends on: files, and all that these or commands mention.

    `commands` are shell commands that run in the tree's root. `folders` are those of projects that
    are built, "" for the root; with one, all sources of compiled parts are among the result.
    """
    search = _Search(tree)
    for each in files:
        search.add(each)
    projects = tuple(folders)
    for folder in projects:
        search.add_project(folder)
    for command in commands:
        search.add_project("")
        search.follow(command, "", folders=_ANY)
    search.run()
    compiled = (each for each in tree.files() if projects and is_compiled_source(each))
    return tuple(sorted({*search.found, *compiled}))


# Of which mentioned folders all files are taken.
_NONE, _NESTED, _ANY = range(3)


class _Search:
    """A search of the files that are mentioned from others, each followed once."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._files = frozenset(tree.files())
        self._folders = {
            str(parent) for path in self._files for parent in PurePosixPath(path).parents
        } - {"."}
        self.found: dict[str, None] = {}
        self._waiting: list[str] = []

    def add(self, path: str) -> None:
        """Add a file, to be followed later; a path that is no file of the tree is ignored."""
        if path in self._files and path not in self.found:
            self.found[path] = None
            self._waiting.append(path)

    def add_project(self, folder: str) -> None:
        """Add the build files of the project in a folder."""
        for name in BUILD_FILES:
            self.add(f"{folder}/{name}".lstrip("/"))

    def run(self) -> None:
        """Follow everything that was added."""
        while self._waiting:
            path = self._waiting.pop()
            suffix = PurePosixPath(path).suffix
            if suffix in PROSE_SUFFIXES:
                continue
            text = (self._tree.read(path) or b"").decode(errors="replace")
            folder = path.rpartition("/")[0]
            self.follow(
                text, folder, folders=_NONE if suffix in CONFIGURATION_SUFFIXES else _NESTED
            )
            if PYTHON.has_suffix(path):
                self._follow_imports(text, folder)

    def follow(self, text: str, folder: str, *, folders: int) -> None:
        """Add the files that a text mentions, by paths from its folder or from the root."""
        for mention in dict.fromkeys(PATH.findall(text)):
            for base in dict.fromkeys((folder, "")):
                path = normal_path(f"{base}/{mention}" if base else mention)
                self._add_mentioned(path or "", folders)
        for name in dict.fromkeys(DOTTED_NAME.findall(text)):
            self._add_module(name, folder)

    def _add_mentioned(self, path: str, folders: int) -> None:
        """Add a file; of a folder its build files, or everything if `folders` covers it."""
        self.add(path)
        if path not in self._folders:
            return
        self.add_project(path)
        if folders == _ANY or (folders == _NESTED and "/" in path):
            for each in self._files:
                if each.startswith(f"{path}/"):
                    self.add(each)

    def _follow_imports(self, text: str, folder: str) -> None:
        """Add the modules that Python code in a folder imports, if it can be parsed."""
        try:
            module = parse(text.encode())
        except (SyntaxError, ValueError):
            return
        for name in _imported_names(module):
            self._add_module(name, folder)

    def _add_module(self, name: str, folder: str) -> None:
        """Add a module and its packages; the end of a dotted name may be an attribute."""
        parts = name.split(".")
        for root in dict.fromkeys((f"{folder}/" if folder else "", *ROOTS)):
            for length in range(1, len(parts) + 1):
                stem = root + "/".join(parts[:length])
                self.add(f"{stem}.py")
                self.add(f"{stem}/__init__.py")


def _imported_names(module: ast.Module) -> Iterator[str]:
    """Yield the dotted names that a module imports, relative ones as from its own folder."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            prefix = f"{node.module}." if node.module else ""
            yield from (f"{prefix}{each.name}" for each in node.names)
