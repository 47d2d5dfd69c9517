"""What every reader of declarations gives, and the few questions that all of them ask."""

import configparser
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from shared.targets.tree import Tree

TEST_NAMES = ("test", "tests", "testing")
DEV_NAMES = ("dev", "develop", "development")
# What develops the code but does not run in its tests; slow to install, and prone to fail.
TOOLS = re.compile(
    r"^(?:ruff|black|isort|flake8.*|pylint|mypy|pyright|pre-?commit|tox.*|nox|sphinx.*|furo|mkdocs.*"
    r"|twine|build|bump.*|types-.*|flit|wheel|commitizen|towncrier|setuptools-?scm|codespell)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Declaration:
    """What one kind of file says: `installs` are PEP 508 requirements, or `-r` and a file.

    `groups` are extras and groups by name, none of which is installed unless it is chosen;
    `extras` are the names that are asked for. `notes` are whole sentences.
    """

    requires_python: str = ""
    installs: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    extras: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def table(value: Any, *path: str) -> dict[str, Any]:
    """The table at a path below a value; empty where there is something else."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def strings(value: Any) -> list[str]:
    """The strings of a list; none of anything else."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def read_toml(tree: Tree, path: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A TOML file's content, and a note where there is one that cannot be read."""
    try:
        return tomllib.loads((tree.read(path) or b"").decode()), ()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return {}, (f"{path} could not be read: {error}.",)


def read_ini(content: bytes | str | None) -> configparser.ConfigParser:
    """An INI file's sections; none where it cannot be read."""
    text = content.decode(errors="replace") if isinstance(content, bytes) else content or ""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        return configparser.ConfigParser()
    return parser


def is_requirement(text: str) -> bool:
    """Whether PEP 508 can read it."""
    try:
        Requirement(text)
    except InvalidRequirement:
        return False
    return True


def specifier(value: Any) -> str:
    """A version specifier that PEP 440 can read; empty for anything else."""
    try:
        SpecifierSet(value if isinstance(value, str) else "")
    except InvalidSpecifier:
        return ""
    return value.strip() if isinstance(value, str) else ""


def is_tool(requirement: str) -> bool:
    """Whether it is a linter and the like, which tests do not need."""
    name = re.split(r"[\s<>=!~;\[]", requirement.strip(), maxsplit=1)[0]
    return bool(TOOLS.match(name))


def name_of(requirement: str) -> str:
    """The canonical name; the requirement must be one."""
    return canonicalize_name(Requirement(requirement).name)


def chosen(names: Iterable[str]) -> str | None:
    """The extra or group that has what tests need: one named so, else one for development."""
    return next((name for name in (*TEST_NAMES, *DEV_NAMES) if name in set(names)), None)
