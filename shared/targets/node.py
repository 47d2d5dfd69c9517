"""What a Node package says about itself in its package.json; read, never run."""

import json
import re
from dataclasses import dataclass

from shared.targets.tree import Tree

PACKAGE = "package.json"
SOURCES = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
TEST_FILES = (
    "*.test.*",
    "*.spec.*",
    "*-test.*",
    "*_test.*",
    "test.*",
    "test/",
    "tests/",
    "__tests__/",
)
LOCKS = ("package-lock.json", "npm-shrinkwrap.json")
PYTHON = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt")
NODE_TEST = re.compile(r"\bnode\b[^&|;]*\s--test\b")
LINTER = re.compile(r"^(?:npx\s+)?(?:eslint|standard|xo|biome|oxlint|prettier)\b")


@dataclass(frozen=True)
class NodePackage:
    """`installs` are its dependencies as name@range; `fix` is its own command that repairs what its linter finds.

    `reports` is true where its tests say what each of them did.
    """

    installs: tuple[str, ...]
    test: str
    fix: str
    reports: bool
    notes: tuple[str, ...]


def read(tree: Tree) -> NodePackage | None:
    """The package at the root, unless the target is a Python project too; None where there is none."""
    content = tree.read(PACKAGE)
    files = tree.files()
    if content is None or any(tree.read(each) is not None for each in PYTHON):
        return None
    if any(each.endswith(".py") for each in files) and not any(map(is_source, files)):
        return None
    try:
        package = json.loads(content)
    except ValueError:
        return None
    if not isinstance(package, dict):
        return None
    scripts = {k: v for k, v in _table(package, "scripts").items() if isinstance(v, str)}
    test = scripts.get("test", "")
    reports = bool(NODE_TEST.search(test))
    return NodePackage(
        installs=tuple(
            f"{name}@{wanted}"
            for table in ("dependencies", "devDependencies", "optionalDependencies")
            for name, wanted in sorted(_table(package, table).items())
        ),
        test=test,
        fix=_fix(scripts),
        reports=reports,
        notes=_notes(test, reports=reports),
    )


def is_source(path: str) -> bool:
    """Whether it is JavaScript or TypeScript that somebody wrote."""
    return path.endswith(SOURCES) and not path.endswith((".min.js", ".d.ts"))


def _table(package: dict[str, object], name: str) -> dict[str, object]:
    found = package.get(name)
    return found if isinstance(found, dict) else {}


def _fix(scripts: dict[str, str]) -> str:
    """Its own way to repair: a script for it, or its linter with --fix."""
    for name in ("lint:fix", "lint-fix", "fix"):
        if name in scripts:
            return f"npm run --silent {name}"
    lint = scripts.get("lint", "")
    if LINTER.match(lint) or re.search(r"\bnode\b", lint):
        return "npm run --silent lint -- --fix"
    return ""


def _notes(test: str, *, reports: bool) -> tuple[str, ...]:
    if not test:
        return ("package.json has no test script.",)
    if reports:
        return ()
    return ("Of `npm test` only the exit code is known: it does not run `node --test`.",)
