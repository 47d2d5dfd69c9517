"""Reader of a Node package's package.json, which is never run."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shared.kernel.json_data import read_json
from shared.targets import plugins
from shared.targets.languages import JAVASCRIPT, PYTHON
from shared.targets.tree import Tree

PACKAGE_FILE = "package.json"
TEST_FILE_PATTERNS = (
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
UNREAD_LOCK_FILES = ("pnpm-lock.yaml", "yarn.lock", "bun.lockb", "bun.lock")
PYTHON_PROJECT_FILES = (
    *("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile", "manage.py"),
    *("tox.ini", "noxfile.py", *plugins.OWN_FILES),
)
PYTHON_TESTS = re.compile(r"(?:^|/)(?:test_[^/]*|[^/]*_test|conftest)\.py$")
# A script that runs one of these alone, so that options added to the command reach it.
RUNNER_SCRIPT = re.compile(r"^(?:npx\s+|cross-env\s+|[A-Z_]+=\S+\s+)*(jest|vitest)(?=\s|$)[^&|;]*$")
# The options with which a runner runs every test once, each with a pattern of scripts that have it
# already. Jest takes the last of two such options; vitest refuses a second one.
RUN_ALL_OPTIONS = {
    "jest": {"--bail=0": r"^$"},
    "vitest": {"--run": r"\s(--)?run(?!\S)", "--bail=0": r"\s--bail\b"},
}
NODE_TEST_SCRIPT = re.compile(r"\bnode\b[^&|;]*\s--test\b")
LINTER_SCRIPT = re.compile(r"^(?:npx\s+)?(?:eslint|standard|xo|biome|oxlint|prettier)\b")


@dataclass(frozen=True)
class NodePackage:
    """The declarations of a package.json.

    `installs` are the dependencies as `name@range`. `test_script` is the text of the script,
    `test_command` what runs it. `framework` names how its results are read: junit, jest, vitest, or
    custom if only the exit code is known. `fix` is the package's own command that repairs what its
    linter finds, empty without one.
    """

    installs: tuple[str, ...]
    test_script: str
    test_command: tuple[str, ...]
    fix: str
    framework: str
    notes: tuple[str, ...]


def read_package(tree: Tree) -> NodePackage | None:
    """Return the package at the root; None without one, and for Python projects that have one."""
    package = None if _is_python_project(tree) else _parse(tree.read(PACKAGE_FILE) or b"")
    if package is None:
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
        test_script=test,
        test_command=_test_command(test, framework),
        fix=_fix(scripts),
        framework=framework,
        notes=(*_test_notes(test, framework), *_lock_notes(tree.files())),
    )


def _is_python_project(tree: Tree) -> bool:
    """Return whether a repository's Python is what it is about; package.json may be for assets."""
    files = tree.files()
    if not set(PYTHON_PROJECT_FILES).isdisjoint(files):
        return True
    has_python = any(map(PYTHON.has_suffix, files))
    if not has_python or not any(map(JAVASCRIPT.has_suffix, files)):
        return has_python
    package = _parse(tree.read(PACKAGE_FILE) or b"") or {}
    has_script = "test" in _table(package, "scripts")
    return not has_script and any(map(PYTHON_TESTS.search, files))


def _parse(content: bytes) -> dict[str, object] | None:
    """Return the object that a package.json has; None if it cannot be read."""
    try:
        package = read_json(content)
    except ValueError:
        return None
    return package if isinstance(package, dict) else None


def _table(package: dict[str, object], name: str) -> dict[str, object]:
    """Return the object under a key of package.json; empty if there is none."""
    found = package.get(name)
    return found if isinstance(found, dict) else {}


def _fix(scripts: dict[str, str]) -> str:
    """Return the command of a script that repairs files, else the linter's, else an empty text."""
    for name in ("lint:fix", "lint-fix", "fix"):
        if name in scripts:
            return f"npm run --silent {name}"
    lint = scripts.get("lint", "")
    if LINTER_SCRIPT.match(lint) or re.search(r"\bnode\b", lint):
        return "npm run --silent lint -- --fix"
    return ""


def _framework(test: str) -> str:
    """Return how the results of a test script are read, by what it runs."""
    if NODE_TEST_SCRIPT.search(test):
        return "junit"
    found = RUNNER_SCRIPT.match(test.strip())
    return found.group(1) if found else "custom"


def _test_command(test: str, framework: str) -> tuple[str, ...]:
    """Return the command of the test script, with what its runner needs to run every test once."""
    options = RUN_ALL_OPTIONS.get(framework)
    if options is None:
        return NPM_TEST
    missing = (option for option, given in options.items() if not re.search(given, test))
    return (*NPM_TEST, "--", *missing)


def _test_notes(test: str, framework: str) -> tuple[str, ...]:
    """Return notes on a missing test script, or one of which only the exit code is known."""
    if not test:
        return ("package.json has no test script.",)
    if framework != "custom":
        return ()
    return (
        "Of `npm test` only the exit code is known: it is not just `node --test`, jest or vitest.",
    )


def _lock_notes(files: Sequence[str]) -> tuple[str, ...]:
    """Return a note for each lock file of another package manager."""
    return tuple(
        f"{each} is not read: dependencies are installed by npm."
        for each in UNREAD_LOCK_FILES
        if each in files
    )
