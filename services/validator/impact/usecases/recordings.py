"""Finds the newest recording of which functions each test reaches."""

import asyncio
from dataclasses import dataclass
from functools import lru_cache

from services.validator.deps import ValidatorDeps
from services.validator.impact.domain.impact import Change, is_stale
from services.validator.prepared import PreparedHead
from services.validator.runs.usecases.reports import read_text
from services.validator.suite.domain.recording import ImpactMap
from services.validator.suite.domain.sources import decode_source
from shared.contracts.states import RunState
from shared.kernel.errors import NotFound
from shared.targets.paths import is_protected
from shared.targets.tree import Tree

# So many recorded runs are considered, newest first.
MAX_RECORDINGS_CONSIDERED = 20


@dataclass(frozen=True)
class Recorded:
    """A recorded map of tests and functions, and the tree that it was recorded on."""

    tree: str
    map: ImpactMap


async def latest_recording(prepared: PreparedHead, deps: ValidatorDeps) -> Recorded | None:
    """Return the newest recording of the target with the same environment and tests, if any.

    Only the last `MAX_RECORDINGS_CONSIDERED` recorded runs count.
    """
    runs = await deps.store.runs.find(
        target_id=prepared.target.id,
        request__environment=prepared.environment.key,
        state=RunState.FINISHED,
        request__record=True,
        sort="-_id",
        limit=MAX_RECORDINGS_CONSIDERED,
    )
    for each in runs:
        tree, impact = each.request.tree, each.result.impact
        if impact is not None and await asyncio.to_thread(_has_tests_of, tree, prepared):
            return Recorded(tree, await _read_map(impact, deps))
    return None


async def is_recording_stale(recorded: Recorded | None, prepared: PreparedHead) -> bool:
    """Return true if much has changed on the head since the recording, if there is one.

    Then the next full run that is needed anyway is recorded, and the tree that it lands has a
    recording of its own. Without any recording there is a baseline, which is recorded.
    """
    return recorded is not None and await asyncio.to_thread(_is_stale, recorded, prepared)


def changes_between(
    prepared: PreparedHead, recorded: Recorded, before: str, after: str
) -> dict[str, Change]:
    """Return the files that differ between two trees, with their recorded text, by path. Blocks."""
    trees = [prepared.mirror.tree(each) for each in (recorded.tree, before, after)]
    return {
        path: Change(*(_text(tree, path) for tree in trees))
        for path in prepared.mirror.changed_paths(before, after)
    }


def _has_tests_of(oid: str, prepared: PreparedHead) -> bool:
    """Return true if a tree is known and has the tests and the test configuration of the head."""
    try:
        tree = prepared.mirror.tree(oid)
    except NotFound:
        return False
    digest = tree.digest(lambda path: is_protected(path, prepared.profile.config))
    return digest == prepared.protected_files_digest


def _is_stale(recorded: Recorded, prepared: PreparedHead) -> bool:
    """Return true if much differs between the recorded tree and the head. Blocks."""
    changes = changes_between(prepared, recorded, recorded.tree, prepared.tree)
    return is_stale(recorded.map, changes)


def _text(tree: Tree, path: str) -> str | None:
    """Return a source file's text; None if it does not exist."""
    content = tree.read(path)
    return None if content is None else decode_source(content)


async def _read_map(digest: str, deps: ValidatorDeps) -> ImpactMap:
    """Return the impact map stored under this digest."""
    text = await read_text(digest, deps)
    return await asyncio.to_thread(_parse_map, text)


@lru_cache(maxsize=4)
def _parse_map(text: str) -> ImpactMap:
    """Return the impact map of its JSON; the last few are kept."""
    return ImpactMap.from_json(text)
