"""The pytest plugins without which a target's own pytest configuration does not work."""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from shared.targets.declared.declaration import read_ini, read_toml, table
from shared.targets.tree import Tree

# The distribution that brings the options, or the settings, of these names.
PLUGIN_BY_OPTION = (
    (re.compile(r"--(?:no-)?cov\b"), "pytest-cov"),
    (re.compile(r"-n(?:=|$|[0-9]|auto)|--(?:numprocesses|dist|maxprocesses)\b"), "pytest-xdist"),
    (re.compile(r"--timeout\b"), "pytest-timeout"),
    (re.compile(r"--asyncio-mode\b"), "pytest-asyncio"),
    (re.compile(r"--benchmark\b"), "pytest-benchmark"),
    (re.compile(r"--hypothesis\b"), "hypothesis"),
    (re.compile(r"--reruns\b"), "pytest-rerunfailures"),
    (re.compile(r"--random-order\b"), "pytest-random-order"),
    (re.compile(r"--(?:ds|dc|create-db|reuse-db)\b"), "pytest-django"),
)
PLUGIN_BY_SETTING = {
    "asyncio_mode": "pytest-asyncio",
    "asyncio_default_fixture_loop_scope": "pytest-asyncio",
    "timeout": "pytest-timeout",
    "django_settings_module": "pytest-django",
    "env": "pytest-env",
    "mock_use_standalone_module": "pytest-mock",
}
# The files that are pytest's alone, which it reads first and even if they have no settings.
OWN_FILES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini")
# All files that may have pytest's settings, with their section; it reads the first that does.
CONFIGURATION_FILES = (
    *((name, "pytest") for name in OWN_FILES),
    ("pyproject.toml", "tool.pytest"),
    ("tox.ini", "pytest"),
    ("setup.cfg", "tool:pytest"),
)
# Either makes a setting that pytest does not know an error, since pytest 9.
STRICT_SETTINGS = ("strict_config", "strict")
TRUE = frozenset({"true", "1", "yes", "on"})


def needed_plugins(tree: Tree, pyproject: dict[str, Any]) -> tuple[str, ...]:
    """Return the distributions that `addopts`, settings and `required_plugins` need."""
    found: dict[str, None] = {}
    for found_settings in settings(tree, pyproject):
        for option in _split(found_settings.get("addopts", "")):
            found |= {name: None for pattern, name in PLUGIN_BY_OPTION if pattern.match(option)}
        found |= {
            PLUGIN_BY_SETTING[key]: None for key in found_settings if key in PLUGIN_BY_SETTING
        }
        required = re.findall(r"[A-Za-z][\w.-]*", found_settings.get("required_plugins", ""))
        found |= dict.fromkeys(required)
    return tuple(found)


def configured_options(tree: Tree) -> str:
    """Return `addopts` of the file that pytest reads; empty if it has none."""
    return _configured(tree).get("addopts", "")


def refuses_unknown_settings(tree: Tree) -> bool:
    """Return whether a setting makes those errors that pytest does not know."""
    found = _configured(tree)
    given = next((found[each] for each in STRICT_SETTINGS if each in found), "")
    return given.strip().lower() in TRUE


def _configured(tree: Tree) -> dict[str, str]:
    """Return the settings of the file that pytest reads, by lower-case name."""
    pyproject, _ = read_toml(tree, "pyproject.toml")
    return next(settings(tree, pyproject), {})


def settings(tree: Tree, pyproject: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Yield the settings, by lower-case name, of each file that has settings of pytest.

    The first is the one that pytest reads; it reads no other.
    """
    yield from settings_by_file(tree, pyproject).values()


def settings_by_file(tree: Tree, pyproject: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return pytest's settings by file and lower-case name, the files in pytest's order.

    An empty file of pytest's own counts as well.
    """
    found = {}
    for name, section in CONFIGURATION_FILES:
        if name == "pyproject.toml":
            known = _in_pyproject(pyproject)
        elif name.endswith(".toml"):
            known = _in_toml(tree, name, section)
        else:
            known = _in_ini(tree.read(name), section, always=name in OWN_FILES)
        if known is not None:
            found[name] = known
    return found


def _in_toml(tree: Tree, name: str, section: str) -> dict[str, str] | None:
    """Return the settings in a table of a TOML file of pytest's own; None without the file."""
    if tree.read(name) is None:
        return None
    return _as_texts(table(read_toml(tree, name)[0], section))


def _in_ini(content: bytes | None, section: str, *, always: bool) -> dict[str, str] | None:
    """Return the settings in a section of an INI file.

    Without the section that is None, or empty if a file that exists `always` counts.
    """
    parser = read_ini(content)
    if parser.has_section(section):
        return dict(parser.items(section))
    return {} if always and content is not None else None


def _in_pyproject(pyproject: dict[str, Any]) -> dict[str, str] | None:
    """Return pytest's settings in pyproject.toml; None where it has no table of them.

    pytest 9 reads those in `[tool.pytest]`, as long as there are any besides `ini_options`.
    """
    pytest = table(pyproject, "tool", "pytest")
    own = {key: value for key, value in pytest.items() if key != "ini_options"}
    options = own or pytest.get("ini_options")
    return _as_texts(options) if isinstance(options, dict) else None


def _as_texts(options: Mapping[str, Any]) -> dict[str, str]:
    """Return settings of a TOML file as an INI file has them: as texts, by lower-case name.

    A list is joined by spaces, one of options so that each stays one word.
    """
    return {
        str(key).lower(): _as_text(value, shlex.join if key == "addopts" else " ".join)
        for key, value in options.items()
    }


def _as_text(value: Any, join: Callable[[list[str]], str]) -> str:
    """Return the value of a setting as text; the items of a list are joined by `join`."""
    return join([str(each) for each in value]) if isinstance(value, list) else str(value)


def _split(options: str) -> list[str]:
    """Split options as a shell would; by spaces where quotes are not closed."""
    try:
        return shlex.split(options)
    except ValueError:
        return options.split()
