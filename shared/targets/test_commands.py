"""How the tests of a Python target may be run, found in its files without running anything."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import PurePosixPath

from shared.contracts.base import Value
from shared.targets import plugins
from shared.targets.declared.declaration import read_toml
from shared.targets.declared.scripts import shell_lines, test_command
from shared.targets.languages import PYTHON
from shared.targets.paths import matches
from shared.targets.projects import SubTree
from shared.targets.tree import Tree

PYTEST = ("python", "-m", "pytest")
UNITTEST = ("python", "-m", "unittest")
DEFAULT_PATTERNS = ("test_*.py", "*_test.py")
NOT_TESTED_FOLDERS = re.compile(
    r"(?:^|/)(?:docs?|examples?|bench(?:marks?)?|build|dist|vendor|_vendor|third_party|node_modules"
    r"|fixtures|testdata|\.[^/]*)/",
    re.IGNORECASE,
)
TEST_DEFINITION = re.compile(rb"^[ \t]+(?:async[ \t]+)?def test\w*\(self", re.MULTILINE)
TEST_FUNCTION = re.compile(rb"^(?:async[ \t]+)?def test\w*\(", re.MULTILINE)
TEST_CLASS = re.compile(rb"^class \w+\([^)]*Test(?:Case|Base|Suite)\w*[^)]*\)", re.MULTILINE)
SETTINGS = re.compile(rb"DJANGO_SETTINGS_MODULE[\"']\s*,\s*[\"']([\w.]+)[\"']")
RUNNER_NAMES = (
    *("runtests.py", "run_tests.py", "run-tests.py", "runtest.py", "testall.py", "alltests.py"),
    *("tests/runtests.py", "tests/run_tests.py", "tests/runtest.py", "tests/alltests.py"),
    *("test/alltests.py", "test/runtests.py", "test/run_tests.py", "tests/run.py", "test/run.py"),
    *("test.py", "tests.py", "run_tests.sh", "runtests.sh"),
)
MAIN = re.compile(rb"__name__\s*==\s*[\"']__main__[\"']")
# Of a project that names a command of its own, pytest has to find so many tests to be believed.
CONVINCING_TESTS = 20


class TestCommand(Value):
    """One way to run a target's tests; `why` says in a phrase where it comes from.

    `framework` names how results are read. `is_named` is true for what the project itself names.
    """

    __test__ = False

    command: tuple[str, ...]
    framework: str
    why: str
    is_named: bool = False


class TestDiscovery(Value):
    """The ways to run a target's tests, in the order in which they are tried, and what is known.

    `expected` is how many tests its files define, as far as that can be counted in their text.
    `plugins` are distributions that the first way needs.
    """

    __test__ = False

    commands: tuple[TestCommand, ...]
    files: tuple[str, ...]
    expected: int
    plugins: tuple[str, ...] = ()


def discover_tests(tree: Tree, folders: Sequence[str] = ()) -> TestDiscovery:
    """Return how a target's tests may be run: pytest, then its own runners, then unittest.

    `folders` are those of projects besides the one at the root.
    """
    search = _Search(tree, folders)
    commands: dict[tuple[str, ...], TestCommand] = {}
    for each in (*search.by_pytest(), *search.by_runners()):
        commands.setdefault(each.command, each)
    return TestDiscovery(
        commands=tuple(commands.values()),
        files=search.files,
        expected=sum(search.counts.values()),
        plugins=("pytest-django",) if search.django_settings else (),
    )


class _Search:
    """What the files of one tree say about its tests."""

    def __init__(self, tree: Tree, folders: Sequence[str]) -> None:
        self._tree = tree
        self._folders = folders
        # Of the first file only: pytest reads no other.
        self._settings = list(plugins.settings(tree, read_toml(tree, "pyproject.toml")[0]))[:1]

    @cached_property
    def counts(self) -> dict[str, int]:
        """The number of tests that each file defines, in files that define any."""
        sources = filter(PYTHON.has_suffix, self._tree.files())
        numbers = {e: self._count(e) for e in sources if not NOT_TESTED_FOLDERS.search(e)}
        return {path: number for path, number in numbers.items() if number}

    def _count(self, path: str) -> int:
        """Return how many tests a file defines; if no `test` is in its path, those in classes."""
        text = self._tree.read(path) or b""
        if b"def test" not in text:
            return 0
        is_test_module = bool(re.search(r"test", path, re.IGNORECASE))
        functions = len(TEST_FUNCTION.findall(text)) if is_test_module else 0
        in_classes = is_test_module or TEST_CLASS.search(text)
        return functions + (len(TEST_DEFINITION.findall(text)) if in_classes else 0)

    @cached_property
    def patterns(self) -> tuple[str, ...]:
        """The patterns of test files in pytest's configuration, else pytest's own."""
        configured = [each["python_files"] for each in self._settings if "python_files" in each]
        return tuple(configured[0].split()) if configured else DEFAULT_PATTERNS

    @cached_property
    def _is_configured(self) -> bool:
        """True if pytest's configuration says where tests are."""
        return any({"python_files", "testpaths"} & set(each) for each in self._settings)

    @cached_property
    def usual(self) -> tuple[str, ...]:
        """The files that pytest collects by itself."""
        return tuple(
            path
            for path in self._tree.files()
            if PYTHON.has_suffix(path) and matches(path, self.patterns) and path[0] != "."
        )

    @cached_property
    def unusual(self) -> tuple[str, ...]:
        """The files with tests that pytest does not collect by itself."""
        return tuple(each for each in self.counts if each not in set(self.usual))

    @property
    def files(self) -> tuple[str, ...]:
        """All test files."""
        return tuple(dict.fromkeys((*self.usual, *self.unusual)))

    @cached_property
    def django_settings(self) -> str:
        """The settings module that manage.py names; empty where pytest is configured for Django."""
        found = SETTINGS.search(self._tree.read("manage.py") or b"")
        known = any("django_settings_module" in each for each in self._settings)
        has_option = any("--ds" in each.get("addopts", "") for each in self._settings)
        return found.group(1).decode() if found and not known and not has_option else ""

    def by_pytest(self) -> Iterator[TestCommand]:
        """Yield pytest as it is, or with the options that make it find this project's tests."""
        options = self._layout_options()
        why = "pytest, by its own patterns"
        if self.django_settings:
            options.append(f"--ds={self.django_settings}")
            why = "pytest with the settings of manage.py"
        more = self._more_files()
        if more:
            options += ["-o", f"python_files={' '.join((*self.patterns, *more))}"]
            why += f"; tests are also in {_shortened(more)}"
        if self.usual or more or not self.unusual:
            yield TestCommand(command=(*PYTEST, *options), framework="pytest", why=why)

    def _layout_options(self) -> list[str]:
        """Return the options for a repository whose projects are all in folders.

        The only configuration among them is taken. Test modules of several projects may have the
        same name, which only one import mode admits.
        """
        if self._settings or not self._folders:
            return []
        configured = [each for each in self._folders if self._configuration_in(each)]
        if len(configured) == 1 and len(self._folders) == 1:
            (folder,) = configured
            paths = _test_paths(SubTree(self._tree, folder)) or [""]
            arguments = [f"{folder}/{each}".rstrip("/") for each in paths]
            return ["-c", self._configuration_in(folder), "--rootdir=.", *arguments]
        names = [PurePosixPath(each).name for each in self.usual]
        return ["--import-mode=importlib"] if len(set(names)) < len(names) else []

    def _configuration_in(self, folder: str) -> str:
        """Return the path of the file that pytest reads in a folder; empty without one."""
        project = SubTree(self._tree, folder)
        pyproject = read_toml(project, "pyproject.toml")[0]
        found = next(iter(plugins.settings_by_file(project, pyproject)), "")
        return f"{folder}/{found}" if found else ""

    def _more_files(self) -> tuple[str, ...]:
        """Return the other files with tests, unless pytest's configuration leaves them out."""
        if self._is_configured and any(self.counts.get(each) for each in self.usual):
            return ()
        return self.unusual

    def by_runners(self) -> Iterator[TestCommand]:
        """Yield the commands of Django, of runner scripts, that files name, and of unittest."""
        files = set(self._tree.files())
        if self.django_settings:
            yield _own(("python", "manage.py", "test", "--noinput"), "manage.py")
        for name in RUNNER_NAMES:
            if name in files and self._is_runner(name):
                program = "python" if PYTHON.has_suffix(name) else "sh"
                yield _own((program, name), "a runner script")
        for path, line in shell_lines(self._tree):
            if command := test_command(line, self._tree):
                yield _own(command, f"named in {path}")
        if self.counts:
            yield TestCommand(command=UNITTEST, framework="unittest", why="unittest's discovery")

    def _is_runner(self, name: str) -> bool:
        """Return whether a script runs tests; `test.py` does if it has a main block."""
        if not PYTHON.has_suffix(name):
            return True
        text = self._tree.read(name) or b""
        is_plain_module = PurePosixPath(name).name in {"test.py", "tests.py"}
        return bool(MAIN.search(text)) or not is_plain_module


def _test_paths(tree: Tree) -> list[str]:
    """Return the folders in which pytest is configured to look for tests."""
    found = next(plugins.settings(tree, read_toml(tree, "pyproject.toml")[0]), {})
    return found.get("testpaths", "").split()


def _own(command: tuple[str, ...], why: str) -> TestCommand:
    """Return a command that the project itself names, or that its files stand for."""
    return TestCommand(command=command, framework=framework_of(command), why=why, is_named=True)


def framework_of(command: Sequence[str]) -> str:
    """Return `pytest` if a word ends in it, `unittest` for `python -m unittest`, else `custom`."""
    if any(part.endswith("pytest") for part in command):
        return "pytest"
    is_unittest = tuple(command[1:3]) == ("-m", "unittest") and command[0].startswith("python")
    return "unittest" if is_unittest else "custom"


def _shortened(paths: Sequence[str]) -> str:
    """Return the first two paths in words, and how many more there are."""
    more = f" and {len(paths) - 2} more files" if len(paths) > 2 else ""  # noqa: PLR2004
    return ", ".join(paths[:2]) + more
