"""What a target's own configuration of ESLint turns off, as far as its text says so.

A configuration may be a program, which is not run. Whatever names a rule beside `off` counts.
"""

import re
from collections.abc import Collection
from functools import lru_cache

from shared.targets.tree import Tree

CONFIGURATION = re.compile(r"(^|/)(eslint\.config\.\w+|\.eslintrc(\.\w+)?|package\.json)$")
OFF = r"""["']?\s*:\s*(?:\[\s*)?(?:["']off["']|0\b)"""
MAX_BYTES = 200_000
MAX_REMEMBERED_TREES = 8


def turned_off(tree: Tree, codes: Collection[str]) -> frozenset[str]:
    """Return the rules that a configuration in a tree turns off."""
    return _turned_off(tuple(_texts(tree)), tuple(sorted(codes)))


def _texts(tree: Tree) -> list[str]:
    """Return the texts of the configurations in a tree."""
    contents = [tree.read(path) or b"" for path in tree.files() if CONFIGURATION.search(path)]
    return [each.decode(errors="replace") for each in contents if len(each) <= MAX_BYTES]


@lru_cache(maxsize=MAX_REMEMBERED_TREES)
def _turned_off(texts: tuple[str, ...], codes: tuple[str, ...]) -> frozenset[str]:
    """Return the rules that any of these texts turns off."""
    return frozenset(
        code
        for code in codes
        if any(re.search(rf"(?<![\w-]){re.escape(code)}{OFF}", text) for text in texts)
    )
