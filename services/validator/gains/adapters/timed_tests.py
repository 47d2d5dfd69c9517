"""What a run of tests needs in order to time the functions that they call."""

import json
import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from services.validator import in_target
from services.validator.gains.domain.functions import MeasuredFunction, located, with_recording
from services.validator.gains.domain.plan import GainPlan
from services.validator.suite.adapters.suite_run import IN_TARGET_PACKAGE, STARTUP
from services.validator.suite.domain.sources import decode_source
from shared.environments.ports import ExportableTree, Trees
from shared.targets.tree import Tree
from shared.targets.writer import FolderWriter

Functions = Mapping[int, MeasuredFunction]

SCRIPT = Path(in_target.__file__).with_name("timed_tests.py")
INSTALL_TIMER = f"from {IN_TARGET_PACKAGE}.call_timer import install\n\ninstall({{!r}})\n"


class TimedTrees:
    """Trees in which the functions of a plan first call a builtin of a secret name."""

    def __init__(self, trees: Trees, plan: GainPlan) -> None:
        self._trees = trees
        self._plan = plan
        self.builtin = f"_{secrets.token_hex(8)}"

    def __call__(self, target_id: str, oid: str) -> ExportableTree:
        """Return a tree with its timed functions."""
        return _TimedTree(self._trees(target_id, oid), self._plan, self.builtin)


class _TimedTree:
    """A tree that is exported with the functions of a plan timed."""

    def __init__(self, tree: ExportableTree, plan: GainPlan, builtin: str) -> None:
        self._tree = tree
        self._plan = plan
        self._builtin = builtin

    @property
    def oid(self) -> str:
        """The object id of the tree itself."""
        return self._tree.oid

    def files(self) -> tuple[str, ...]:
        """Return the paths of the tree's files."""
        return self._tree.files()

    def read(self, path: str) -> bytes | None:
        """Return a file of the tree as it is there."""
        return self._tree.read(path)

    def export(self, into: Path) -> None:
        """Write the tree, and then the files of the timed functions anew."""
        self._tree.export(into)
        write_calling_files(into, self._tree, self._plan, self._builtin, located)


def write_calling_files(
    folder: Path,
    tree: Tree,
    plan: GainPlan,
    builtin: str,
    choose: Callable[[str, Functions], Functions] = lambda _, functions: functions,
) -> None:
    """Overwrite the files of a plan's functions by such as call a builtin; a link is left alone.

    `choose` returns those functions of a text that shall call it, at their lines there.
    """
    by_path: Mapping[str, dict[int, MeasuredFunction]] = defaultdict(dict)
    for number, each in enumerate(plan.functions):
        by_path[each.path][number] = each
    with FolderWriter(folder) as writer:
        for path, functions in by_path.items():
            text = decode_source(tree.read(path) or b"")
            text = with_recording(text, choose(text, functions), builtin)
            writer.overwrite(path, text.encode(errors="surrogateescape"))


def files_of_timed_tests(
    command: tuple[str, ...], plugin: str, tests: tuple[str, ...], plan: GainPlan, builtin: str
) -> dict[str, bytes]:
    """Return the files that `SCRIPT` needs beside it to run these tests by a command."""
    content = {
        "command": command,
        "plugin": f"{IN_TARGET_PACKAGE}.{plugin}",
        "tests": tests,
        "labels": [each.label for each in plan.functions],
    }
    package = {
        f"{IN_TARGET_PACKAGE}/{each.name}": each.read_bytes() for each in SCRIPT.parent.glob("*.py")
    }
    return {
        **package,
        SCRIPT.name: SCRIPT.read_bytes(),
        f"{SCRIPT.stem}.json": json.dumps(content).encode(),
        "sitecustomize.py": (STARTUP + INSTALL_TIMER.format(builtin)).encode(),
    }
