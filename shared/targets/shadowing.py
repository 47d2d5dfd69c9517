"""New files that Python would import in place of its own modules or of installed ones."""

import sys
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from pathlib import Path

SUFFIX, PACKAGE_FILE = ".py", "__init__.py"
# What we put into a test process.
OURS = {"groundswell_in_target"}


def shadowed_module(path: str, present: AbstractSet[str], known: Collection[str]) -> str:
    """Return the module in `known` that a new file takes the place of; empty if there is none.

    Any folder that is no package may be on Python's path: the root, `src`, that of a script or of
    a test. `present` are the files that were there; what shadows a module already is not new.
    """
    if not path.endswith(SUFFIX):
        return ""
    *folders, name = path.split("/")
    module = name.removesuffix(SUFFIX)
    while folders and (name == PACKAGE_FILE or "/".join((*folders, PACKAGE_FILE)) in present):
        module = folders.pop()
        name = ""
    place = "/".join((*folders, module))
    was_there = {f"{place}{SUFFIX}", f"{place}/{PACKAGE_FILE}"} & present
    return module if module in known and not was_there else ""


def known_modules(environment: Path) -> frozenset[str]:
    """Return the top-level modules of Python, and of those installed in a virtual environment."""
    found = environment.glob("lib/python*/site-packages/*")
    installed = (each.name.partition(".")[0] for each in found)
    return frozenset((*sys.stdlib_module_names, *OURS, *installed))
