"""The result of every reader of declared requirements, and the helpers that the readers share."""

import configparser
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from shared.kernel.toml_data import read_toml_text
from shared.targets.tree import Tree

TEST_GROUP_NAMES = ("test", "tests", "testing")
DEV_GROUP_NAMES = ("dev", "develop", "development")
# Tests do not need these; they are slow to install and fail to install more often than others.
DEVELOPMENT_TOOLS = re.compile(
    r"^(?:ruff|black|isort|flake8.*|pylint|mypy|pyright|pre-?commit|tox.*|nox|sphinx.*|furo|mkdocs.*"
    r"|twine|build|bump.*|types-.*|flit|wheel|commitizen|towncrier|setuptools-?scm|codespell)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Declaration:
    """The requirements that one kind of file declares.

    `installs` are PEP 508 requirements, or `-r` and a file. `groups` are the requirements of extras
    and dependency groups by name; they are installed only when chosen. `extras` are the names of
    groups that the file itself asks for. `notes` are whole sentences for the user.
    """

    requires_python: str = ""
    installs: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    extras: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def table(value: Any, *path: str) -> dict[str, Any]:
    """Return the table at a path of keys below a value; an empty one if there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def strings(value: Any) -> list[str]:
    """Return the strings in a list; an empty list for any other value."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def read_toml(tree: Tree, path: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return a TOML file's content, empty if missing or invalid, and a note if it is invalid."""
    try:
        return read_toml_text(tree.read(path) or b""), ()
    except ValueError as error:
        return {}, (f"{path} could not be read: {error}.",)


def read_ini(content: bytes | str | None) -> configparser.ConfigParser:
    """Return the sections of an INI file; none if it cannot be read."""
    text = content.decode(errors="replace") if isinstance(content, bytes) else content or ""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        return configparser.ConfigParser()
    return parser


def repository_url(source: Mapping[str, Any]) -> str:
    """Return the URL, as pip writes it, of the git repository that a table of a package names."""
    revision = next((source[key] for key in ("rev", "tag", "branch", "ref") if key in source), "")
    at = f"@{revision}" if revision else ""
    folder = f"#subdirectory={source['subdirectory']}" if "subdirectory" in source else ""
    return f"git+{source['git']}{at}{folder}"


def is_requirement(text: str) -> bool:
    """Return whether a text is a valid PEP 508 requirement."""
    try:
        Requirement(text)
    except InvalidRequirement:
        return False
    return True


def version_specifier(value: Any) -> str:
    """Return a value that is a valid PEP 440 version specifier; an empty string for any other."""
    try:
        SpecifierSet(value if isinstance(value, str) else "")
    except InvalidSpecifier:
        return ""
    return value.strip() if isinstance(value, str) else ""


def is_development_tool(requirement: str) -> bool:
    """Return whether a requirement is a linter or another tool that tests do not need."""
    name = re.split(r"[\s<>=!~;\[]", requirement.strip(), maxsplit=1)[0]
    return bool(DEVELOPMENT_TOOLS.match(name))


def name_of(requirement: str) -> str:
    """Return the canonical name of a valid requirement."""
    return canonicalize_name(Requirement(requirement).name)


def choose_test_group(names: Collection[str]) -> str | None:
    """Return the first of `TEST_GROUP_NAMES`, else of `DEV_GROUP_NAMES`, that is in `names`.

    Returns None if none of them is.
    """
    return next((name for name in (*TEST_GROUP_NAMES, *DEV_GROUP_NAMES) if name in names), None)
