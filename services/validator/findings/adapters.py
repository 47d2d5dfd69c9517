"""The registered detectors, over the files in which two trees differ."""

import asyncio
import hashlib
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pygit2
import structlog

from services.validator.findings.domain import MeasuredPair, TreePair
from shared.agent_types import AgentSpec, agent_specs
from shared.contracts.documents.findings import Finding
from shared.detectors.comparison import FileFindings
from shared.detectors.failures import is_tool_failure
from shared.detectors.overlay import OverlayTree
from shared.detectors.ports import Detector, DetectorResources, Source, measure_batch
from shared.targets.mirror import Mirror
from shared.targets.paths import is_protected, matches
from shared.targets.profile import TargetProfile
from shared.targets.tree import blob_content

log = structlog.get_logger(__name__)

MAX_REMEMBERED_VERSIONS = 4096
REGULAR_FILES = {pygit2.enums.FileMode.BLOB, pygit2.enums.FileMode.BLOB_EXECUTABLE}


@dataclass(frozen=True)
class FileVersion:
    """A file's content by its git object id. Its path belongs to it: settings differ by path."""

    path: str
    blob: str


@dataclass(frozen=True)
class VersionPair:
    """The regular files in which two trees differ, as each of them has them."""

    trees: tuple[str, str]
    before: tuple[FileVersion, ...]
    after: tuple[FileVersion, ...]

    def read_by(self, detector: Detector) -> "VersionPair":
        """Return only the files that a detector reads."""

        def readable(versions: Iterable[FileVersion]) -> tuple[FileVersion, ...]:
            """Return the file versions whose path the detector reads."""
            return tuple(each for each in versions if matches(each.path, detector.files))

        return VersionPair(self.trees, readable(self.before), readable(self.after))


# One detector's findings by path, before and after.
FoundBySide = tuple[Mapping[str, tuple[Finding, ...]], Mapping[str, tuple[Finding, ...]]]


class RegisteredDetectors:
    """The `Detectors` port over the registered agent types.

    File versions that a detector has measured on a head are remembered.
    """

    def __init__(
        self,
        scratch: Path,
        mirror: Callable[[str], Mirror],
        specs: Callable[[], Mapping[str, AgentSpec]] = agent_specs,
    ) -> None:
        self._resources = DetectorResources(scratch)
        self._mirror = mirror
        self._specs = specs
        self._made: dict[tuple[str, str], Detector] | None = None
        self._known: OrderedDict[tuple[str, FileVersion], tuple[Finding, ...]] = OrderedDict()

    async def measure_pairs(
        self, target_id: str, head: str, profile: TargetProfile, pairs: Sequence[TreePair]
    ) -> Sequence[MeasuredPair]:
        """Measure by its detectors the unprotected files in which each pair differs, in order.

        A detector that fails measures nothing, and its tool is not among those of the outcome.
        Raises `Rejected` where the configuration on `head` cannot be used.
        """
        mirror = self._mirror(target_id)
        source = Source(await asyncio.to_thread(mirror.tree, head), profile, target_id)
        differing = await asyncio.to_thread(
            lambda: [_differing(mirror.repository, profile, each) for each in pairs]
        )
        chosen = [self._chosen(each) for each in pairs]
        found: dict[tuple[int, str], FoundBySide] = {}
        for key, detector in self._detectors().items():
            mine = [n for n, detectors in enumerate(chosen) if key in detectors]
            pairs_read = [differing[n].read_by(detector) for n in mine]
            try:
                measured = await self._measure(detector, mirror, source, pairs_read)
            except Exception as error:
                if not is_tool_failure(error):
                    raise
                log.exception("detector_failed", detector=detector.name)
                for detectors in chosen:
                    detectors.pop(key, None)
                continue
            found |= {(n, "/".join(key)): sides for n, sides in zip(mine, measured, strict=True)}
        return [
            await asyncio.to_thread(
                _merged,
                mirror.repository,
                differing[n],
                detectors,
                [found[n, "/".join(key)] for key in detectors],
            )
            for n, detectors in enumerate(chosen)
        ]

    def _detectors(self) -> Mapping[tuple[str, str], Detector]:
        """Return the detectors that run nothing of a target, by (agent type, name)."""
        if self._made is None:
            made = {
                (spec.name, detector.name): detector
                for spec in self._specs().values()
                for detector in (make(self._resources) for make in (*spec.detectors, *spec.guards))
            }
            self._made = {key: each for key, each in made.items() if not each.runs_target_code}
        return self._made

    def _chosen(self, pair: TreePair) -> dict[tuple[str, str], Detector]:
        """Return the pair's named detectors by (type, name), or all if it has no agent type."""
        return {
            (agent_type, name): each
            for (agent_type, name), each in self._detectors().items()
            if not pair.agent_type or (pair.agent_type == agent_type and name in pair.detectors)
        }

    async def _measure(
        self, detector: Detector, mirror: Mirror, source: Source, pairs: Sequence[VersionPair]
    ) -> list[FoundBySide]:
        """Return one detector's findings by path, before and after, for each of these pairs."""
        if not pairs:
            return []
        if not detector.single_file:
            return await _measure_whole_trees(detector, mirror, source, pairs)
        wanted = {version for each in pairs for version in (*each.before, *each.after)}
        known = await self._measure_versions(detector, mirror, source, wanted)
        return [
            (
                {each.path: known[each] for each in pair.before},
                {each.path: known[each] for each in pair.after},
            )
            for pair in pairs
        ]

    async def _measure_versions(
        self, detector: Detector, mirror: Mirror, source: Source, wanted: set[FileVersion]
    ) -> Mapping[FileVersion, tuple[Finding, ...]]:
        """Return a detector's findings in each file version, measuring only unknown ones."""
        key = _key(detector, source)
        known = {each: self._known[key, each] for each in wanted if (key, each) in self._known}
        unknown = sorted(wanted - known.keys(), key=lambda each: (each.path, each.blob))
        known |= await _measure_overlays(detector, mirror.repository, source, unknown)
        for each in wanted:
            self._known[key, each] = known[each]
            self._known.move_to_end((key, each))
        while len(self._known) > MAX_REMEMBERED_VERSIONS:
            self._known.popitem(last=False)
        return known


def _key(detector: Detector, source: Source) -> str:
    """Return a digest of all that a finding depends on, beside the file."""
    parts = (detector.version, source.tree.oid, source.profile.model_dump_json())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


async def _measure_overlays(
    detector: Detector,
    repository: pygit2.Repository,
    source: Source,
    versions: Sequence[FileVersion],
) -> dict[FileVersion, tuple[Finding, ...]]:
    """Return findings by version on the head's tree; a file's next version is on another tree."""
    if not versions:
        return {}
    turns: Counter[str] = Counter()
    layers: dict[int, dict[str, FileVersion]] = defaultdict(dict)
    for each in versions:
        layers[turns[each.path]][each.path] = each
        turns[each.path] += 1
    overlays = await asyncio.to_thread(
        lambda: [_overlay(repository, source, layer) for layer in layers.values()]
    )
    measured = await measure_batch(
        detector, list(zip(overlays, map(tuple, layers.values()), strict=True))
    )
    return {
        version: tuple(each for each in found.findings if each.path == path)
        for layer, found in zip(layers.values(), measured, strict=True)
        for path, version in layer.items()
    }


def _overlay(
    repository: pygit2.Repository, source: Source, versions: Mapping[str, FileVersion]
) -> Source:
    """Return the head as a detector's source, with these versions of some of its files."""
    contents = {path: _content(repository, each.blob) for path, each in versions.items()}
    return Source(OverlayTree(source.tree, contents), source.profile, source.target_id)


async def _measure_whole_trees(
    detector: Detector, mirror: Mirror, source: Source, pairs: Sequence[VersionPair]
) -> list[FoundBySide]:
    """Measure the differing files in both trees of each pair, with all the files beside them."""
    sides = []
    for pair in pairs:
        for tree, versions in zip(pair.trees, (pair.before, pair.after), strict=True):
            there = await asyncio.to_thread(mirror.tree, tree)
            paths = tuple(each.path for each in versions)
            sides.append((Source(there, source.profile, source.target_id), paths))
    measured = await measure_batch(detector, sides)
    found = [
        {path: tuple(f for f in each.findings if f.path == path) for path in paths}
        for each, (_, paths) in zip(measured, sides, strict=True)
    ]
    return list(zip(found[::2], found[1::2], strict=True))


def _differing(
    repository: pygit2.Repository, profile: TargetProfile, pair: TreePair
) -> VersionPair:
    """Return the regular, unprotected files in which the two trees of a pair differ."""
    old, new = (
        repository.revparse_single(each).peel(pygit2.Tree) for each in (pair.before, pair.after)
    )
    sides: tuple[list[FileVersion], list[FileVersion]] = ([], [])
    for delta in old.diff_to_tree(new).deltas:
        for side, file in zip(sides, (delta.old_file, delta.new_file), strict=True):
            if file.mode in REGULAR_FILES and not is_protected(file.path, profile.config):
                side.append(FileVersion(file.path, str(file.id)))
    return VersionPair((pair.before, pair.after), tuple(sides[0]), tuple(sides[1]))


def _merged(
    repository: pygit2.Repository,
    differing: VersionPair,
    detectors: Mapping[tuple[str, str], Detector],
    found: Sequence[FoundBySide],
) -> MeasuredPair:
    """Put together what detectors found in a pair of trees, in files that any of them read."""

    def side(versions: Sequence[FileVersion], number: int) -> dict[str, FileFindings]:
        """Return by path the measured files of one side (0 before, 1 after) with their findings."""
        return {
            each.path: FileFindings(
                _text(repository, each.blob),
                tuple(f for sides in found for f in sides[number].get(each.path, ())),
            )
            for each in versions
            if any(each.path in sides[number] for sides in found)
        }

    tools = frozenset(each.tool for each in detectors.values())
    return MeasuredPair(side(differing.before, 0), side(differing.after, 1), tools)


def _content(repository: pygit2.Repository, blob: str) -> bytes:
    """Return the content of a git object; empty if it is no file."""
    return blob_content(repository.get(blob)) or b""


def _text(repository: pygit2.Repository, blob: str) -> str:
    """Return the content of a git object as text, with invalid bytes replaced."""
    return _content(repository, blob).decode(errors="replace")
