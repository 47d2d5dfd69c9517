"""The modules of a target by their dotted names, and what an import in one of them leads to."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

INIT = "__init__"


@dataclass(frozen=True)
class Modules:
    """Python files as modules. `roots` are the folders on the path, "" for the target's own.

    A file in a package is named from the folder above the outermost package. Any file is also
    named from each root above it, as namespace packages are, and from its own folder, as scripts
    beside each other are.
    """

    paths: Sequence[str]
    roots: Sequence[str] = ("",)

    def name(self, path: str) -> str:
        """Return the dotted name by which a file is usually imported."""
        return self._names[path][0]

    def package(self, path: str) -> str:
        """Return the dotted name of the package that relative imports of a file start from."""
        name = self.name(path)
        return name if is_init(path) else name.rpartition(".")[0]

    def find(self, dotted: str, importer: str = "") -> str | None:
        """Return the path of the module that a dotted name means in a file; None if unclear."""
        named = self._by_name.get(dotted, ())
        found = [each for each in named if self._is_on_path(each, dotted, importer)]
        if len(found) > 1:
            beside = [each for each in found if self._root(each) == self._root(importer)]
            found = beside
        return found[0] if len(found) == 1 else None

    def is_ours(self, dotted: str) -> bool:
        """Return whether the first part of a dotted name is that of a module of the target."""
        return dotted.partition(".")[0] in self._top_names

    def parents(self, path: str) -> Iterator[str]:
        """Yield the `__init__.py` of each package around a file, the outermost first."""
        parts = self.name(path).split(".")
        for count in range(1, len(parts)):
            found = self.find(".".join(parts[:count]), path)
            if found is not None and found != path:
                yield found

    def absolute(self, module: str, level: int, path: str) -> str | None:
        """Return the dotted name that an import in a file means; None if it leads out of it."""
        if not level:
            return module
        parts = self.package(path).split(".")
        above = parts[: len(parts) - level + 1]
        if not above or not above[0]:
            return None
        return ".".join([*above, *([module] if module else [])])

    @cached_property
    def _names(self) -> Mapping[str, tuple[str, ...]]:
        """The dotted names of each file, the usual one first."""
        known = frozenset(self.paths)
        return {path: tuple(dict.fromkeys(self._names_of(path, known))) for path in self.paths}

    def _names_of(self, path: str, known: frozenset[str]) -> Iterator[str]:
        """Yield the dotted names by which a file may be imported."""
        folder = path.rpartition("/")[0]
        while folder and f"{folder}/{INIT}.py" in known:
            folder = folder.rpartition("/")[0]
        own = path.rpartition("/")[0]
        roots = [each for each in self.roots if _is_below(path, each)]
        if folder == own:
            # In no package: a namespace package of the innermost root, or a script.
            yield _dotted(path, max(roots, key=len, default=""))
        yield _dotted(path, folder)
        for root in sorted(roots, key=len, reverse=True):
            if not _is_below(root, folder) or root == folder:
                yield _dotted(path, root)

    def _is_on_path(self, path: str, dotted: str, importer: str) -> bool:
        """Return whether a file can be found by one of its names where another file imports it.

        The folder of a script is only searched when it, or a test below it, is run.
        """
        folder = path.rpartition("/")[0]
        is_of_script = "." not in dotted and dotted != self.name(path)
        known = not importer or folder in self.roots or is_init(path)
        return known or not is_of_script or _is_below(importer, folder)

    @cached_property
    def _by_name(self) -> Mapping[str, tuple[str, ...]]:
        """The files that a dotted name may mean: those usually called so before all others."""
        usual, other = defaultdict(list), defaultdict(list)
        for path, (first, *rest) in self._names.items():
            usual[first].append(path)
            for each in rest:
                other[each].append(path)
        return {each: tuple(usual.get(each) or other[each]) for each in {*usual, *other} - {""}}

    @cached_property
    def _top_names(self) -> frozenset[str]:
        """The first parts of all dotted names."""
        return frozenset(name.partition(".")[0] for each in self._names.values() for name in each)

    def _root(self, path: str) -> str:
        """Return the folder from which the usual name of a file is counted."""
        if path not in self._names:
            return ""
        depth = self.name(path).count(".") + (2 if is_init(path) else 1)
        return "/".join(path.split("/")[:-depth])


def is_init(path: str) -> bool:
    """Return whether a file is the `__init__.py` of a package."""
    return path.rpartition("/")[2] == f"{INIT}.py"


def _is_below(path: str, folder: str) -> bool:
    """Return whether a path is below a folder or is that folder; all are below ""."""
    return not folder or path == folder or path.startswith(f"{folder}/")


def _dotted(path: str, root: str) -> str:
    """Return the dotted name of a file, counted from a folder."""
    inside = path.removeprefix(f"{root}/") if root else path
    parts = inside.removesuffix(".py").split("/")
    return ".".join(parts[:-1] if parts[-1] == INIT else parts)
