"""Reader of setup.cfg, and of setup.py as far as it is literal."""

import ast
import re
from collections.abc import Iterable
from typing import Any

from shared.kernel.syntax import parse
from shared.targets.declared.declaration import Declaration, read_ini, strings, version_specifier
from shared.targets.tree import Tree

FILE_DIRECTIVE = "file:"
PYTHON_CLASSIFIER = re.compile(r"Programming Language :: Python :: ([23])\.(\d+)")


def read(tree: Tree) -> Declaration:
    """Return install_requires, extras_require and python_requires of both files."""
    cfg = read_ini(tree.read("setup.cfg"))
    literals = _setup_arguments(tree)
    installs = cfg.get("options", "install_requires", fallback="")
    groups: dict[str, tuple[str, ...]] = {}
    extras = literals.get("extras_require")
    if isinstance(extras, dict):
        groups |= {str(name): tuple(strings(value)) for name, value in extras.items()}
    if cfg.has_section("options.extras_require"):
        groups |= {name: _entries(value) for name, value in cfg.items("options.extras_require")}
    requires_python = cfg.get("options", "python_requires", fallback="")
    return Declaration(
        requires_python=version_specifier(requires_python or literals.get("python_requires")),
        installs=(*_entries(installs), *strings(literals.get("install_requires"))),
        groups=groups,
    )


def classifiers(tree: Tree) -> list[str]:
    """Return the trove classifiers in setup.cfg, else those in setup.py."""
    listed = read_ini(tree.read("setup.cfg")).get("metadata", "classifiers", fallback="")
    in_cfg = [each.strip() for each in listed.splitlines() if each.strip()]
    return in_cfg or strings(_setup_arguments(tree).get("classifiers"))


def pythons(classifiers: Iterable[str]) -> list[tuple[int, int]]:
    """Return the versions of Python among trove classifiers."""
    found = (PYTHON_CLASSIFIER.fullmatch(each) for each in classifiers)
    return [(int(each[1]), int(each[2])) for each in found if each]


def _entries(value: str) -> tuple[str, ...]:
    """Return the requirements, one a line, or `-r` for each file that `file:` names."""
    value = value.strip()
    if value.startswith(FILE_DIRECTIVE):
        files = value.removeprefix(FILE_DIRECTIVE).split(",")
        return tuple(f"-r {each.strip()}" for each in files)
    return tuple(each.strip() for each in value.splitlines() if each.strip())


def _setup_arguments(tree: Tree) -> dict[str, Any]:
    """Return the literal keyword arguments of the call of `setup` in setup.py."""
    try:
        module = parse(tree.read("setup.py") or b"")
    except (SyntaxError, ValueError):
        return {}
    found: dict[str, Any] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and _called_name(node) == "setup":
            for keyword in node.keywords:
                try:
                    found[keyword.arg or ""] = ast.literal_eval(keyword.value)
                # It raises TypeError for a key of a dict or an item of a set that has no hash.
                except (ValueError, TypeError, RecursionError):
                    continue
    return found


def _called_name(call: ast.Call) -> str:
    """Return the last name of what is called: `setup` of `setuptools.setup()`."""
    return str(getattr(call.func, "id", getattr(call.func, "attr", "")))
