"""The settings of one linter for the files below a folder."""

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

CODE = re.compile(r"^([A-Z]+)(\d*)")
# Pylint's categories are letters of their own, and its prefix stands for all of them.
PREFIX_OF_FAMILY = "PL"
ALL = "ALL"


@dataclass(frozen=True)
class CodeChoice:
    """Codes that are turned on and off, by their beginnings; of two that fit the longer counts."""

    on: tuple[str, ...] = ()
    off: tuple[str, ...] = ()

    def answer(self, code: str) -> bool | None:
        """Return whether a code is turned on; None where nothing is said about it."""
        on, off = (_longest(code, each) for each in (self.on, self.off))
        return None if on == off == -1 else on > off


@dataclass(frozen=True)
class FolderChoices:
    """The settings of a linter for the files below `folder`, which is empty or ends with a slash.

    It is only asked about codes that begin with one of `about`. Of `layers` the later ones count
    more. `per_file` has file patterns with codes that are off there, `excluded` patterns of files
    and folders that it does not read; all are relative to the folder. `problem` says why the
    configuration cannot be read, and then all its codes are off.
    """

    folder: str
    about: tuple[str, ...] = (ALL,)
    layers: tuple[CodeChoice, ...] = ()
    per_file: tuple[tuple[str, tuple[str, ...]], ...] = ()
    excluded: tuple[str, ...] = ()
    problem: str = ""

    def turns_off(self, path: str, code: str) -> bool:
        """Return whether a code is off for a file below the folder."""
        if not fits(code, self.about):
            return False
        inside = path.removeprefix(self.folder)
        if self.problem or any(_matches(each, self.excluded) for each in _with_folders(inside)):
            return True
        if any(_matches(inside, [file]) and fits(code, codes) for file, codes in self.per_file):
            return True
        answers = [each.answer(code) for each in self.layers]
        return next((each for each in reversed(answers) if each is not None), True) is False


def fits(code: str, beginnings: Iterable[str]) -> bool:
    """Return whether one of the beginnings stands for a code: `F` for `F401`, not for `FURB105`."""
    return _longest(code, beginnings) >= 0


def _longest(code: str, beginnings: Iterable[str]) -> int:
    """Return the length of the longest beginning that stands for a code; -1 if none does."""
    return max((_length(code, each) for each in beginnings), default=-1)


def _length(code: str, beginning: str) -> int:
    """Return the length of a beginning if it stands for a code, -1 if not; 0 where it is all."""
    if beginning.upper() == ALL:
        return 0
    wanted, given = CODE.match(code), CODE.match(beginning)
    if wanted is None or given is None or not code.startswith(beginning):
        return -1
    is_family = beginning == PREFIX_OF_FAMILY and code.startswith(PREFIX_OF_FAMILY)
    return len(beginning) if wanted[1] == given[1] or is_family else -1


def _with_folders(path: str) -> list[str]:
    """Return a path and the folders that it is in."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts), 0, -1)]


def _matches(path: str, patterns: Sequence[str]) -> bool:
    """Return whether shell patterns fit a path or its last part; `*` also stands for slashes."""
    name = posixpath.basename(path)
    return any(fnmatchcase(path, each) or fnmatchcase(name, each) for each in patterns)
