"""The settings of all linters of a target for its files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.detectors.linters import flake8, pylint
from shared.detectors.linters.choices import FolderChoices
from shared.detectors.linters.remarks import remarks
from shared.targets.tree import Tree

LINTERS = (flake8, pylint)


@dataclass(frozen=True)
class LinterChoices:
    """What each linter, by its name, is told in the folders that configure it."""

    by_linter: Mapping[str, tuple[FolderChoices, ...]]

    def turn_off(self, path: str, code: str) -> bool:
        """Return whether a linter is told not to look for a code in a file."""
        return any(
            chosen.turns_off(path, code)
            for folders in self.by_linter.values()
            if (chosen := _nearest(path, folders)) is not None
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on the configurations that cannot be read."""
        return tuple(
            f"The configuration of {linter} cannot be read, so nothing that it could find is "
            f"proposed ({each.problem})."
            for linter, folders in self.by_linter.items()
            for each in folders
            if each.problem
        )


def read_choices(tree: Tree) -> LinterChoices:
    """Read the configuration of each linter in all folders of a tree."""
    paths = tree.files()
    return LinterChoices(
        {
            linter.TOOL: tuple(
                found
                for folder in _folders_with(paths, linter.FILES)
                if (found := linter.read(tree, folder)) is not None
            )
            for linter in LINTERS
        }
    )


def is_silenced(text: str, row: int, code: str) -> bool:
    """Return whether a comment in a source tells linters not to report a finding in a line."""
    return any(each.silences(row, code) for each in remarks(text))


def _folders_with(paths: Iterable[str], names: tuple[str, ...]) -> list[str]:
    """Return the folders that hold a file of one of these names, "" or with a slash at the end."""
    split = [path.rpartition("/") for path in paths]
    return sorted({folder + slash for folder, slash, name in split if name in names})


def _nearest(path: str, folders: Iterable[FolderChoices]) -> FolderChoices | None:
    """Return what counts for a file: the configuration in the nearest folder above it."""
    above = [each for each in folders if path.startswith(each.folder)]
    return max(above, key=lambda each: len(each.folder), default=None)
