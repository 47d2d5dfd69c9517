"""What a Node package says about itself in its package.json; read, never run."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from shared.targets.languages import JAVASCRIPT, PYTHON
from shared.targets.tree import Tree

PACKAGE = "package.json"
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
NPM_TEST = ("npm", "test", "--silent")
OTHER_LOCKS = ("pnpm-lock.yaml", "yarn.lock", "bun.lockb", "bun.lock")
PYTHON_PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt")
# Of one of these alone, so that what is added to the command reaches it.
RUNNER = re.compile(r"^(?:npx\s+|cross-env\s+|[A-Z_]+=\S+\s+)*(jest|vitest)(?=\s|$)[^&|;]*$")
# What makes one of these run every test once: the option, and how a script may say it, or another of it, itself.
# Jest takes the last of two; vitest refuses two.
RUN_EVERYTHING = {
    "jest": {"--bail=0": r"^$"},
    "vitest": {"--run": r"\s(--)?run(?!\S)", "--bail=0": r"\s--bail\b"},
}
NODE_TEST = re.compile(r"\bnode\b[^&|;]*\s--test\b")
LINTER = re.compile(r"^(?:npx\s+)?(?:eslint|standard|xo|biome|oxlint|prettier)\b")


@dataclass(frozen=True)
class NodePackage:
    """`installs` are its dependencies as name@range; `fix` is its own command that repairs what its linter finds.

    `test` is its test script and `command` what runs it: to that of jest and vitest options may be added.
    `framework` is what its tests are run by: junit, jest, vitest, or custom where only the exit code is known.
    """

    installs: tuple[str, ...]
    test: str
    command: tuple[str, ...]
    fix: str
    framework: str
    notes: tuple[str, ...]


def read_package(tree: Tree) -> NodePackage | None:
    """The package at the root, unless the target is a Python project too; None where there is none."""
    content = tree.read(PACKAGE)
    files = tree.files()
    if content is None or any(tree.read(each) is not None for each in PYTHON_PROJECT_FILES):
        return None
    if any(map(PYTHON.has_suffix, files)) and not any(map(JAVASCRIPT.has_suffix, files)):
        return None
    try:
        package = json.loads(content)
    except ValueError:
        return None
    if not isinstance(package, dict):
        return None
    scripts = {k: v for k, v in _table(package, "scripts").items() if isinstance(v, str)}
    test = scripts.get("test", "")
    framework = _framework(test)
    return NodePackage(
        installs=tuple(
            f"{name}@{wanted}"
            for table in ("dependencies", "devDependencies", "optionalDependencies")
            for name, wanted in sorted(_table(package, table).items())
        ),
        test=test,
        command=_command(test, framework),
        fix=_fix(scripts),
        framework=framework,
        notes=(*_notes(test, framework), *_locks(files)),
    )


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


def _framework(test: str) -> str:
    if NODE_TEST.search(test):
        return "junit"
    found = RUNNER.match(test.strip())
    return found.group(1) if found else "custom"


def _command(test: str, framework: str) -> tuple[str, ...]:
    options = RUN_EVERYTHING.get(framework)
    if options is None:
        return NPM_TEST
    told = (option for option, said in options.items() if not re.search(said, test))
    return (*NPM_TEST, "--", *told)


def _notes(test: str, framework: str) -> tuple[str, ...]:
    if not test:
        return ("package.json has no test script.",)
    if framework != "custom":
        return ()
    return (
        "Of `npm test` only the exit code is known: it is not just `node --test`, jest or vitest.",
    )


def _locks(files: Sequence[str]) -> tuple[str, ...]:
    """What another package manager locked."""
    return tuple(
        f"{each} is not read: dependencies are installed by npm."
        for each in OTHER_LOCKS
        if each in files
    )
