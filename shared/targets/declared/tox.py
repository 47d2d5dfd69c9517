"""Reader of tox's configuration: the requirements of its default environment, and its Pythons."""

import re
from collections.abc import Iterable, Iterator, Mapping
from configparser import ConfigParser
from typing import Any

from shared.targets.declared.declaration import Declaration, read_ini, read_toml, strings, table
from shared.targets.tree import Tree

# Factors and substitutions, which only tox can resolve.
UNRESOLVED = re.compile(r"[{}]|^[\w,.!-]+\s*:\s")
ENVIRONMENT_PYTHON = re.compile(r"\bpy([23])\.?(\d+)")
# The files that tox reads, in its order.
INI_FILES = ("tox.ini", "setup.cfg")


def read(tree: Tree, pyproject: Mapping[str, Any]) -> Declaration | None:
    """Return requirements, extras and groups of tox's default environment; None without one."""
    settings = _settings(tree, pyproject)
    if settings is None:
        return None
    return Declaration(
        installs=tuple(_literals(settings.get("deps"))),
        extras=(*_literals(settings.get("extras")), *_literals(settings.get("dependency_groups"))),
        notes=("The requirements of tox's default environment are installed.",),
    )


def pythons(tree: Tree, pyproject: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return the versions of Python in the names of tox's environments, such as `py27`."""
    native = [table(pyproject, "tool", "tox"), read_toml(tree, "tox.toml")[0]]
    listed = [strings(each.get("env_list")) for each in native]
    for parser in _ini_settings(tree, pyproject):
        section = dict(parser.items("tox")) if parser.has_section("tox") else {}
        listed.append([section.get("envlist", ""), section.get("env_list", "")])
    found = ENVIRONMENT_PYTHON.findall("\n".join(text for texts in listed for text in texts))
    return [(int(major), int(minor)) for major, minor in found]


def _settings(tree: Tree, pyproject: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the settings of tox's default environment; None without one."""
    for each in (table(pyproject, "tool", "tox"), read_toml(tree, "tox.toml")[0]):
        if native := table(each, "env_run_base"):
            return native
    for parser in _ini_settings(tree, pyproject):
        if parser.has_section("testenv"):
            return dict(parser.items("testenv"))
    return None


def _ini_settings(tree: Tree, pyproject: Mapping[str, Any]) -> Iterator[ConfigParser]:
    """Yield the INI files that tox reads, and the text of one in pyproject.toml."""
    legacy = table(pyproject, "tool", "tox").get("legacy_tox_ini")
    yield from (read_ini(tree.read(each)) for each in INI_FILES)
    yield read_ini(legacy if isinstance(legacy, str) else None)


def _literals(value: Any) -> Iterator[str]:
    """Yield the entries of a list, or of a text by line, that need nothing of tox to be read."""
    lines: Iterable[str] = value.splitlines() if isinstance(value, str) else strings(value)
    for line in lines:
        entry = line.partition(" #")[0].strip()
        if entry and not entry.startswith("#") and not UNRESOLVED.search(entry):
            yield re.sub(r"^-r\s*", "-r ", entry)
