"""The attributes that `.gitattributes` files give to paths."""

from dataclasses import dataclass

from shared.kernel.errors import Rejected
from shared.targets.paths import matches
from shared.targets.tree import Tree

FILE = ".gitattributes"


@dataclass(frozen=True)
class _Line:
    """One line: what it says about the paths below `folder` that match `pattern`."""

    folder: str
    pattern: str
    attributes: tuple[str, ...]


class GitAttributes:
    """The attributes of the paths of a tree.

    Unlike in git, a pattern that covers a folder also covers what is in it. Macros are not known.
    """

    def __init__(self, tree: Tree) -> None:
        named = [path for path in tree.files() if path.rpartition("/")[2] == FILE]
        # The file that is nearest to a path counts most, so deeper ones come later.
        self._lines = [
            line
            for path in sorted(named, key=lambda each: each.count("/"))
            for line in _lines(path.removesuffix(FILE), tree.read(path) or b"")
        ]

    def is_set(self, path: str, name: str) -> bool | None:
        """Return whether the attribute is set for a path; None where nothing is said about it."""
        answer: bool | None = None
        for line in self._lines:
            said = [each for each in line.attributes if _name(each) == name]
            if said and _covers(line, path):
                answer = not (said[-1].startswith("-") or said[-1].endswith("=false"))
        return answer


def _lines(folder: str, content: bytes) -> list[_Line]:
    """Return the lines of one file that name a pattern and attributes."""
    found = []
    for text in content.decode(errors="replace").splitlines():
        pattern, *attributes = text.split() or ("",)
        if attributes and not pattern.startswith(("#", "[", "!")):
            found.append(_Line(folder, pattern, tuple(attributes)))
    return found


def _name(attribute: str) -> str:
    """Return the name of an attribute, written `-name`, `!name`, `name` or `name=value`."""
    return attribute.lstrip("-!").partition("=")[0]


def _covers(line: _Line, path: str) -> bool:
    """Return whether a line is about a path; false where its pattern cannot be read."""
    try:
        return path.startswith(line.folder) and matches(
            path.removeprefix(line.folder), (line.pattern,)
        )
    except Rejected:
        return False
