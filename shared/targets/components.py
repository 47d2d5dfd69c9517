"""The components of a target, and which paths no patch may touch."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from pathspec import GitIgnoreSpec

from shared.contracts.base import Value
from shared.kernel.errors import Rejected
from shared.targets import node
from shared.targets.config import TargetConfig
from shared.targets.tree import Tree

# What decides whether a change is good must not be changed by it.
PROTECTED = (
    "test_*.py",
    "*_test.py",
    "*_tests.py",
    "tests.py",
    "conftest.py",
    "test/",
    "tests/",
    "testing/",
    "pytest.ini",
    ".pytest.ini",
    "pytest.toml",
    ".pytest.toml",
    "sitecustomize.py",
    "usercustomize.py",
    "tox.ini",
    "noxfile.py",
    "setup.py",
    "setup.cfg",
    "pyproject.toml",
    "requirements*.txt",
    "requirements/",
    "*.lock",
    "*.test.*",
    "*.spec.*",
    "__tests__/",
    "jest.config.*",
    "vitest.config.*",
    ".mocharc*",
    "eslint.config.*",
    ".eslintrc*",
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "pnpm-lock.yaml",
    ".npmrc",
    "go.mod",
    "go.sum",
    "Makefile",
    "Dockerfile*",
    "docker-compose*.yml",
    ".git*",
    ".github/",
    ".gitlab-ci.yml",
    ".circleci/",
    ".ci/",
    ".pre-commit-config.yaml",
    "ruff.toml",
    ".ruff.toml",
    "groundswell.toml",
)
OUTSIDE = re.compile(
    r"^(?:docs?|examples?|bench(?:marks?)?|scripts?|tools|build|dist|vendor|\.[^/]*)/",
    re.IGNORECASE,
)
ROOTS = ("src/", "lib/", "")
CODEOWNERS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
SPLIT_FROM = 2


class Component(Value):
    """A named part of a target. `reason` says in a sentence where it comes from."""

    name: str
    paths: tuple[str, ...]
    source: str
    owners: tuple[str, ...] = ()
    reason: str = ""


@lru_cache(maxsize=256)
def _spec(patterns: tuple[str, ...]) -> GitIgnoreSpec:
    try:
        return GitIgnoreSpec.from_lines(patterns)
    except ValueError as error:
        raise Rejected(
            f"A path pattern cannot be read: {error}.",
            hint="Patterns are written as in .gitignore.",
            code="bad_pattern",
        ) from error


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether gitignore-style `patterns` cover `path`."""
    return _spec(tuple(patterns)).match_file(path)


def is_protected(path: str, config: TargetConfig) -> bool:
    """Whether a patch needs a person's word to change `path`."""
    return matches(path, PROTECTED + config.policy.protected)


def component_of(path: str, components: Sequence[Component]) -> str | None:
    """The component that owns `path`: the last one that covers it, as in CODEOWNERS."""
    owner = None
    for each in components:
        if matches(path, each.paths):
            owner = each.name
    return owner


def find_components(tree: Tree, config: TargetConfig) -> tuple[Component, ...]:
    """From `groundswell.toml`, else CODEOWNERS, else inferred; without those that own no source."""
    found = _configured(config) or _from_codeowners(tree) or _inferred(tree, config)
    ours = node.is_source if node.read(tree) else _is_python
    sources = [path for path in tree.files() if ours(path)]
    owned = {component_of(path, found) for path in sources if not is_protected(path, config)}
    return tuple(each for each in found if each.name in owned)


def _is_python(path: str) -> bool:
    return path.endswith(".py")


def _configured(config: TargetConfig) -> tuple[Component, ...]:
    return tuple(
        Component(
            name=each.name,
            paths=each.paths,
            source="groundswell.toml",
            owners=each.owners,
            reason="named in groundswell.toml",
        )
        for each in config.component
    )


def _from_codeowners(tree: Tree) -> tuple[Component, ...]:
    """One component per CODEOWNERS entry that names a part; a `*` for everything names none."""
    content = next((data for path in CODEOWNERS if (data := tree.read(path))), b"")
    found = []
    for line in content.decode(errors="replace").splitlines():
        pattern, *owners = line.split("#")[0].split() or [""]
        name = pattern.strip("/*").replace("/", ".")
        if name and owners and not name.startswith("["):
            found.append(
                Component(
                    name=name,
                    paths=(pattern,),
                    source="CODEOWNERS",
                    owners=tuple(owners),
                    reason=f"{pattern} is owned by {' '.join(owners)}",
                )
            )
    return tuple(found)


def _inferred(tree: Tree, config: TargetConfig) -> tuple[Component, ...]:
    """Top-level packages and modules; a package with several subpackages is split into those."""
    if node.read(tree) is not None:
        return _inferred_node(tree, config)
    sources = [
        path
        for path in tree.files()
        if path.endswith(".py") and not is_protected(path, config) and not OUTSIDE.match(path)
    ]
    root = next(
        each for each in ROOTS if any(path.startswith(each) for path in sources) or not each
    )
    inside = [path.removeprefix(root) for path in sources if path.startswith(root)]
    packages = {
        path.removesuffix("/__init__.py") for path in inside if path.endswith("/__init__.py")
    }
    found: list[Component] = []
    for package in sorted(each for each in packages if "/" not in each):
        found += _package(root, package, packages)
    for module in sorted(path for path in inside if "/" not in path):
        if module not in {"__init__.py", "__main__.py"}:
            found.append(_component(module.removesuffix(".py"), f"/{root}{module}", "a module"))
    return tuple(found)


def _inferred_node(tree: Tree, config: TargetConfig) -> tuple[Component, ...]:
    """Each package of a workspace, else src or lib, else the modules at the root."""
    sources = [
        path
        for path in tree.files()
        if node.is_source(path) and not is_protected(path, config) and not OUTSIDE.match(path)
    ]
    found: dict[str, Component] = {}
    for path in sources:
        top, _, rest = path.partition("/")
        if not rest:
            found.setdefault("root", _component("root", "/*.*", "the modules at the root"))
        elif top == "packages" and "/" in rest:
            name = rest.partition("/")[0]
            found.setdefault(
                name, _component(name, f"/packages/{name}/", "a package of the workspace")
            )
        else:
            found.setdefault(top, _component(top, f"/{top}/", "a folder"))
    return tuple(found[name] for name in sorted(found))


def _package(root: str, package: str, packages: set[str]) -> list[Component]:
    parts = sorted(each for each in packages if each.rpartition("/")[0] == package)
    if len(parts) < SPLIT_FROM:
        return [_component(package, f"/{root}{package}/", "a package")]
    whole = _component(package, f"/{root}{package}/*.py", "the modules of a package")
    split = [
        _component(each.replace("/", "."), f"/{root}{each}/", "a subpackage") for each in parts
    ]
    return [whole, *split]


def _component(name: str, pattern: str, kind: str) -> Component:
    paths = (pattern,)
    return Component(name=name, paths=paths, source="inferred", reason=f"{pattern}: {kind}")
