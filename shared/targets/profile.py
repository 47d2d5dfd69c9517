"""What Groundswell knows about a target at one commit: components, tests, environment."""

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

TEST_FILES = ("test_*.py", "*_test.py", "tests.py")
DEPENDENCY_FILES = (
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
    """How the suite is run. `found` are the test files; seconds in `timeout`."""

    __test__ = False

    command: tuple[str, ...]
    framework: str
    pythonpath: tuple[str, ...]
    test_files: tuple[str, ...]
    timeout: float


class EnvironmentPlan(Value):
    """What the suite needs installed. `installs` are requirement specifiers, `constraints` locked versions.

    `prefers_python` is a version, or the beginning of one, that is taken where it is to be had.
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
        """A digest of all the environment depends on: equal keys, equal environments."""
        digest = hashlib.sha256(f"{interpreter}\n{framework_version}\n".encode())
        digest.update(self.model_dump_json().encode())
        for path in self.dependency_files:
            digest.update(path.encode() + b"\0" + (tree.read(path) or b"") + b"\0")
        return digest.hexdigest()


class TargetProfile(Value):
    """`notes` has a sentence for each thing that was detected; `fix` is the target's own repairing command."""

    config: TargetConfig
    components: tuple[Component, ...]
    test: TestPlan
    environment: EnvironmentPlan
    target_version: str
    notes: tuple[str, ...]
    fix: str = ""


def profile_target(tree: Tree, base: Tree | None = None) -> TargetProfile:
    """Describe a target; nothing of it is run. Raises `Rejected` for a bad `groundswell.toml`.

    `base` is the base branch's tree: what the target says about itself counts as it stands there,
    and not as somebody put it on the branch that changes land on.
    """
    content = (base or tree).read(FILE)
    config = parse_config(content) if content is not None else TargetConfig()
    components = find_components(tree, config)
    declared = requirements.read(tree)
    package = node.read_package(tree)
    test = _test_plan(tree, config, package)
    environment = _environment_plan(tree, config, declared, package)
    return TargetProfile(
        config=config,
        components=components,
        test=test,
        environment=environment,
        target_version=requirements.target_version(declared.requires_python),
        notes=(
            *_notes(components, test, environment, declared),
            *(package.notes if package else ()),
        ),
        fix=config.code_quality.fix or (package.fix if package else ""),
    )


def _test_plan(tree: Tree, config: TargetConfig, package: node.NodePackage | None) -> TestPlan:
    files = tree.files()
    if package is not None:
        return _node_plan(files, config, package)
    found = tuple(path for path in files if matches(path, TEST_FILES) and not path.startswith("."))
    command = tuple(shlex.split(config.test.command)) or ("python", "-m", "pytest")
    roots = ("src", ".") if any(path.startswith("src/") for path in files) else (".",)
    return TestPlan(
        command=command,
        framework=_framework(command),
        pythonpath=config.test.pythonpath or roots,
        test_files=found,
        timeout=config.test.timeout,
    )


def _framework(command: Sequence[str]) -> str:
    """What a command is known to be: it alone is the test session then."""
    if any(part.endswith("pytest") for part in command):
        return "pytest"
    is_unittest = command[1:3] == ("-m", "unittest") and command[0].startswith("python")
    return "unittest" if is_unittest else "custom"


def _node_plan(files: Sequence[str], config: TargetConfig, package: node.NodePackage) -> TestPlan:
    configured = tuple(shlex.split(config.test.command))
    found = [
        each for each in files if JAVASCRIPT.has_suffix(each) and matches(each, node.TEST_FILES)
    ]
    return TestPlan(
        command=configured or package.command,
        framework=package.framework if not configured else "custom",
        pythonpath=(),
        test_files=tuple(found) if package.test or configured else (),
        timeout=config.test.timeout,
    )


def _environment_plan(
    tree: Tree,
    config: TargetConfig,
    declared: requirements.DeclaredRequirements,
    package: node.NodePackage | None,
) -> EnvironmentPlan:
    setup = config.environment.setup
    if package is not None:
        return EnvironmentPlan(
            requires_python="",
            installs=() if setup is not None else package.installs,
            requirement_files=(),
            needs_metadata=False,
            setup=setup,
            dependency_files=tuple(path for path in tree.files() if _is_dependency_file(path)),
            timeout=config.environment.timeout,
            needs_node=True,
        )
    return EnvironmentPlan(
        requires_python=config.environment.python or declared.requires_python,
        prefers_python="" if config.environment.python else declared.prefers_python,
        installs=() if setup is not None else declared.installs,
        constraints=() if setup is not None else declared.constraints,
        requirement_files=() if setup is not None else declared.files,
        needs_metadata=setup is None and declared.has_build,
        setup=setup,
        dependency_files=tuple(path for path in tree.files() if _is_dependency_file(path)),
        timeout=config.environment.timeout,
    )


def _is_dependency_file(path: str) -> bool:
    return matches(path, [f"/{pattern}" for pattern in DEPENDENCY_FILES])


def _notes(
    components: Sequence[Component],
    test: TestPlan,
    environment: EnvironmentPlan,
    declared: requirements.DeclaredRequirements,
) -> tuple[str, ...]:
    notes = [f"Component {each.name}: {each.reason}." for each in components]
    notes.append(f"Tests: {shlex.join(test.command)}; test files found: {len(test.test_files)}.")
    if environment.setup is not None:
        notes.append(f"Environment: {len(environment.setup)} set-up commands from {FILE}.")
    else:
        names = [*environment.installs, *(f"-r {each}" for each in environment.requirement_files)]
        nothing = "nothing" if environment.needs_node else "nothing but pytest"
        notes.append(f"Environment: {', '.join(names) or nothing} is installed.")
    return (*notes, *declared.notes)
