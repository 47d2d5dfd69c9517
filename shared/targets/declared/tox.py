"""Reader of tox's configuration: the literal requirements of its default environment."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from shared.targets.declared.declaration import Declaration, read_ini, read_toml, strings, table
from shared.targets.tree import Tree

# Factors and substitutions, which only tox can resolve.
UNRESOLVED = re.compile(r"[{}]|^[\w,.!-]+\s*:\s")
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


def _settings(tree: Tree, pyproject: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the settings of tox's default environment; None without one."""
    of_tox = table(pyproject, "tool", "tox")
    for each in (of_tox, read_toml(tree, "tox.toml")[0]):
        if native := table(each, "env_run_base"):
            return native
    legacy = of_tox.get("legacy_tox_ini")
    contents = [tree.read(each) for each in INI_FILES]
    for content in (*contents, legacy if isinstance(legacy, str) else None):
        parser = read_ini(content)
        if parser.has_section("testenv"):
            return dict(parser.items("testenv"))
    return None


def _literals(value: Any) -> Iterator[str]:
    """Yield the entries of a list, or of a text by line, that need nothing of tox to be read."""
    lines: Iterable[str] = value.splitlines() if isinstance(value, str) else strings(value)
    for line in lines:
        entry = line.partition(" #")[0].strip()
        if entry and not entry.startswith("#") and not UNRESOLVED.search(entry):
            yield re.sub(r"^-r\s*", "-r ", entry)
