"""The names that a whole repository takes from its modules, by the graph of its imports."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cached_property

from shared.behaviour.file_names import DOTTED, FileNames, absolute, read_names
from shared.behaviour.import_effects import effect_of_module, is_plain_standard_module
from shared.behaviour.loading import Loading
from shared.detectors.imports.graph import read_graph
from shared.kernel.syntax import parse
from shared.targets.tree import Tree, is_typed

PYTHON = (".py", ".pyi", ".pyw")
# Files in which names are given as text: entry points, settings, documentation.
TEXTS = (".toml", ".cfg", ".ini", ".yaml", ".yml", ".json", ".rst", ".md", ".txt")
MAX_TEXT_BYTES = 1_000_000
PUBLISHED_FILES = ("api.py", "compat.py", "_compat.py")
MAX_IMPORT_DEPTH = 20
# What finds the names of a module or class without spelling them.
LISTING = re.compile(rb"\b(?:getmembers|vars|dir)\(|__dict__")
MIN_COMPOSING_CHARACTERS = 2


class RepositoryNames:
    """The `NamesTaken` of a repository at one commit; each of its files is read at most once.

    Modules are found by the end of their path, so that it does not matter which directory is on
    the path: `from b.c import x` takes `x` from `a/b/c.py` as well.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._with_word: dict[frozenset[str], str] = {}

    def taken(self, path: str, name: str) -> str:
        """Return which file takes a name from the module at `path`; empty if none does."""
        stem, dotted = _stem(path), _dotted(path)
        for other, names in self._files.items():
            if other != path and (how := _takes(names, dotted, stem, name)):
                return f"{other} {how}"
        for other, words in self._texts.items():
            if any(_has_dotted_part(word, f"{stem}.{name}") for word in words):
                return f"{other} names `{stem}.{name}`"
        return ""

    def mentioned(self, path: str, name: str) -> str:
        """Return which other file may have a name in any way, as a clause; empty if none has.

        A file of any kind counts if the name is in it, or a part of it from or up to an underscore
        as a word of its own; and one that has the module's name and lists what is in objects.
        """
        parts = re.compile("|".join([re.escape(name), *_composing(name)]).encode())
        stem = re.compile(rf"\b{re.escape(_stem(path))}\b".encode())
        for other in self._tree.files():
            content = self._content(other) if other != path else b""
            if parts.search(content):
                return f"{other} may mention `{name}`"
            if other.endswith(PYTHON) and LISTING.search(content) and stem.search(content):
                return f"{other} may list what is in `{_stem(path)}`"
        return ""

    def with_word(self, words: frozenset[str]) -> str:
        """Return which Python file has one of these words, as a clause; empty if none has."""
        if words not in self._with_word:
            pattern = re.compile(rf"\b(?:{'|'.join(sorted(words))})\b".encode())
            paths = (path for path in self._tree.files() if path.endswith(PYTHON))
            found = ((path, pattern.search(self._content(path))) for path in paths)
            clauses = (f"{path} has `{e[0].decode()}`" for path, e in found if e)
            self._with_word[words] = next(clauses, "")
        return self._with_word[words]

    def published(self, path: str, name: str) -> str:
        """Return why a name of the module at `path` is public; empty if it is not."""
        file = path.rpartition("/")[2]
        if file in PUBLISHED_FILES:
            return f"{file} is there to be imported from"
        if file in {"__init__.py", "__init__.pyi"}:
            return "what a package imports is there to be imported from it"
        if is_typed(path, self._tree) and f"{name} as {name}" in self._same_aliases(path):
            return f"the package is typed, and `{name} as {name}` exports it"
        return ""

    def import_effect(self, module: str, level: int, path: str) -> str:
        """Return what else importing a module does, as a clause; empty if nothing."""
        dotted = absolute(module, level, path)
        return self._effect(dotted, frozenset()) or self._reached_by_package(dotted, path)

    def defines(self, module: str, level: int, path: str, name: str) -> bool:
        """Return whether a module of the repository binds a name without an import."""
        found = self._find(absolute(module, level, path))
        if found is None:
            return False
        return name in _top_level_names(self._content(found))

    def _effect(self, dotted: str, seen: frozenset[str]) -> str:
        """Return what importing a module does besides defining what is in it; empty if nothing."""
        if is_plain_standard_module(dotted):
            return ""
        path = self._find(dotted)
        if path is None:
            return f"`{dotted}` is not in the repository, and importing it may do anything"
        if dotted in seen:
            return ""
        seen |= {dotted}
        if len(seen) > MAX_IMPORT_DEPTH:
            return f"`{dotted}` imports too much to follow"
        why = effect_of_module(self._content(path))
        if why:
            return f"importing {path} {why}"
        parts = dotted.split(".")
        parents = [".".join(parts[:n]) for n in range(1, len(parts))]
        for each in (*parents, *self._imported_by(path)):
            parent_missing = each in parents and self._find(each) is None
            if not parent_missing and (why := self._effect(each, seen)):
                return why
        return ""

    def _reached_by_package(self, dotted: str, path: str, within: str = "") -> str:
        """Return which file reads a submodule as an attribute without importing it itself.

        Only files whose paths begin with `within` are looked at.

        Importing a submodule makes it an attribute of its package, for every file. Returns an empty
        text if none does.
        """
        package, _, name = dotted.rpartition(".")
        if not package or is_plain_standard_module(dotted):
            return ""
        for other, names in self._files.items():
            itself = dotted in names.modules or (package, name) in names.imported
            is_another = other != path and other.startswith(within)
            if is_another and not itself and _takes(names, package, _last(package), name):
                return f"{other} may reach `{dotted}` by its package"
        return ""

    def _imported_by(self, path: str) -> Iterator[str]:
        """Yield the dotted names of the modules that importing a file imports."""
        names = read_names(path, self._content(path))
        yield from sorted(names.modules - {"__future__"})
        for module, name in sorted(names.imported):
            if self._find(f"{module}.{name}") is not None:
                yield f"{module}.{name}"

    @cached_property
    def loading(self) -> Loading:
        """What importing the files of the repository loads."""
        return Loading(read_graph(self._tree), self._content, self._reached_by_package)

    @cached_property
    def _files(self) -> Mapping[str, FileNames]:
        """The names that each Python file mentions, by its path."""
        return {
            path: read_names(path, self._content(path))
            for path in self._tree.files()
            if path.endswith(PYTHON)
        }

    @cached_property
    def _texts(self) -> Mapping[str, frozenset[str]]:
        """The names, dotted or not, in each text file of at most 1 MB, by its path."""
        found = {}
        for path in self._tree.files():
            content = self._content(path) if path.endswith(TEXTS) else b""
            if 0 < len(content) <= MAX_TEXT_BYTES:
                found[path] = frozenset(DOTTED.findall(content.decode(errors="replace")))
        return found

    @cached_property
    def _modules(self) -> Mapping[str, list[str]]:
        """The paths of modules by the last part of their dotted names."""
        found: dict[str, list[str]] = {}
        for path in self._tree.files():
            if path.endswith(PYTHON):
                found.setdefault(_stem(path), []).append(path)
        return found

    def _find(self, dotted: str) -> str | None:
        """Return the shortest path of a module of that name; None if there is none."""
        candidates = self._modules.get(dotted.rpartition(".")[2], [])
        fitting = [each for each in candidates if _refers(dotted, _dotted(each))]
        return min(fitting, key=len, default=None)

    def _content(self, path: str) -> bytes:
        """Return the content of a file; empty where there is none."""
        return self._tree.read(path) or b""

    def _same_aliases(self, path: str) -> frozenset[str]:
        """Return the aliases in a file that rename nothing, such as `x as x`."""
        text = self._content(path).decode(errors="replace")
        return frozenset(
            f"{one} as {other}"
            for one, other in re.findall(r"\b(\w+)\s+as\s+(\w+)\b", text)
            if one == other
        )


def _takes(names: FileNames, dotted: str, stem: str, name: str) -> str:
    """Return how a file takes a name from a module, as the end of a clause; else empty."""
    for module, imported in names.imported:
        if imported in {name, "*"} and _refers(module, dotted):
            return f"imports `{imported}` from it"
    aliases = {alias for alias, origin in names.aliases if _refers(origin, dotted)}
    called = {stem} | aliases
    for base, attribute in names.attributes:
        # A module that is imported may have got another name, or none, before the dot.
        if attribute == name and (base in called or (aliases and base not in names.bound)):
            return f"uses `{stem}.{name}`"
    if any(_has_dotted_part(word, f"{stem}.{name}") for word in names.words):
        return f"names `{stem}.{name}` in a string"
    if name in names.words and aliases:
        return f"imports it and has `{name}` in a string"
    return ""


def _composing(name: str) -> Iterator[str]:
    """Yield patterns of the parts of a name that code may put together to it at an underscore."""
    for n, letter in enumerate(name):
        before, after = name[:n].strip("_"), name[n:].strip("_")
        if letter == "_" and len(before) >= MIN_COMPOSING_CHARACTERS and after:
            yield rf"\b{name[: n + 1]}\b"
        if letter == "_" and before and len(after) >= MIN_COMPOSING_CHARACTERS:
            yield rf"\b{name[n:]}\b"


def _refers(imported: str, dotted: str) -> bool:
    """Return whether importing `imported` may mean the module with the dotted path `dotted`."""
    return bool(imported) and (dotted == imported or dotted.endswith(f".{imported}"))


def _has_dotted_part(word: str, part: str) -> bool:
    """Return whether the dotted name `part` is, or is a part of, a dotted word."""
    plain = word.replace(":", ".")
    return plain == part or plain.endswith(f".{part}") or f".{part}." in f".{plain}."


def _dotted(path: str) -> str:
    """Return the dotted name of the module at a path, counted from the root."""
    parts = path.rpartition(".")[0].split("/")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _last(dotted: str) -> str:
    """Return the last part of a dotted name."""
    return dotted.rpartition(".")[2]


def _stem(path: str) -> str:
    """Return the last part of the dotted name of the module at a path."""
    return _last(_dotted(path))


def _top_level_names(content: bytes) -> frozenset[str]:
    """Return the names that a module defines at its top level; none if it does not parse."""
    try:
        tree = parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found.update(each.id for each in node.targets if isinstance(each, ast.Name))
        elif isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return frozenset(found)
