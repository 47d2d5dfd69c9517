"""What the rules about imports look at, and what they find."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from shared.contracts.base import Severity
from shared.detectors.imports.cutting import Cuts
from shared.detectors.imports.graph import ImportGraph
from shared.detectors.ports import Source
from shared.detectors.texts import Edits, line_at, split_lines

TOOL = "imports"
MAX_NAMED = 4


@dataclass(frozen=True)
class ImportOptions:
    """What a target wants to know of its imports.

    `layers` are dotted names of its packages and modules, from the highest layer to the lowest; of
    those on one line, separated by `|`, none may import another. `select` and `ignore` are rule
    codes: only these (empty: all), and none of those.
    """

    layers: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def includes(self, code: str) -> bool:
        """Return whether a rule is wanted."""
        return code not in self.ignore and (not self.select or code in self.select)


@dataclass(frozen=True)
class Found:
    """Something found by a rule. `identity` is what it is recognized by besides rule and path.

    An empty identity stands for the text of its line. `edits` are those that fix it. `advice` is
    true where people are told what to do about it, though not its whole rule is advised on.
    """

    code: str
    severity: Severity
    path: str
    line: int
    message: str
    end_line: int | None = None
    identity: str = ""
    is_fixable: bool = False
    edits: Edits = ()
    advice: bool = False


@dataclass(frozen=True)
class Survey:
    """A target at one commit with its import graph, and what it wants to know of it."""

    source: Source
    graph: ImportGraph
    options: ImportOptions

    @cached_property
    def cuts(self) -> Cuts:
        """The imports of cycles that can be cut."""
        return Cuts(self.graph, self.read)

    def read(self, path: str) -> bytes:
        """Return the content of a file; empty if there is none."""
        return self.source.tree.read(path) or b""

    def lines(self, path: str) -> list[str]:
        """Return the lines of a file."""
        return split_lines(self.source.text(path) or "")

    def text(self, path: str, first: int, last: int) -> str:
        """Return the text of some lines of a file, which are counted from 1."""
        lines = self.lines(path)
        return "".join(line_at(lines, row) for row in range(first, last + 1))

    def named(self, paths: Iterable[str]) -> str:
        """Return the dotted names of the first of some files, and how many more there are."""
        names = [f"`{self.graph.modules.name(each)}`" for each in paths]
        more = len(names) - MAX_NAMED
        return ", ".join(names[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")

    def chain(self, paths: Iterable[str]) -> str:
        """Return dotted names of files, each importing the next one, as a text."""
        return " → ".join(self.graph.modules.name(each) for each in paths)
