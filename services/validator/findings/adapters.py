"""The detectors of the agents, over the files in which two trees differ."""

import hashlib
import importlib.metadata
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pygit2

from services.validator.findings.domain import FileLook, Look
from shared.contracts.documents.findings import Finding
from shared.detectors.by_ruff import as_findings
from shared.detectors.ports import Source
from shared.detectors.ruff import (
    LONGEST,
    Diagnostic,
    configuration,
    read_settings,
    wanted_rules,
    workshop,
)
from shared.detectors.rules import SECURITY
from shared.targets.languages import PYTHON
from shared.targets.mirror import Mirror
from shared.targets.paths import is_protected
from shared.targets.profile import TargetProfile

REMEMBERED = 4096


@dataclass(frozen=True)
class Version:
    """A file's content. Its path belongs to it: what a target wants of ruff may differ from file to file."""

    path: str
    blob: str


@dataclass(frozen=True)
class Eyes:
    """What is looked for, and as what target; `key` names all that a finding depends on beside the file."""

    source: Source
    rules: tuple[str, ...]
    key: str


class RuffDetectors:
    """The `Detectors` port: one process for all that is not known yet. It runs nothing of the target."""

    def __init__(self, scratch: Path, mirror: Callable[[str], Mirror]) -> None:
        self._scratch = scratch
        self._mirror = mirror
        self._known: OrderedDict[tuple[str, Version], FileLook] = OrderedDict()

    def look(
        self, target_id: str, head: str, profile: TargetProfile, pairs: Sequence[tuple[str, str]]
    ) -> Sequence[tuple[Look, Look]]:
        mirror = self._mirror(target_id)
        eyes = _eyes(mirror, head, profile)
        found = [_differing(mirror.repository, profile, *pair) for pair in pairs]
        wanted = {each for sides in found for side in sides for each in side}
        looks = self._look(mirror.repository, eyes, wanted)
        return [
            (
                {each.path: looks[each] for each in before},
                {each.path: looks[each] for each in after},
            )
            for before, after in found
        ]

    def _look(
        self, repository: pygit2.Repository, eyes: Eyes, wanted: set[Version]
    ) -> Mapping[Version, FileLook]:
        looks = {
            each: self._known[eyes.key, each] for each in wanted if (eyes.key, each) in self._known
        }
        unknown = sorted(wanted - looks.keys(), key=lambda each: (each.path, each.blob))
        looks |= self._measure(repository, eyes, unknown)
        for each in wanted:
            self._known[eyes.key, each] = looks[each]
            self._known.move_to_end((eyes.key, each))
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return looks

    def _measure(
        self, repository: pygit2.Repository, eyes: Eyes, versions: Sequence[Version]
    ) -> dict[Version, FileLook]:
        """Versions of one file cannot be in one folder, so the second of each is in a second one."""
        turns: Counter[str] = Counter()
        slots: dict[str, dict[str, str]] = {}
        looks, places = {}, {}
        for each in versions:
            text = _text(repository, each.blob)
            looks[each] = FileLook(text or "")
            if text is not None:
                root = f"{turns[each.path]}/"
                turns[each.path] += 1
                slots.setdefault(root, {})[each.path] = text
                places[root, each.path] = each
        for root, findings in _check(eyes, slots, self._scratch).items():
            for path, text in slots[root].items():
                mine = tuple(each for each in findings if each.path == path)
                looks[places[root, path]] = FileLook(text, mine)
        return looks


def _check(
    eyes: Eyes, slots: Mapping[str, dict[str, str]], scratch: Path
) -> dict[str, list[Finding]]:
    files = {root + path: text for root, mine in slots.items() for path, text in mine.items()}
    if not files or not eyes.rules:
        return {}
    # How long lines may be has a say in some rules; it must not differ with what else is looked at.
    with workshop(eyes.source, files, scratch, roots=tuple(slots), line_length=LONGEST) as ruff:
        found = ruff.check(eyes.rules)
    return {
        root: as_findings(
            [_inside(each, root) for each in found if each.path.startswith(root)], mine, eyes.source
        )
        for root, mine in slots.items()
    }


def _inside(found: Diagnostic, root: str) -> Diagnostic:
    return replace(found, path=found.path.removeprefix(root))


def _eyes(mirror: Mirror, head: str, profile: TargetProfile) -> Eyes:
    """What the target says about itself counts as it stands on the head, for before and after."""
    source = Source(mirror.tree(head), profile)
    settings = read_settings(source.tree)
    doors = (each for each in sorted(SECURITY) if settings.wants(each))
    rules = (*wanted_rules(source), *doors)
    said = [importlib.metadata.version("ruff"), profile.target_version, *rules]
    said += [repr(each) for each in sorted(configuration(source.tree, settings).items())]
    said += [each.model_dump_json() for each in profile.components]
    return Eyes(source, rules, hashlib.sha256("\0".join(said).encode()).hexdigest())


def _differing(
    repository: pygit2.Repository, profile: TargetProfile, before: str, after: str
) -> tuple[list[Version], list[Version]]:
    """The sources in which two trees differ, as each of them has them."""
    old, new = (repository.revparse_single(each).peel(pygit2.Tree) for each in (before, after))
    sides: tuple[list[Version], list[Version]] = ([], [])
    for delta in old.diff_to_tree(new).deltas:
        for side, file in zip(sides, (delta.old_file, delta.new_file), strict=True):
            is_there = file.mode in {
                pygit2.enums.FileMode.BLOB,
                pygit2.enums.FileMode.BLOB_EXECUTABLE,
            }
            if (
                is_there
                and PYTHON.has_suffix(file.path)
                and not is_protected(file.path, profile.config)
            ):
                side.append(Version(file.path, str(file.id)))
    return sides


def _text(repository: pygit2.Repository, blob: str) -> str | None:
    """What is no text has no findings."""
    found = repository[blob]
    try:
        return found.data.decode() if isinstance(found, pygit2.Blob) else None
    except UnicodeDecodeError:
        return None
