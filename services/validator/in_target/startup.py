"""What runs when Python starts, as `sitecustomize`, before the target's tree is on the path.

`python -m` and PYTHONPATH put the tree before the standard library: a new `hmac.py` at its root
would be imported in place of Python's, and get the key of the report. So a process that may report
imports what we need here, without the tree.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Every Python process that a test starts would pay for this import.
    from types import ModuleType

# The modules of ours that need no test framework, with all that they import.
OURS = ("signing", "reach", "channel", "switch")
PACKAGE = __name__.rpartition(".")[0]


def prepare(folder: str) -> None:
    """Import what we need from outside the tree, if this process may report.

    `folder` is the one that has our package. Names that the tree has too are forgotten again.
    """
    if not os.environ.get("GROUNDSWELL_REPORT") or os.environ.get("GROUNDSWELL_REPORT_OWNER"):
        return  # Nothing in this process reports.
    tree = [each for each in _tree_folders(folder) if each]
    path, before = list(sys.path), set(sys.modules)
    sys.path[:] = [each for each in path if each and each not in tree]
    try:
        for name in OURS:
            __import__("%s.%s" % (PACKAGE, name))  # noqa: UP031
    finally:
        sys.path[:] = path
    for name in set(sys.modules) - before:
        # The tree has a module of that name: its own tests mean that one, and we have ours.
        if not name.startswith(PACKAGE) and _is_in(tree, name.partition(".")[0]):
            del sys.modules[name]


def run_next(folder: str, ours: ModuleType) -> None:
    """Run the `sitecustomize` that would have run without ours; if there is none, ours stays."""
    path = list(sys.path)
    sys.path[:] = [each for each in path if each != folder]
    sys.modules.pop("sitecustomize", None)
    try:
        __import__("sitecustomize")
    except ImportError:
        sys.modules["sitecustomize"] = ours
    finally:
        sys.path[:] = path


def _tree_folders(folder: str) -> list[str]:
    """Return the folders of the target that are searched before the standard library."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [os.getcwd(), *(each for each in given if each != folder)]  # noqa: PTH109


def _is_in(folders: list[str], name: str) -> bool:
    """Return true if one of these folders has a module or package of this name."""
    places = [os.path.join(each, name) for each in folders]  # noqa: PTH118
    return any(os.path.isdir(each) or os.path.isfile(each + ".py") for each in places)  # noqa: PTH112, PTH113
