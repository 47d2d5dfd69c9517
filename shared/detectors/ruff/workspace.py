"""The workspace of the ruff detector: one scratch copy, on which ruff runs again and again."""

from collections.abc import Callable, Collection, Mapping

from shared.detectors.findings import rule_id
from shared.detectors.ports import FixableFinding
from shared.detectors.ruff.configuration import TOOL
from shared.detectors.ruff.findings import FindingReader
from shared.detectors.ruff.process import SYNTAX_ERROR, Ruff

# Any rule will do: a file that cannot be parsed is reported whichever is selected.
CHEAP_RULE = "F632"


class RuffWorkspace:
    """`Workspace` over one ruff process at a time, for the rules with these `codes`.

    `reader` is asked for once ruff has run for the first time.
    """

    def __init__(
        self,
        ruff: Ruff,
        files: Mapping[str, str],
        codes: Collection[str],
        reader: Callable[[Ruff], FindingReader],
    ) -> None:
        self._ruff = ruff
        self._files = dict(files)
        self._wanted = frozenset(rule_id(TOOL, each) for each in codes)
        self._make_reader = reader
        self._reader: FindingReader | None = None

    def write(self, files: Mapping[str, str]) -> None:
        """Replace the texts of these files."""
        self._files.update(files)
        self._ruff.write(files)

    def find(self, rules: Collection[str]) -> list[FixableFinding]:
        """Return the findings of these rules that the target wants, by path and line."""
        codes = [each.partition(":")[2] for each in rules if each in self._wanted]
        if not codes:
            return []
        found = self._ruff.check(codes)
        self._reader = self._reader or self._make_reader(self._ruff)
        return self._reader.read(found, self._files)

    def parses(self, path: str) -> bool:
        """Return whether ruff finds no syntax error in a file."""
        found = self._ruff.check([CHEAP_RULE], [path])
        return all(each.code != SYNTAX_ERROR for each in found)

    def format(self, files: Mapping[str, str]) -> dict[str, str]:
        """Return these texts as ruff formats them."""
        return self._ruff.format(files)
