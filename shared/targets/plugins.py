"""The pytest plugins without which a target's own pytest configuration does not work."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

from shared.targets.declared.declaration import read_ini, read_toml
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
INI_SECTIONS = (("pytest.ini", "pytest"), ("tox.ini", "pytest"), ("setup.cfg", "tool:pytest"))


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
    """Return `addopts` of the first file that has it, pyproject.toml before others; else empty."""
    pyproject, _ = read_toml(tree, "pyproject.toml")
    found = [each["addopts"] for each in settings(tree, pyproject) if "addopts" in each]
    return found[0] if found else ""


def settings(tree: Tree, pyproject: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Yield pytest's settings in each file that may have them, by lower-case name."""
    tools = pyproject.get("tool")
    pytest = tools.get("pytest") if isinstance(tools, dict) else None
    options = pytest.get("ini_options", pytest) if isinstance(pytest, dict) else None
    if isinstance(options, dict):
        yield {str(key).lower(): _joined(value) for key, value in options.items()}
    for name, section in INI_SECTIONS:
        parser = read_ini(tree.read(name))
        if parser.has_section(section):
            yield dict(parser.items(section))


def _joined(value: Any) -> str:
    """Return the value of a setting as text; a list is joined by spaces."""
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _split(options: str) -> list[str]:
    """Split options as a shell would; by spaces where quotes are not closed."""
    try:
        return shlex.split(options)
    except ValueError:
        return options.split()
