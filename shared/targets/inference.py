"""The components of a target that names none: inferred from its packages, modules and folders."""

import re
from collections.abc import Iterable, Sequence

from shared.targets import node
from shared.targets.components import Component, component_of
from shared.targets.languages import JAVASCRIPT, PYTHON, WORKFLOW, language_of
from shared.targets.projects import project_folders
from shared.targets.tree import Tree

NOT_SOURCE_FOLDERS = re.compile(
    r"^(?:docs?|examples?|bench(?:marks?)?|scripts?|tools|build|dist|vendor|\.[^/]*)/",
    re.IGNORECASE,
)
PYTHON_ROOTS = ("src/", "lib/", "")
MIN_SUBPACKAGES_TO_SPLIT = 2


def infer_components(tree: Tree, files: Iterable[str]) -> tuple[Component, ...]:
    """Return the Python packages and modules among the files, else the folders with source files.

    `files` are those that a patch may change; those of documents, scripts and the like are left
    out. In a Node package only folders with JavaScript count. Folders with n8n workflows beside the
    code are components of their own.
    """
    paths = [path for path in files if not NOT_SOURCE_FOLDERS.match(path)]
    if node.read_package(tree) is not None:
        found = _folders([path for path in paths if JAVASCRIPT.has_suffix(path)])
        return (*_workflow_folders(tree, paths, found), *found)
    python = [path for path in paths if PYTHON.has_suffix(path)]
    if python and (found := _python_components(tree, python)):
        return (*_workflow_folders(tree, paths, found), *found)
    return _folders([path for path in paths if language_of(path, tree.read(path) or b"")])


def _workflow_folders(
    tree: Tree, paths: Iterable[str], code: Sequence[Component]
) -> tuple[Component, ...]:
    """Return the top-level folders of n8n workflows that are in no component of the `code`."""
    names = {each.name for each in code}
    found = [
        path
        for path in paths
        if "/" in path and WORKFLOW.has_suffix(path) and component_of(path, code) is None
        if WORKFLOW.contains(path, tree.read(path) or b"")
    ]
    return tuple(each for each in _folders(found) if each.name not in names)


def _python_components(tree: Tree, sources: Sequence[str]) -> tuple[Component, ...]:
    """Return the folders of what is in no package, then the packages of each project; () if none.

    Namespace packages have no file by which they could be told from other folders.
    """
    folders = project_folders(tree)
    found: dict[str, Component] = {}
    for folder in ("", *folders):
        prefix = f"{folder}/" if folder else ""
        inside = [e for e in sources if e.startswith(prefix) and _project_of(e, folders) == folder]
        for each in _python_packages(inside, prefix):
            name = each.name if each.name not in found else f"{folder}/{each.name}".lstrip("/")
            found[name] = each.model_copy(update={"name": name})
    if not found:
        return ()
    left = [each for each in sources if component_of(each, tuple(found.values())) is None]
    rest = _folders([path for path in left if "/" in path])
    # Of several components that cover a file, the last one owns it.
    return (*(each for each in rest if each.name not in found), *found.values())


def _project_of(path: str, folders: Sequence[str]) -> str:
    """Return the folder of the project that a file is in; empty for the root."""
    return next((each for each in folders if path.startswith(f"{each}/")), "")


def _python_packages(sources: Sequence[str], prefix: str) -> tuple[Component, ...]:
    """Return top-level packages and modules; a package is split into its subpackages if several."""
    roots = [prefix + each for each in PYTHON_ROOTS]
    root = next((each for each in roots if any(path.startswith(each) for path in sources)), prefix)
    inside = [path.removeprefix(root) for path in sources if path.startswith(root)]
    packages = {
        path.removesuffix("/__init__.py") for path in inside if path.endswith("/__init__.py")
    }
    found: list[Component] = []
    for package in sorted(each for each in packages if "/" not in each):
        found += _package(root, package, packages)
    for module in sorted(path for path in inside if "/" not in path):
        if module not in {"__init__.py", "__main__.py"}:
            name = PYTHON.without_suffix(module)
            found.append(_inferred(name, f"/{root}{module}", "a module"))
    return tuple(found)


def _package(root: str, package: str, packages: set[str]) -> list[Component]:
    """Return a package's component; with several subpackages, those of its modules and of each."""
    subpackages = sorted(each for each in packages if each.rpartition("/")[0] == package)
    if len(subpackages) < MIN_SUBPACKAGES_TO_SPLIT:
        return [_inferred(package, f"/{root}{package}/", "a package")]
    modules = _inferred(package, f"/{root}{package}/*.py", "the modules of a package")
    split = (
        _inferred(each.replace("/", "."), f"/{root}{each}/", "a subpackage") for each in subpackages
    )
    return [modules, *split]


def _folders(sources: Sequence[str]) -> tuple[Component, ...]:
    """Return each package of a workspace, each other top-level folder, and the root's own files."""
    found: dict[str, Component] = {}
    for path in sources:
        top, _, rest = path.partition("/")
        if not rest:
            found.setdefault("root", _inferred("root", "/*.*", "the modules at the root"))
        elif top == "packages" and "/" in rest:
            name = rest.partition("/")[0]
            found.setdefault(
                name, _inferred(name, f"/packages/{name}/", "a package of the workspace")
            )
        else:
            found.setdefault(top, _inferred(top, f"/{top}/", "a folder"))
    return tuple(found[name] for name in sorted(found))


def _inferred(name: str, pattern: str, kind: str) -> Component:
    """Return a component with one path pattern; `kind` says in words what that covers."""
    return Component(name=name, paths=(pattern,), source="inferred", reason=f"{pattern}: {kind}")
