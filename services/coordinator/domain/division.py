"""Dividing components into parts that different agents can work on at the same time."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from shared.contracts.documents.findings import Finding
from shared.targets.ownership import cover

# Parts with fewer fixable findings on average are not worth agents of their own. An agent takes
# about a second for each, so it would save a few seconds at most, while every rule then has one
# more commit to review and to test: on boltons a commit fixes seven findings on average.
MIN_FINDINGS_OF_PART = 12

Work = Mapping[str, Mapping[str, int]]  # by component and path: the number of findings to fix
Cluster = tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """Files of a component that one agent works on; `name` is empty for a whole component.

    `paths` are the patterns of its lease.
    """

    component: str
    paths: tuple[str, ...]
    name: str = ""
    files: frozenset[str] = frozenset()

    def contains(self, path: str) -> bool:
        """Return whether a file of the component is in this part."""
        return not self.name or path in self.files


def work_by_path(findings: Sequence[Finding], foreclosed: Collection[str]) -> Work:
    """Count the findings in components that can be fixed and are not foreclosed."""
    work: dict[str, Counter[str]] = defaultdict(Counter)
    for each in findings:
        if each.component and each.agent_type and is_fixable(each, foreclosed):
            work[each.component][each.path] += 1
    return work


def is_fixable(finding: Finding, foreclosed: Collection[str]) -> bool:
    """Return whether a finding can be fixed and may be tried."""
    return finding.fixable != "no" and finding.fingerprint not in foreclosed


def parts_by_component(work: Work, limit: int) -> dict[str, int]:
    """Return into how many parts each component is divided so that there are up to `limit`.

    The component with the most work per part is divided further, as long as its parts have work
    enough (the method of highest averages). With as many components, none is divided.
    """
    total = {name: sum(files.values()) for name, files in work.items()}
    parts = dict.fromkeys(total, 1)
    while sum(parts.values()) < limit:
        divisible = [
            name
            for name, count in parts.items()
            if count < min(len(work[name]), total[name] // MIN_FINDINGS_OF_PART)
        ]
        if not divisible:
            break
        largest = min(divisible, key=lambda name: (-total[name] / parts[name], name))
        parts[largest] += 1
    return parts


def divide(
    component: str,
    clusters: Sequence[Cluster],
    work: Mapping[str, int],
    count: int,
    others: Collection[str],
) -> tuple[Part, ...]:
    """Divide the files of a component into `count` parts with comparable work, in path order.

    A cluster of files stays together unless it has more work than one part should have. There are
    fewer parts where few files have all the work. `others` are files that no part may hold.
    """
    share = sum(work.values()) / count
    blocks, sizes = _blocks(clusters, work, share)
    files = {path for each in clusters for path in each}
    return tuple(
        _part(component, frozenset(path for block in chosen for path in block), files, others)
        for chosen in _cut(blocks, sizes, min(count, len(blocks)))
    )


def _blocks(
    clusters: Sequence[Cluster], work: Mapping[str, int], share: float
) -> tuple[list[list[str]], list[int]]:
    """Return what is not divided further, in path order, and the work in each block.

    That is a cluster or, of one with more work than `share`, each file. Files without work go with
    the block before them.
    """
    pieces = [
        piece
        for each in clusters
        for piece in ([each] if _sum(each, work) <= share else [(path,) for path in each])
    ]
    blocks: list[list[str]] = []
    sizes: list[int] = []
    for piece in sorted(pieces):
        size = _sum(piece, work)
        if blocks and not (size and sizes[-1]):
            blocks[-1] += piece
            sizes[-1] += size
        else:
            blocks.append([*piece])
            sizes.append(size)
    return blocks, sizes


def _cut(blocks: list[list[str]], sizes: list[int], count: int) -> list[list[list[str]]]:
    """Cut a row of blocks into `count` runs of about the same size, each of a block or more."""
    if count <= 1:
        return [blocks]
    left = count // 2
    sums = list(accumulate(sizes, initial=0))
    wanted = sums[-1] * left / count
    cuts = range(left, len(blocks) - (count - left) + 1)
    cut = min(cuts, key=lambda each: abs(sums[each] - wanted))
    return _cut(blocks[:cut], sizes[:cut], left) + _cut(blocks[cut:], sizes[cut:], count - left)


def _sum(paths: Sequence[str], work: Mapping[str, int]) -> int:
    """Return the work in these files."""
    return sum(work.get(path, 0) for path in paths)


def _part(
    component: str, mine: frozenset[str], files: Collection[str], others: Collection[str]
) -> Part:
    """Return the part of a component that holds these files, named after its first and last."""
    paths = cover(mine, {*others, *files} - mine)
    if len(mine) == len(files):
        return Part(component, paths)
    first, last = paths[0].strip("/"), paths[-1].strip("/")
    return Part(component, paths, first if first == last else f"{first} to {last}", mine)
