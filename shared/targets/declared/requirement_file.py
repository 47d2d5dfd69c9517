"""Reader of pip's requirement files: nested files, constraints, options, paths and repositories."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from shared.targets.declared.declaration import is_requirement
from shared.targets.paths import normal_path
from shared.targets.tree import Tree

CONTINUATION = re.compile(r"\\\r?\n")
COMMENT = re.compile(r"(^|\s)#.*$")
NESTED = re.compile(r"^(?:-r|--requirement)[\s=]*(\S+)$")
CONSTRAINTS = re.compile(r"^(?:-c|--constraint)[\s=]*(\S+)$")
EDITABLE = re.compile(r"^(?:-e|--editable)[\s=]*(.+)$")
PATH_WITH_EXTRAS = re.compile(r"^(?:file:)?(\.{0,2}[^\s\[;@]*?)/?(\[[\w\s,.-]*\])?\s*(;.*)?$")
REPOSITORY = re.compile(r"^(?:git|hg|svn|bzr)\+\S+")
NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
EGG = re.compile(r"#(?:.*&)?egg=([A-Za-z0-9._-]+)")
# Options that choose where packages come from; uv knows them by the same names.
SOURCE_OPTIONS = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--no-index")
PER_REQUIREMENT_OPTIONS = re.compile(
    r"\s--(?:hash|config-settings?|global-option|install-option)[=\s]\S+"
)
MAX_NESTING = 20


@dataclass(frozen=True)
class RequirementLines:
    """What requirement files ask for, in pip's syntax.

    `requirements` are to install, `constraints` only limit versions. `folders` are the projects of
    the tree to install as they stand there, with their extras, "." for the root. `options` choose
    sources, and `files` are the paths that were read. `notes` name in sentences what cannot be had.
    """

    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_requirement_files(tree: Tree, paths: tuple[str, ...]) -> RequirementLines:
    """Return what files ask for together, nested ones included."""
    reader = _Reader(tree)
    for each in paths:
        reader.read(each, constraints=False)
    found = reader.found
    return RequirementLines(**{name: tuple(dict.fromkeys(each)) for name, each in found.items()})


def folder_of(local: str) -> str:
    """Return the path of a local project without its extras; empty for the root."""
    folder = local.partition("[")[0]
    return "" if folder == "." else folder


@dataclass
class _Reader:
    """Collects what requirement files ask for in `found`, by the fields of `RequirementLines`."""

    tree: Tree
    found: dict[str, list[str]] = field(
        default_factory=lambda: {name: [] for name in RequirementLines.__dataclass_fields__}
    )

    def read(self, path: str, *, constraints: bool, depth: int = 0) -> None:
        """Collect what a file asks for, and the files that it names, each of them once.

        With `constraints`, its requirements only limit versions. `depth` counts nested files, of
        which `MAX_NESTING` are read. A missing file is noted.
        """
        content = self.tree.read(path)
        if content is None:
            self.found["notes"].append(f"{path} is required by a requirement file and is missing.")
            return
        if path in self.found["files"] or depth > MAX_NESTING:
            return
        self.found["files"].append(path)
        for line in _lines(content.decode("utf-8-sig", errors="replace")):
            self._add(line, path, constraints, depth)

    def _add(self, line: str, path: str, constraints: bool, depth: int) -> None:
        """Collect what one line of the file `path` asks for."""
        if nested := NESTED.match(line):
            self.read(self._beside(path, nested[1]), constraints=constraints, depth=depth + 1)
        elif limits := CONSTRAINTS.match(line):
            self.read(self._beside(path, limits[1]), constraints=True, depth=depth + 1)
        elif editable := EDITABLE.match(line):
            self._add_location(editable[1].strip(), path)
        elif line.startswith("-"):
            self._add_option(line, path)
        elif REPOSITORY.match(line) or _is_path(line):
            self._add_location(line, path)
        else:
            self._add_requirement(line, path, constraints)

    def _add_requirement(self, line: str, path: str, constraints: bool) -> None:
        """Collect a requirement without its options; an invalid one by its name, with a note."""
        bare = PER_REQUIREMENT_OPTIONS.sub("", line).strip()
        if "://" not in bare and not is_requirement(bare):
            name = NAME.match(bare)
            said = f"{name[0]} is installed in any version" if name else "it is left out"
            self.found["notes"].append(f"{bare} in {path} is no valid requirement; {said}.")
            bare = name[0] if name and not constraints else ""
        if bare:
            self.found["constraints" if constraints else "requirements"].append(bare)

    def _add_option(self, line: str, path: str) -> None:
        """Collect an option that chooses sources, a note if it needs a variable; ignore others."""
        name = re.split(r"[\s=]", line, maxsplit=1)[0]
        if name in SOURCE_OPTIONS and "$" not in line:
            self.found["options"].append(line)
        elif name in SOURCE_OPTIONS:
            self.found["notes"].append(
                f"{name} in {path} needs a variable that is not passed on; it is left out."
            )

    def _add_location(self, text: str, path: str) -> None:
        """Collect a repository, or a project or package file of the tree; note a missing one."""
        if REPOSITORY.match(text):
            name = EGG.search(text)
            location = text.partition("#")[0] if name else text
            rest = "&".join(
                each for each in text.partition("#")[2].split("&") if each.startswith("subdir")
            )
            location += f"#{rest}" if rest and name else ""
            self.found["requirements"].append(f"{name[1]} @ {location}" if name else text)
            return
        if local := self._local(text, path):
            self.found["folders"].append(local)
        elif (file := normal_path(text.removeprefix("file:"))) and self.tree.read(file) is not None:
            self.found["requirements"].append(f"./{file}")
        else:
            self.found["notes"].append(f"{text} in {path} is not in the repository; left out.")

    def _local(self, text: str, path: str) -> str:
        """Return the project at a path from the root, else from the file's folder; else empty."""
        match = PATH_WITH_EXTRAS.match(text)
        if match is None:
            return ""
        for base in ("", str(PurePosixPath(path).parent)):
            folder = normal_path(f"{base}/{match[1]}" if base not in {"", "."} else match[1])
            if folder is not None and self._has_project(folder):
                return (folder or ".") + (match[2] or "")
        return ""

    def _has_project(self, folder: str) -> bool:
        """Return whether a folder of the tree has a Python project."""
        names = ("pyproject.toml", "setup.py")
        return any(self.tree.read(f"{folder}/{name}".lstrip("/")) is not None for name in names)

    def _beside(self, path: str, other: str) -> str:
        """Return `other` as a path from the root, by `path`'s folder; unchanged if outside."""
        folder = PurePosixPath(path).parent
        return normal_path(str(folder / other)) or other


def _is_path(line: str) -> bool:
    """Return whether a line names a path, not a package or a URL."""
    looks_like_path = line.startswith((".", "/", "file:")) or "/" in line.partition(" ")[0]
    return looks_like_path and " @ " not in line and "://" not in line.removeprefix("file://")


def _lines(text: str) -> Iterator[str]:
    """Yield the lines of a requirement file, continued ones joined, without comments."""
    for line in CONTINUATION.sub(" ", text).splitlines():
        bare = COMMENT.sub("", line).strip()
        if bare:
            yield bare
