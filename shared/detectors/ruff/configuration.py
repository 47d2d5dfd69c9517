"""What a target configures for ruff, read without running ruff."""

from dataclasses import dataclass
from typing import Any

from shared.kernel.toml_data import read_toml_text
from shared.targets.tree import Tree

CONFIGURATION_FILES = ("ruff.toml", ".ruff.toml", "pyproject.toml")


@dataclass(frozen=True)
class RuffSettings:
    """Whether a target configures ruff at its root, and the rules it ignores or never fixes."""

    configured: bool
    unwanted: tuple[str, ...]

    def wants(self, code: str) -> bool:
        """Return whether the target has turned off neither the rule nor its fix."""
        return not any(each == "ALL" or code.startswith(each) for each in self.unwanted)


def read_settings(tree: Tree) -> RuffSettings:
    """Return the configuration at the root of the target; an unreadable one counts as none."""
    for name in ("ruff.toml", ".ruff.toml"):
        if tree.read(name) is not None:
            return _settings(_toml(tree, name))
    table = _toml(tree, "pyproject.toml").get("tool", {})
    section = table.get("ruff") if isinstance(table, dict) else None
    return _settings(section) if isinstance(section, dict) else RuffSettings(False, ())


def _settings(section: dict[str, Any]) -> RuffSettings:
    """Return the rules that a table of ruff's settings, or its `lint`, ignores or never fixes."""
    tables = [section, section.get("lint") if isinstance(section.get("lint"), dict) else {}]
    names = ("ignore", "extend-ignore", "unfixable", "extend-unfixable")
    unwanted = {
        str(rule)
        for table in tables
        for name in names
        for rule in (table or {}).get(name) or ()
        if isinstance(rule, str)
    }
    return RuffSettings(True, tuple(sorted(unwanted)))


def _toml(tree: Tree, name: str) -> dict[str, Any]:
    """Return the content of a TOML file; empty if it is missing or invalid."""
    try:
        return read_toml_text(tree.read(name) or b"")
    except ValueError:
        return {}


def configuration_files(tree: Tree, settings: RuffSettings) -> dict[str, bytes]:
    """Return the files that configure ruff, in any directory; none where the root has none."""
    named = [path for path in tree.files() if path.rpartition("/")[2] in CONFIGURATION_FILES]
    return {path: tree.read(path) or b"" for path in named} if settings.configured else {}
