"""What tox installs beside the target: the `deps` of its default environment, where they are plain."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from shared.targets.declared.parts import Declaration, read_ini, read_toml, strings, table
from shared.targets.tree import Tree

# Factors, substitutions: what they come to is known to tox alone.
SUBSTITUTION = re.compile(r"[{}]|^[\w,.!-]+\s*:\s")
# What tox itself reads, in its order; in setup.cfg it wants its own section to be there.
INI = ("tox.ini", "setup.cfg")


def read(tree: Tree, pyproject: Mapping[str, Any]) -> Declaration | None:
    """Dependencies, extras and groups of [testenv]; None where there is none."""
    settings = _settings(tree, pyproject)
    if settings is None:
        return None
    return Declaration(
        installs=tuple(_plain(settings.get("deps"))),
        extras=(*_plain(settings.get("extras")), *_plain(settings.get("dependency_groups"))),
        notes=("The requirements of tox's default environment are installed.",),
    )


def _settings(tree: Tree, pyproject: Mapping[str, Any]) -> Mapping[str, Any] | None:
    of_tox = table(pyproject, "tool", "tox")
    for each in (of_tox, read_toml(tree, "tox.toml")[0]):
        if native := table(each, "env_run_base"):
            return native
    legacy = of_tox.get("legacy_tox_ini")
    contents = [tree.read(each) for each in INI]
    for content in (*contents, legacy if isinstance(legacy, str) else None):
        parser = read_ini(content)
        if parser.has_section("testenv"):
            return dict(parser.items("testenv"))
    return None


def _plain(value: Any) -> Iterator[str]:
    """The entries, by line or in a list, that say by themselves what they mean."""
    lines: Iterable[str] = value.splitlines() if isinstance(value, str) else strings(value)
    for line in lines:
        entry = line.partition(" #")[0].strip()
        if entry and not entry.startswith("#") and not SUBSTITUTION.search(entry):
            yield re.sub(r"^-r\s*", "-r ", entry)
