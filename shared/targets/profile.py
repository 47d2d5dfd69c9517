"""The profile of a target at one commit: its components, tests and environment."""

import hashlib
import shlex
from collections.abc import Sequence

from shared.contracts.base import Value
from shared.targets import node, requirements
from shared.targets.components import Component
from shared.targets.config import FILE, TargetConfig, parse_config
from shared.targets.discovery import find_components
from shared.targets.languages import JAVASCRIPT
from shared.targets.paths import matches
from shared.targets.tree import Tree

TEST_FILE_PATTERNS = ("test_*.py", "*_test.py", "tests.py")
DEPENDENCY_FILE_PATTERNS = (
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "tox.ini",
    "requirements*.txt",
    "requirements/*.txt",
    "*requirements.txt",
    "*.lock",
    "pylock.toml",
    "tox.toml",
    "noxfile.py",
    "Pipfile",
    ".python-version",
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    ".npmrc",
    FILE,
)


class TestPlan(Value):
    """The way to run the suite.

    `framework` names how results are read, or is `custom` if only the exit code is known.
    `pythonpath` are directories below the tree's root; `timeout` is in seconds.
    """

    __test__ = False

    command: tuple[str, ...]
    framework: str
    pythonpath: tuple[str, ...]
    test_files: tuple[str, ...]
    timeout: float


class EnvironmentPlan(Value):
    """The environment that the suite needs.

    `requires_python` is a specifier, `prefers_python` a version or its beginning, taken if it is
    available. `installs` are requirement specifiers, `constraints` versions pinned by a lock file.
    `setup` are the user's shell commands, which replace all of these; `timeout` is in seconds.
    `dependency_files` are the paths of the files on which the environment depends.
    """

    requires_python: str
    prefers_python: str = ""
    installs: tuple[str, ...]
    requirement_files: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    needs_metadata: bool
    setup: tuple[str, ...] | None
    dependency_files: tuple[str, ...]
    timeout: float = 900
    needs_node: bool = False

    def key(self, tree: Tree, interpreter: str, framework_version: str) -> str:
        """Return a digest of what the environment depends on; equal keys, equal environments."""
        digest = hashlib.sha256(f"{interpreter}\n{framework_version}\n".encode())
        digest.update(self.model_dump_json().encode())
        for path in self.dependency_files:
            digest.update(path.encode() + b"\0" + (tree.read(path) or b"") + b"\0")
        return digest.hexdigest()


class TargetProfile(Value):
    """Everything detected about a target, with a sentence in `notes` for each thing.

    `target_version` is the oldest Python it admits, such as `py39`. `lint_fix` is the
    target's own shell command that repairs files in place, empty without one.
    """

    config: TargetConfig
    components: tuple[Component, ...]
    test: TestPlan
    environment: EnvironmentPlan
    target_version: str
    notes: tuple[str, ...]
    lint_fix: str = ""


def profile_target(tree: Tree, base: Tree | None = None) -> TargetProfile:
    """Describe a target without running it. Raises `Rejected` for a bad `groundswell.toml`.

    The configuration is read from `base`, the tree of the base branch, so that a change on the
    landing branch cannot alter it; without `base` it is read from `tree`.
    """
    content = (base or tree).read(FILE)
    config = parse_config(content) if content is not None else TargetConfig()
    components = find_components(tree, config)
    declared = requirements.read(tree)
    package = node.read_package(tree)
    test = _node_test_plan(tree, config, package) if package else _test_plan(tree, config)
    environment = (
        _node_environment_plan(tree, config, package)
        if package
        else _environment_plan(tree, config, declared)
    )
    return TargetProfile(
        config=config,
        components=components,
        test=test,
        environment=environment,
        target_version=requirements.target_version(declared.requires_python),
        notes=(
            *_notes(components, test, environment),
            *declared.notes,
            *(package.notes if package else ()),
        ),
        lint_fix=package.fix if package else "",
    )


def _test_plan(tree: Tree, config: TargetConfig) -> TestPlan:
    files = tree.files()
    tests = [path for path in files if matches(path, TEST_FILE_PATTERNS) and path[0] != "."]
    command = tuple(shlex.split(config.test.command)) or ("python", "-m", "pytest")
    roots = ("src", ".") if any(path.startswith("src/") for path in files) else (".",)
    return TestPlan(
        command=command,
        framework=_framework(command),
        pythonpath=config.test.pythonpath or roots,
        test_files=tuple(tests),
        timeout=config.test.timeout,
    )


def _framework(command: Sequence[str]) -> str:
    """Return the framework of a command that runs nothing but its test session, else `custom`."""
    if any(part.endswith("pytest") for part in command):
        return "pytest"
    is_unittest = command[1:3] == ("-m", "unittest") and command[0].startswith("python")
    return "unittest" if is_unittest else "custom"


def _node_test_plan(tree: Tree, config: TargetConfig, package: node.NodePackage) -> TestPlan:
    configured = tuple(shlex.split(config.test.command))
    sources = filter(JAVASCRIPT.has_suffix, tree.files())
    tests = [path for path in sources if matches(path, node.TEST_FILE_PATTERNS)]
    return TestPlan(
        command=configured or package.test_command,
        framework=package.framework if not configured else "custom",
        pythonpath=(),
        test_files=tuple(tests) if package.test_script or configured else (),
        timeout=config.test.timeout,
    )


def _environment_plan(
    tree: Tree, config: TargetConfig, declared: requirements.DeclaredRequirements
) -> EnvironmentPlan:
    setup, python = config.environment.setup, config.environment.python
    is_detected = setup is None
    return EnvironmentPlan(
        requires_python=python or declared.requires_python,
        prefers_python="" if python else declared.prefers_python,
        installs=declared.installs if is_detected else (),
        constraints=declared.constraints if is_detected else (),
        requirement_files=declared.files if is_detected else (),
        needs_metadata=is_detected and declared.has_build,
        setup=setup,
        dependency_files=_dependency_files(tree),
        timeout=config.environment.timeout,
    )


def _node_environment_plan(
    tree: Tree, config: TargetConfig, package: node.NodePackage
) -> EnvironmentPlan:
    setup = config.environment.setup
    return EnvironmentPlan(
        requires_python="",
        installs=package.installs if setup is None else (),
        requirement_files=(),
        needs_metadata=False,
        setup=setup,
        dependency_files=_dependency_files(tree),
        timeout=config.environment.timeout,
        needs_node=True,
    )


def _dependency_files(tree: Tree) -> tuple[str, ...]:
    patterns = [f"/{pattern}" for pattern in DEPENDENCY_FILE_PATTERNS]
    return tuple(path for path in tree.files() if matches(path, patterns))


def _notes(
    components: Sequence[Component], test: TestPlan, environment: EnvironmentPlan
) -> tuple[str, ...]:
    notes = [f"Component {each.name}: {each.reason}." for each in components]
    notes.append(f"Tests: {shlex.join(test.command)}; test files found: {len(test.test_files)}.")
    if environment.setup is not None:
        notes.append(f"Environment: {len(environment.setup)} set-up commands from {FILE}.")
    else:
        names = [*environment.installs, *(f"-r {each}" for each in environment.requirement_files)]
        nothing = "nothing" if environment.needs_node else "nothing but pytest"
        notes.append(f"Environment: {', '.join(names) or nothing} is installed.")
    return tuple(notes)
