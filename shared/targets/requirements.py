"""What a Python target declares to need, read from its files and never by running them."""

import ast
import configparser
import re
import tomllib
from dataclasses import dataclass, field
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from shared.targets import plugins
from shared.targets.tree import Tree

TEST_NAMES = ("test", "tests", "testing")
DEV_NAMES = ("dev", "develop", "development")
TEST_FILES = (
    "requirements-test.txt",
    "requirements-tests.txt",
    "requirements_test.txt",
    "test-requirements.txt",
    "test_requirements.txt",
    "requirements/test.txt",
    "requirements/tests.txt",
    "requirements/testing.txt",
)
DEV_FILES = (
    "requirements-dev.txt",
    "requirements_dev.txt",
    "dev-requirements.txt",
    "requirements/dev.txt",
)
# What develops the code but does not run in its tests; slow to install, and prone to fail.
TOOLS = re.compile(
    r"^(?:ruff|black|isort|flake8.*|pylint|mypy|pyright|pre-?commit|tox.*|nox|sphinx.*|furo|mkdocs.*"
    r"|twine|build|bump.*|types-.*|flit|wheel|commitizen|towncrier|setuptools-?scm|codespell)$",
    re.IGNORECASE,
)
NEWEST, OLDEST, DEFAULT_MINOR = 14, 7, 9


@dataclass(frozen=True)
class Declared:
    """Requirement specifiers and requirement files to install, and the Python they are for."""

    requires_python: str = ""
    installs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    has_build: bool = False
    notes: tuple[str, ...] = field(default=())


def read(tree: Tree) -> Declared:
    """Everything the target declares; what cannot be read without running it is left out, and said."""
    pyproject, notes = _pyproject(tree)
    project = pyproject.get("project") or {}
    installs = [*_strings(project.get("dependencies")), *_setup_requirements(tree)]
    groups = {**(project.get("optional-dependencies") or {}), **_groups(pyproject)}
    extra = _chosen(groups)
    if extra:
        installs += [each for each in _strings(groups[extra]) if not _is_tool(each)]
        notes.append(f"The {extra} extra or group is installed, without linters and the like.")
    files = _requirement_files(tree, wanted=not extra)
    if not extra and not files:
        installs += _tox_requirements(tree)
    names = {_name(each) for each in installs if _is_requirement(each)}
    for plugin in plugins.needed(tree, pyproject):
        if canonicalize_name(plugin) not in names:
            installs.append(plugin)
            notes.append(f"{plugin} is installed because the pytest configuration uses it.")
    return Declared(
        requires_python=_requires_python(tree, project),
        installs=tuple(dict.fromkeys(each for each in installs if _is_requirement(each))),
        files=files,
        has_build="build-system" in pyproject or tree.read("setup.py") is not None,
        notes=tuple(notes),
    )


def _pyproject(tree: Tree) -> tuple[dict[str, Any], list[str]]:
    try:
        return tomllib.loads((tree.read("pyproject.toml") or b"").decode()), []
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return {}, [f"pyproject.toml could not be read: {error}."]


def _strings(value: Any) -> list[str]:
    return (
        [each for each in value or () if isinstance(each, str)] if isinstance(value, list) else []
    )


def _groups(pyproject: dict[str, Any]) -> dict[str, list[str]]:
    """PEP 735 groups with their includes resolved."""
    groups: dict[str, Any] = pyproject.get("dependency-groups") or {}

    def resolve(name: str, seen: frozenset[str]) -> list[str]:
        found = []
        for each in groups.get(name) or ():
            if isinstance(each, str):
                found.append(each)
            elif (included := each.get("include-group")) and included not in seen:
                found += resolve(included, seen | {included})
        return found

    return {name: resolve(name, frozenset({name})) for name in groups}


def _chosen(groups: dict[str, Any]) -> str | None:
    return next((name for name in (*TEST_NAMES, *DEV_NAMES) if name in groups), None)


def _is_tool(requirement: str) -> bool:
    name = re.split(r"[\s<>=!~;\[]", requirement.strip(), maxsplit=1)[0]
    return bool(TOOLS.match(name))


def _name(requirement: str) -> str:
    return canonicalize_name(Requirement(requirement).name)


def _is_requirement(text: str) -> bool:
    try:
        Requirement(text)
    except InvalidRequirement:
        return False
    return True


def _requirement_files(tree: Tree, *, wanted: bool) -> tuple[str, ...]:
    """requirements.txt, and the first test (else dev) requirements unless an extra names them."""
    files = set(tree.files())
    found = [each for each in ("requirements.txt",) if each in files]
    if wanted:
        found += [each for each in TEST_FILES if each in files][:1] or [
            each for each in DEV_FILES if each in files
        ][:1]
    return tuple(each for each in found if (tree.read(each) or b"").strip())


def _setup_cfg(tree: Tree, name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string((tree.read(name) or b"").decode(errors="replace"))
    except configparser.Error:
        return configparser.ConfigParser()
    return parser


def _setup_requirements(tree: Tree) -> list[str]:
    """install_requires and a test extra of setup.cfg, and of setup.py where they are literals."""
    cfg = _setup_cfg(tree, "setup.cfg")
    found = cfg.get("options", "install_requires", fallback="").splitlines()
    for name in TEST_NAMES:
        found += cfg.get("options.extras_require", name, fallback="").splitlines()
    found += _strings(_setup_literals(tree).get("install_requires"))
    extras = _setup_literals(tree).get("extras_require")
    if isinstance(extras, dict) and (chosen := _chosen(extras)):
        found += [each for each in _strings(extras[chosen]) if not _is_tool(each)]
    return [each.strip() for each in found if each.strip()]


def _setup_literals(tree: Tree) -> dict[str, Any]:
    """The literal keyword arguments of the call of `setup` in setup.py."""
    try:
        module = ast.parse(tree.read("setup.py") or b"")
    except (SyntaxError, ValueError):
        return {}
    found: dict[str, Any] = {}
    for node in ast.walk(module):
        if (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", getattr(node.func, "attr", "")) == "setup"
        ):
            for keyword in node.keywords:
                try:
                    found[keyword.arg or ""] = ast.literal_eval(keyword.value)
                except ValueError:
                    continue
    return found


def _tox_requirements(tree: Tree) -> list[str]:
    """Plain `deps` of tox's [testenv]: no factors, no files, no substitutions."""
    deps = _setup_cfg(tree, "tox.ini").get("testenv", "deps", fallback="")
    lines = [line.strip() for line in deps.splitlines()]
    return [
        line for line in lines if line and not re.search(r"[{}:]|^-", line) and not _is_tool(line)
    ]


def _requires_python(tree: Tree, project: dict[str, Any]) -> str:
    """What pyproject, setup.cfg, setup.py or the classifiers say; empty where nothing does."""
    literals = _setup_literals(tree)
    declared = (
        project.get("requires-python")
        or _setup_cfg(tree, "setup.cfg").get("options", "python_requires", fallback="")
        or literals.get("python_requires")
    )
    if isinstance(declared, str) and _is_specifier(declared):
        return declared.strip()
    classifiers = _strings(project.get("classifiers")) or _strings(literals.get("classifiers"))
    minors = [
        int(found.group(1))
        for each in classifiers
        if (found := re.fullmatch(r"Programming Language :: Python :: 3\.(\d+)", each))
    ]
    return f">=3.{min(minors)}" if minors else ""


def _is_specifier(text: str) -> bool:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return False
    return True


def target_version(requires_python: str) -> str:
    """The oldest Python the target admits, as ruff writes it (`py39`); py39 where it says nothing."""
    if not requires_python:
        return f"py3{DEFAULT_MINOR}"
    admitted = SpecifierSet(requires_python)
    minors = [
        minor
        for minor in range(OLDEST, NEWEST + 1)
        if admitted.contains(f"3.{minor}.99") or admitted.contains(f"3.{minor}.0")
    ]
    return f"py3{min(minors, default=DEFAULT_MINOR)}"
