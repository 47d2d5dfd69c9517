"""What setup.cfg says, and setup.py where it is a literal."""

import ast
import re
from collections.abc import Iterable
from typing import Any

from shared.kernel.syntax import parse
from shared.targets.declared.parts import Declaration, read_ini, specifier, strings
from shared.targets.tree import Tree


def read(tree: Tree) -> Declaration:
    """install_requires, extras_require and python_requires of both files."""
    cfg = read_ini(tree.read("setup.cfg"))
    literals = _literals(tree)
    installs = cfg.get("options", "install_requires", fallback="")
    groups: dict[str, tuple[str, ...]] = {}
    extras = literals.get("extras_require")
    if isinstance(extras, dict):
        groups |= {str(name): tuple(strings(value)) for name, value in extras.items()}
    if cfg.has_section("options.extras_require"):
        groups |= {k: _lines(v) for k, v in cfg.items("options.extras_require")}
    said = cfg.get("options", "python_requires", fallback="") or literals.get("python_requires")
    return Declaration(
        requires_python=specifier(said),
        installs=(*_lines(installs), *strings(literals.get("install_requires"))),
        groups=groups,
    )


def classifiers(tree: Tree) -> list[str]:
    """The classifiers of setup.py."""
    return strings(_literals(tree).get("classifiers"))


def oldest_of(classified: Iterable[str]) -> str:
    """The specifier that classifiers of Python versions come to; empty where there are none."""
    minors = [
        int(found.group(1))
        for each in classified
        if (found := re.fullmatch(r"Programming Language :: Python :: 3\.(\d+)", each))
    ]
    return f">=3.{min(minors)}" if minors else ""


def _lines(value: str) -> tuple[str, ...]:
    """Requirements by line, or the files that `file:` names."""
    if value.strip().startswith("file:"):
        return tuple(f"-r {each.strip()}" for each in value.strip()[5:].split(","))
    return tuple(each.strip() for each in value.splitlines() if each.strip())


def _literals(tree: Tree) -> dict[str, Any]:
    """The literal keyword arguments of the call of `setup` in setup.py."""
    try:
        module = parse(tree.read("setup.py") or b"")
    except (SyntaxError, ValueError):
        return {}
    found: dict[str, Any] = {}
    for node in ast.walk(module):
        if (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", getattr(node.func, "attr", "")) == "setup"
        ):
            for keyword in node.keywords:
                try:
                    found[keyword.arg or ""] = ast.literal_eval(keyword.value)
                except ValueError:
                    continue
    return found
