"""Takes definitions out of a file, which keeps their names by imports."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.agents.types.architecture.rules.import_lines import exporting, with_import
from services.agents.types.architecture.rules.statements import without_imports
from shared.detectors.imports.facts import Definition, read_facts
from shared.detectors.imports.needs import used_names
from shared.detectors.texts import split_lines
from shared.kernel.syntax import parse


@dataclass(frozen=True)
class MovedLines:
    """Lines that leave a file: from `first` to before `last`, counted from 0, and their text."""

    first: int
    last: int
    text: str
    is_value: bool


def blocks_of(text: str, definitions: Iterable[Definition]) -> list[MovedLines]:
    """Return definitions with the comments above them and inside, in the order of their lines."""
    lines = split_lines(text)
    ends = [each.end_lineno or each.lineno for each in parse(text).body]
    found = {}
    for each in definitions:
        first, last = each.line - 1, _last_line(lines, each.end_line)
        above = max((end for end in ends if end <= first), default=0)
        while first > above and lines[first - 1].startswith("#"):
            first -= 1
        body = "".join(lines[first:last]).rstrip()
        found[first] = MovedLines(first, last, body, each.kind == "value")
    return [found[first] for first in sorted(found)]


def _last_line(lines: Sequence[str], end: int) -> int:
    """Return the number of lines up to the end of a definition and of the comments in it."""
    last = end
    for row in range(end, len(lines)):
        text = lines[row].strip()
        if text and not (text.startswith("#") and lines[row][0] in " \t"):
            break
        last = row + 1 if text else last
    return last


def left_behind(
    text: str,
    blocks: Sequence[MovedLines],
    kept: Mapping[str, Collection[str]],
    needs: Collection[str],
    is_taken: Callable[[str], bool],
) -> str:
    """Return a text without some blocks, that imports the names `kept` from each module.

    It does so without private ones that nothing reads. `needs` are imported names that the blocks
    use, which go with them if nothing else reads them. `is_taken` tells what other files take.
    """
    rest = _without(split_lines(text), blocks)
    facts = read_facts(rest.encode())
    readers = _Readers(
        used_names(rest.encode()), facts.exported if facts else frozenset(), is_taken
    )
    rest = without_imports(rest, [each for each in needs if not readers.read(each)])
    for module in sorted(kept):
        names = [e for e in kept[module] if not e.startswith("_") or readers.read(e)]
        if names:
            rest = with_import(rest, module, list(exporting(names, readers.is_evident)))
    return rest


@dataclass(frozen=True)
class _Readers:
    """What reads names of a file: the file itself, its `__all__`, and other files."""

    used: frozenset[str]
    exported: frozenset[str]
    is_taken: Callable[[str], bool]

    def read(self, name: str) -> bool:
        """Return whether anything reads a name."""
        return name in self.used or name in self.exported or self.is_taken(name)

    def is_evident(self, name: str) -> bool:
        """Return whether the file itself shows for what it imports a name."""
        return name in self.exported or (name in self.used and not self.is_taken(name))


def _without(lines: Sequence[str], blocks: Sequence[MovedLines]) -> str:
    """Return lines without some blocks; of the blank ones around each, the larger gap stays."""
    kept = list(lines)
    for each in sorted(blocks, key=lambda each: -each.first):
        before, after = _gap(kept[: each.first][::-1]), _gap(kept[each.last :])
        del kept[each.first : each.last + min(before, after)]
    while kept and not kept[-1].strip():
        kept.pop()
    return "".join(kept)


def _gap(lines: Sequence[str]) -> int:
    """Return how many of the first lines are blank; all count where there is nothing else."""
    return next((n for n, each in enumerate(lines) if each.strip()), len(lines))
