"""A program that describes what a set-up has left in its environment and in its tree.

It runs in the sandbox, by the target's interpreter (Python 3.8 or later) and with the standard
library only: `inspect_setup.py TREE ENVIRONMENT KNOWN JSON TAR`. KNOWN lists the files that the
tree has from git. It writes the directories that editable installs put on `sys.path`, the entry
points of pytest plugins and a digest of the environment to JSON, and the new files of the tree to
TAR. Whoever reads either must not trust it.
"""

import ast
import configparser
import hashlib
import json
import os
import re
import sys
import tarfile
from pathlib import Path
from typing import Any, Callable  # noqa: UP035 - Python 3.8

# Folders of caches and of build steps, which nothing is imported from.
IGNORED_FOLDERS = re.compile(
    r"^(?:\.git|\.hg|build|dist|target|__pycache__|node_modules|\.?venv|env|\.tox|\.nox|\.eggs"
    r"|\.[a-z]+_cache|.*\.egg-info|.*\.dist-info)$"
)
IGNORED_FILES = re.compile(r".*\.(?:pyc|pyo|o|a|d|obj|log|pth)$|^(?:site|user)customize\.py$")
# Files of an environment that differ from build to build, with what they are made of.
UNSTABLE_FILES = re.compile(r".*\.pyc$|^(?:RECORD|direct_url\.json|uv_cache\.json)$")
MAX_GENERATED_BYTES = 48 << 20
MAX_GENERATED_FILES = 5000


def site_packages(environment: Path) -> "list[Path]":
    """Return the directories that packages are installed in."""
    return sorted(environment.glob("lib/python*/site-packages"))


def roots(tree: Path, folders: "list[Path]") -> "list[str]":
    """Return the directories of the tree that editable installs put on `sys.path`."""
    found: dict[str, None] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.pth")):
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                found[line.strip()] = None
        for path in sorted(folder.glob("__editable__*finder.py")):
            # Of a finder that cannot be read nothing is known; what others say is still wanted.
            for place in _or_empty(_mapped_roots, path):
                found[place] = None
    top = os.path.realpath(tree)
    relative = (
        os.path.relpath(os.path.realpath(each), top) for each in found if Path(each).is_absolute()
    )
    return [each.replace(os.sep, "/") for each in relative if not each.startswith("..")]


def _mapped_roots(finder: Path) -> "list[str]":
    """Return the directories above the packages that a finder of setuptools knows."""
    mapping = _mapping(finder).items()
    return [str(Path(place).parent) for package, place in mapping if Path(place).name == package]


def _mapping(finder: Path) -> "dict[str, str]":
    """Return the directory of each package that a finder of setuptools knows."""
    # Nothing of ours can be imported in the sandbox.
    module = ast.parse(finder.read_text(encoding="utf-8"))  # noqa: TID251
    for node in ast.walk(module):
        target: Any
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            target, value = node.target, node.value
        elif isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
        else:
            continue
        if getattr(target, "id", "") == "MAPPING":
            return dict(ast.literal_eval(value))
    return {}


def pytest_plugins(folders: "list[Path]") -> "list[list[str]]":
    """Return distribution, name and module of each entry point that pytest loads."""
    found = []
    for folder in folders:
        for path in sorted(folder.glob("*.dist-info/entry_points.txt")):
            parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
            parser.optionxform = str  # type: ignore[assignment,method-assign]
            parser.read_string(path.read_text(encoding="utf-8", errors="replace"))
            name = path.parent.name.rpartition(".")[0].partition("-")[0]
            if parser.has_section("pytest11"):
                found += [[name, key, value] for key, value in parser.items("pytest11")]
    return found


def generated(tree: Path, known: "set[str]") -> "list[Path]":
    """Return the regular files of the tree that are not `known`, without caches and the like."""
    found = []
    for folder, names, files in os.walk(tree):
        names[:] = [each for each in names if not IGNORED_FOLDERS.match(each)]
        for name in files:
            path = Path(folder) / name
            relative = path.relative_to(tree).as_posix()
            if relative not in known and not IGNORED_FILES.match(name) and not path.is_symlink():
                found.append(path)
    return sorted(found)


def pack(tree: Path, files: "list[Path]", into: Path) -> str:
    """Write files to an archive and return an empty text, or return why they are too large."""
    size = sum(each.stat().st_size for each in files)
    if size > MAX_GENERATED_BYTES or len(files) > MAX_GENERATED_FILES:
        return (
            "What the set-up made in the tree is too large to be kept: "
            f"{len(files)} files, {size >> 20} MiB."
        )
    with tarfile.open(str(into), "w") as archive:
        for each in files:
            archive.add(str(each), each.relative_to(tree).as_posix(), recursive=False)
    return ""


def contents(tree: Path, environment: Path) -> str:
    """Return a digest of an environment that does not depend on where and when it was built.

    Two with the same digest run the same programs. The paths of the environment and of the tree
    that it was built from are left out, and so are `UNSTABLE_FILES`.
    """
    digest = hashlib.sha256()
    places = {os.fsencode(os.path.realpath(environment)): b"<environment>"}
    places[os.fsencode(os.path.realpath(tree))] = b"<tree>"
    for folder, names, files in os.walk(environment):
        names.sort()
        for name in sorted([*names, *files]):
            path = Path(folder) / name
            if path.is_symlink():
                content = os.fsencode(os.readlink(str(path)))  # noqa: PTH115 - Python 3.8
            elif path.is_file() and not UNSTABLE_FILES.match(name):
                content = path.read_bytes()
            else:
                continue
            for place, stands_for in places.items():
                content = content.replace(place, stands_for)
            relative = os.fsencode(path.relative_to(environment).as_posix())
            digest.update(b"%s\0%o\0%d\0" % (relative, path.lstat().st_mode, len(content)))
            digest.update(content)
    return digest.hexdigest()


def _or_empty(function: "Callable[..., list[Any]]", *arguments: "Any") -> "list[Any]":
    """Return what a function returns; an empty list where a hostile environment made it fail."""
    try:
        return function(*arguments)
    except Exception as error:  # noqa: BLE001 - whatever it is, the rest is still wanted
        print(repr(error), file=sys.stderr)  # noqa: T201
        return []


def main() -> None:
    """Write the description (JSON) and the archive of generated files to paths in `sys.argv`."""
    tree, environment, known, described, packed = map(Path, sys.argv[1:])
    folders = site_packages(environment)
    from_git = set(json.loads(known.read_text(encoding="utf-8")))
    files = generated(tree, from_git)
    note = pack(tree, files, packed) if files else ""
    description = {
        "roots": _or_empty(roots, tree, folders),
        "plugins": _or_empty(pytest_plugins, folders),
        "note": note,
        "contents": contents(tree, environment),
    }
    described.write_text(json.dumps(description), encoding="utf-8")


if __name__ == "__main__":
    main()
