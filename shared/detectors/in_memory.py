"""A workspace over texts in memory, for detectors that need no files."""

from collections.abc import Callable, Collection, Mapping

from shared.detectors.ports import FixableFinding
from shared.targets.languages import language_by_name

# (texts by path) -> what is found in them, in the order of paths and lines.
FindInTexts = Callable[[Mapping[str, str]], list[FixableFinding]]


class InMemoryWorkspace:
    """`Workspace` over texts in memory. It formats nothing."""

    def __init__(self, files: Mapping[str, str], find: FindInTexts) -> None:
        self._files = dict(files)
        self._find = find

    def write(self, files: Mapping[str, str]) -> None:
        """Replace the texts of these files."""
        self._files.update(files)

    def find(self, rules: Collection[str]) -> list[FixableFinding]:
        """Return the findings of these rules, in the order of paths and lines."""
        return [each for each in self._find(self._files) if each.finding.rule in rules]

    def parses(self, path: str) -> bool:
        """Return whether a file is valid in its language; true if that is not known."""
        language = language_by_name(path)
        return language is None or language.is_valid(self._files[path].encode())

    def format(self, files: Mapping[str, str]) -> dict[str, str]:
        """Return the texts unchanged."""
        return dict(files)
