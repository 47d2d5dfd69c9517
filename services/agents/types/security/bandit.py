"""What a target tells bandit to leave alone, which holds for the same rules of ruff's."""

import re
from dataclasses import dataclass

from shared.detectors.linters.ini import entries, read_sections
from shared.kernel.toml_data import read_toml_text
from shared.targets.declared.declaration import table
from shared.targets.tree import Tree

NOSEC = re.compile(r"#\s*nosec\b:?\s*(?P<codes>B\d{3}(?:[,\s]+B\d{3})*)?", re.IGNORECASE)
INI_FILE = ".bandit"


@dataclass(frozen=True)
class BanditChoices:
    """The ids of tests that bandit skips, and the folders and files that it does not read."""

    skips: frozenset[str] = frozenset()
    excluded: tuple[str, ...] = ()

    def leave_out(self, path: str, code: str) -> bool:
        """Return whether bandit is told not to report a rule of ruff's in a file."""
        return bandit_id(code) in self.skips or any(
            path == each or path.startswith(f"{each}/") for each in self.excluded
        )


def bandit_id(code: str) -> str:
    """Return bandit's id of a rule that ruff took from it: S506 is B506."""
    return "B" + code.removeprefix("S")


def is_nosec(line: str, code: str) -> bool:
    """Return whether a comment in a line tells bandit to be silent about a rule of ruff's."""
    found = NOSEC.search(line)
    if found is None:
        return False
    codes = re.split(r"[,\s]+", found["codes"].upper()) if found["codes"] else []
    return not codes or bandit_id(code) in codes


def read_bandit(tree: Tree) -> BanditChoices:
    """Return what pyproject.toml and .bandit at the root say; nothing where they say nothing.

    A file that cannot be read says nothing.
    """
    try:
        found = table(read_toml_text(tree.read("pyproject.toml") or b""), "tool", "bandit")
        ini = read_sections(tree.read(INI_FILE) or b"", "bandit").get("bandit", {})
    except ValueError:
        return BanditChoices()
    skips = (*entries(found.get("skips")), *entries(ini.get("skips")))
    excluded = (*entries(found.get("exclude_dirs")), *entries(ini.get("exclude")))
    return BanditChoices(
        frozenset(skips), tuple(each.removeprefix("./").strip("/") for each in excluded)
    )
