"""What `python -X importtime` prints, as data: how long each import of a program takes."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

LINE = re.compile(r"^import time:\s*(\d+) \|\s*(\d+) \| ( *)([\w.]+)\s*$")
INDENT = 2
# An import below these is not worth an edit.
MIN_SHARE = 0.1
MIN_MICROSECONDS = 5_000


@dataclass(frozen=True)
class ImportTime:
    """One module as it was imported for the first time.

    `own` is what it took itself and `total` with all that it imported, in microseconds. `depth` is
    how many imports were under way when it began, and `parent` the innermost of them, if any.
    """

    module: str
    own: int
    total: int
    depth: int
    parent: str = ""


def parse_import_times(output: str) -> list[ImportTime]:
    """Return the imports in the order in which they began; other lines are skipped.

    Python prints a module when its import has ended, so those that it imported come before it.
    """
    found = [match.groups() for line in output.splitlines() if (match := LINE.match(line))]
    times: list[ImportTime] = []
    path: list[str] = []
    for own, total, indent, module in reversed(found):
        depth = min(len(indent) // INDENT, len(path))
        parent = path[depth - 1] if depth else ""
        path[depth:] = [module]
        times.append(ImportTime(module, int(own), int(total), depth, parent))
    return times


def least_of(runs: Sequence[Sequence[ImportTime]]) -> list[ImportTime]:
    """Return the imports of the first run, each with the least time that any run took for it.

    What else the machine does only adds to a time.
    """
    own: dict[str, int] = {}
    total: dict[str, int] = {}
    for each in (each for run in runs for each in run):
        own[each.module] = min(own.get(each.module, each.own), each.own)
        total[each.module] = min(total.get(each.module, each.total), each.total)
    first = runs[0] if runs else ()
    return [replace(e, own=own[e.module], total=total[e.module]) for e in first]


def slow_imports(times: Sequence[ImportTime], packages: Iterable[str]) -> Iterator[ImportTime]:
    """Yield the imports from outside that the modules of `packages` themselves begin and that cost.

    They take a good part of all imports together, and what they import is not counted again.
    """
    own = frozenset(packages)
    everything = sum(each.own for each in times)
    for each in times:
        ours = each.parent.partition(".")[0] in own and each.module.partition(".")[0] not in own
        if ours and each.total >= max(MIN_MICROSECONDS, MIN_SHARE * everything):
            yield each
