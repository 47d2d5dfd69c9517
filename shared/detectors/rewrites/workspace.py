"""The workspace of rules of our own: texts in memory."""

from collections.abc import Callable, Collection, Mapping

from shared.detectors.ports import FixableFinding, Workspace
from shared.targets.languages import language_by_name

# (texts by path, ids of rules) -> what these rules find.
Find = Callable[[Mapping[str, str], Collection[str]], list[FixableFinding]]


class RewritesWorkspace:
    """`Workspace` over texts in memory; `formatter` formats them as the target would."""

    def __init__(self, files: Mapping[str, str], find: Find, formatter: Workspace) -> None:
        self._files = dict(files)
        self._find = find
        self._formatter = formatter

    def write(self, files: Mapping[str, str]) -> None:
        """Replace the texts of these files."""
        self._files.update(files)

    def find(self, rules: Collection[str]) -> list[FixableFinding]:
        """Return the findings of these rules, in the order of paths and lines."""
        return self._find(self._files, rules)

    def parses(self, path: str) -> bool:
        """Return whether a file is valid Python."""
        language = language_by_name(path)
        return language is None or language.is_valid(self._files[path].encode())

    def format(self, files: Mapping[str, str]) -> dict[str, str]:
        """Return these texts as the target's formatter writes them."""
        return self._formatter.format(files)
