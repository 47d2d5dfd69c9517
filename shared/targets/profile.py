"""The profile of a target at one commit: its components, tests and environment."""

import hashlib
import json
import shlex
from collections.abc import Sequence

from shared.contracts.base import Value
from shared.targets import node, requirements
from shared.targets.components import Component
from shared.targets.config import FILE, TargetConfig, parse_config
from shared.targets.declared.declaration import name_of
from shared.targets.declared.requirement_file import folder_of, read_requirement_files
from shared.targets.discovery import find_components
from shared.targets.languages import JAVASCRIPT
from shared.targets.paths import matches
from shared.targets.projects import project_folders
from shared.targets.setup_inputs import setup_inputs
from shared.targets.test_commands import TestCommand, TestDiscovery, discover_tests, framework_of
from shared.targets.tree import Tree

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

    `framework` names how results are read, or is `custom` if only the exit code is known. `why`
    says where the command comes from; `alternatives` are to be tried, in their order, where it
    does not run about as many tests as are `expected`. `pythonpath` are directories below the
    tree's root; `timeout` is in seconds.
    """

    __test__ = False

    command: tuple[str, ...]
    framework: str
    pythonpath: tuple[str, ...]
    test_files: tuple[str, ...]
    timeout: float
    why: str = ""
    alternatives: tuple[TestCommand, ...] = ()
    expected: int = 0

    def by(self, other: TestCommand) -> "TestPlan":
        """Return this plan with another command."""
        return self.model_copy(
            update={"command": other.command, "framework": other.framework, "why": other.why}
        )


class EnvironmentPlan(Value):
    """The environment that the suite needs.

    `requires_python` is a specifier, `prefers_python` a version or its beginning, taken if it is
    available. `installs` are requirement specifiers, `constraints` versions pinned by a lock file,
    `projects` the folders of further projects in the tree, with their extras. `setup` are the
    user's shell commands, which replace all of these; `timeout` is in seconds. `dependency_files`
    are the paths of the files on which the environment depends.

    `as_of` is the time after which nothing that is installed was published, in ISO 8601; empty for
    no limit. `version` is what a project is told that takes its version from tags. Environments of
    one target with different `namespace` have nothing in common.

    One field per thing that an environment depends on.
    """

    requires_python: str
    prefers_python: str = ""
    installs: tuple[str, ...]
    requirement_files: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    needs_metadata: bool
    projects: tuple[str, ...] = ()
    setup: tuple[str, ...] | None
    dependency_files: tuple[str, ...]
    timeout: float = 900
    needs_node: bool = False
    as_of: str = ""
    version: str = ""
    namespace: str = ""

    def inputs(self, tree: Tree) -> tuple[str, ...]:
        """Return the paths of all files that building the environment reads or executes."""
        lines = read_requirement_files(tree, self.requirement_files)
        locals_ = [folder_of(each) for each in (*self.projects, *lines.folders)]
        folders = [*locals_, *([""] if self.needs_metadata else [])]
        files = (*self.dependency_files, *lines.files)
        if self.setup is None and not folders:
            return tuple(sorted(set(files)))
        return setup_inputs(tree, self.setup or (), files, folders)

    def key(self, tree: Tree, *circumstances: str) -> str:
        """Return a digest of what the environment depends on; equal keys, equal environments.

        `circumstances` are those besides the plan and the tree, such as the target.
        """
        digest = hashlib.sha256(json.dumps(circumstances).encode())
        digest.update(self.model_dump_json().encode())
        for path in self.inputs(tree):
            digest.update(path.encode() + b"\0" + (tree.read(path) or b"") + b"\0")
        return digest.hexdigest()


class TargetProfile(Value):
    """Everything detected about a target, with a sentence in `notes` for each thing.

    `oldest_python` is the oldest Python it admits, by major and minor version. `lint_fix` is the
    target's own shell command that repairs files in place, empty without one.
    """

    config: TargetConfig
    components: tuple[Component, ...]
    test: TestPlan
    environment: EnvironmentPlan
    oldest_python: tuple[int, int]
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
    package = node.read_package(tree)
    folders = () if package else project_folders(tree)
    declared = requirements.read(tree, folders)
    discovery = discover_tests(tree, folders)
    test = (
        _node_test_plan(tree, config, package)
        if package
        else _test_plan(tree, config, discovery, folders)
    )
    environment = (
        _node_environment_plan(tree, config, package)
        if package
        else _environment_plan(tree, config, declared, discovery)
    )
    return TargetProfile(
        config=config,
        components=components,
        test=test,
        environment=environment,
        oldest_python=requirements.oldest_python(declared.requires_python),
        notes=(
            *_detection_notes(components, test, environment),
            *declared.notes,
            *(package.notes if package else ()),
        ),
        lint_fix=package.fix if package else "",
    )


def _test_plan(
    tree: Tree, config: TargetConfig, discovery: TestDiscovery, folders: Sequence[str]
) -> TestPlan:
    """Return how a Python suite is run: by the configured command, else as discovered."""
    configured = tuple(shlex.split(config.test.command))
    roots = [root for folder in ("", *folders) for root in _import_roots(tree, folder)]
    first, *others = discovery.commands
    return TestPlan(
        command=configured or first.command,
        framework=framework_of(configured) if configured else first.framework,
        why=f"[test] command in {FILE}" if configured else first.why,
        alternatives=() if configured else tuple(others),
        expected=0 if configured else discovery.expected,
        pythonpath=config.test.pythonpath or tuple(roots),
        test_files=discovery.files,
        timeout=config.test.timeout,
    )


def _import_roots(tree: Tree, folder: str) -> tuple[str, ...]:
    """Return the directories from which the project in a folder is imported."""
    source = f"{folder}/src".lstrip("/")
    has_source = any(path.startswith(f"{source}/") for path in tree.files())
    return (source, folder or ".") if has_source else (folder or ".",)


def _node_test_plan(tree: Tree, config: TargetConfig, package: node.NodePackage) -> TestPlan:
    """Return how a Node package's suite is run: by the configured command, else npm."""
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
    tree: Tree,
    config: TargetConfig,
    declared: requirements.DeclaredRequirements,
    discovery: TestDiscovery,
) -> EnvironmentPlan:
    """Return the environment of a Python suite: the configured set-up, else what is declared."""
    setup, python = config.environment.setup, config.environment.python
    is_detected = setup is None
    return EnvironmentPlan(
        requires_python=python or declared.requires_python,
        prefers_python="" if python else declared.prefers_python,
        installs=_with_plugins(declared.installs, discovery, config) if is_detected else (),
        projects=declared.projects if is_detected else (),
        constraints=declared.constraints if is_detected else (),
        requirement_files=declared.files if is_detected else (),
        needs_metadata=is_detected and declared.has_build,
        setup=setup,
        dependency_files=_dependency_files(tree),
        timeout=config.environment.timeout,
    )


def _with_plugins(
    installs: tuple[str, ...], discovery: TestDiscovery, config: TargetConfig
) -> tuple[str, ...]:
    """Return the requirements and the plugins that the discovered command, if used, needs."""
    known = {name_of(each) for each in installs}
    wanted = () if config.test.command else discovery.plugins
    return (*installs, *(each for each in wanted if each not in known))


def _node_environment_plan(
    tree: Tree, config: TargetConfig, package: node.NodePackage
) -> EnvironmentPlan:
    """Return the environment of a Node package's suite, without any Python packages."""
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
    """Return the files of the projects that declare what the environment depends on."""
    folders = ("", *(f"{each}/" for each in project_folders(tree)))
    patterns = [f"/{each}{pattern}" for each in folders for pattern in DEPENDENCY_FILE_PATTERNS]
    return tuple(path for path in tree.files() if matches(path, patterns))


def _detection_notes(
    components: Sequence[Component], test: TestPlan, environment: EnvironmentPlan
) -> tuple[str, ...]:
    notes = [f"Component {each.name}: {each.reason}." for each in components]
    why = f" ({test.why})" if test.why else ""
    notes.append(
        f"Tests: {shlex.join(test.command)}{why}; test files found: {len(test.test_files)}."
    )
    if environment.setup is not None:
        notes.append(f"Environment: {len(environment.setup)} set-up commands from {FILE}.")
    else:
        names = [*environment.installs, *(f"-r {each}" for each in environment.requirement_files)]
        nothing = "nothing" if environment.needs_node else "nothing but pytest"
        notes.append(f"Environment: {', '.join(names) or nothing} is installed.")
    return tuple(notes)
