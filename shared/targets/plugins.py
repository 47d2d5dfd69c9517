"""The pytest plugins a target's own pytest configuration cannot run without."""

import configparser
import re
import shlex
from collections.abc import Iterator
from typing import Any

from shared.targets.tree import Tree

# What an option or a setting of these names belongs to.
OPTIONS = (
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
SETTINGS = {
    "asyncio_mode": "pytest-asyncio",
    "asyncio_default_fixture_loop_scope": "pytest-asyncio",
    "timeout": "pytest-timeout",
    "django_settings_module": "pytest-django",
    "env": "pytest-env",
    "mock_use_standalone_module": "pytest-mock",
}
FILES = (("pytest.ini", "pytest"), ("tox.ini", "pytest"), ("setup.cfg", "tool:pytest"))


def needed(tree: Tree, pyproject: dict[str, Any]) -> tuple[str, ...]:
    """Distribution names, by the options in `addopts`, by settings, and by `required_plugins`."""
    found: dict[str, None] = {}
    for settings in _settings(tree, pyproject):
        for option in _words(settings.get("addopts", "")):
            found |= {name: None for pattern, name in OPTIONS if pattern.match(option)}
        found |= {SETTINGS[key]: None for key in settings if key in SETTINGS}
        required = re.findall(r"[A-Za-z][\w.-]*", settings.get("required_plugins", ""))
        found |= dict.fromkeys(required)
    return tuple(found)


def _settings(tree: Tree, pyproject: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Pytest's settings in each file that may have them; keys in small letters, lists joined."""
    tools = pyproject.get("tool")
    pytest = tools.get("pytest") if isinstance(tools, dict) else None
    options = pytest.get("ini_options", pytest) if isinstance(pytest, dict) else None
    if isinstance(options, dict):
        yield {str(key).lower(): _joined(value) for key, value in options.items()}
    for name, section in FILES:
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string((tree.read(name) or b"").decode(errors="replace"))
        except configparser.Error:
            continue
        if parser.has_section(section):
            yield dict(parser.items(section))


def _joined(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
