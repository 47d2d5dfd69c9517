"""Impacted tests: the newest recording that fits a prepare_head, what it says about changes, and how often that was right."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from services.validator.deps import ValidatorDeps
from services.validator.impact.domain.impact import Change, impacted, stale
from services.validator.impact.domain.recall import Score, score
from services.validator.prepared import PreparedHead
from services.validator.runs.usecases.runs import Order, read_text, run_tests
from services.validator.suite.domain.recording import ImpactMap
from services.validator.suite.domain.sources import decoded
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.runs import Recall, TestRun
from shared.contracts.states import RunState
from shared.kernel.errors import NotFound, Transient
from shared.targets.paths import is_protected
from shared.targets.tree import Tree

# How many recorded runs are looked at, newest first, before there is said to be none.
NEWEST = 20
# How much of what was counted is remembered: a verdict is counted while its run is settled.
REMEMBERED = 500
TRIES = 20


@dataclass(frozen=True)
class Recorded:
    """A map, and the tree that it was recorded on."""

    tree: str
    map: ImpactMap


async def recorded_for(place: PreparedHead, deps: ValidatorDeps) -> Recorded | None:
    """The newest recording of this target under the same environment, judged by the same tests."""
    verdicts = await deps.store.runs.find(
        target_id=place.target.id,
        request__environment=place.environment.key,
        state=RunState.FINISHED,
        request__record=True,
        sort="-_id",
        limit=NEWEST,
    )
    for each in verdicts:
        if each.result.impact is not None and await asyncio.to_thread(
            _fits, each.request.tree, place
        ):
            return Recorded(each.request.tree, await _read_map(each.result.impact, deps))
    return None


async def impact_of(
    changes: Sequence[Enhancement],
    steps: Sequence[tuple[str, str]],
    place: PreparedHead,
    deps: ValidatorDeps,
    present: Collection[str] = (),
) -> Mapping[str, frozenset[str] | None]:
    """By change the tests that it can have an effect on; None is all of them, and so is what is not known.

    `steps` are those of a composition on the head, (change, tree after it), and `present` the tests that the
    head has.
    """
    recorded = await recorded_for(place, deps)
    if recorded is None:
        return {each.id: None for each in changes}
    ids = {each.id for each in changes}
    return await asyncio.to_thread(_impact_of, ids, steps, place, recorded, present)


def changes_between(
    place: PreparedHead, recorded: Recorded, before: str, after: str
) -> dict[str, Change]:
    """The files that differ between two trees, by path, and as they were recorded. Blocks."""
    trees = [place.mirror.tree(each) for each in (recorded.tree, before, after)]
    return {
        path: Change(*(_text(tree, path) for tree in trees))
        for path in place.mirror.changed_paths(before, after)
    }


async def recorded_anew(place: PreparedHead, wave_id: str, deps: ValidatorDeps) -> Recorded | None:
    """The same; where the recording says little about the head by now, the head is recorded first, once.

    What this gate landed was run without recording it, and is known to pass: no baseline of it is run again.
    """
    recorded = await recorded_for(place, deps)
    if recorded is None or not await asyncio.to_thread(_stale, recorded, place):
        return recorded
    why = "which tests reach what: much has changed since that was recorded"
    order = Order(place.tree, "recording", repetition=RECORDING, record=True, why=why)
    await run_tests(deps, place, order, wave_id=wave_id)
    return await recorded_for(place, deps)


# No repetition of a run that decides has this number, so that a head that is known to pass is run all the same.
RECORDING = -1


async def note(
    change: Enhancement,
    chosen: Collection[str] | None,
    caught_by: Collection[str],
    verdict_id: str,
    deps: ValidatorDeps,
) -> None:
    """Count whether the tests that caught a change had been chosen for it; once per run and change."""
    said = score(chosen, caught_by)
    counts = {"caught": said.caught, "missed": said.missed}
    await _count(
        change.target_id, change.proposal.component, f"{verdict_id}:{change.id}", counts, deps
    )


async def note_shares(
    changes: Collection[Enhancement],
    impacted: Mapping[str, frozenset[str] | None],
    verdict: TestRun,
    deps: ValidatorDeps,
) -> None:
    """Count how many of all tests were chosen for these, which the full run of `verdict` has judged; once per run and component."""
    total = verdict.result.counts.tests if verdict.result.counts else 0
    by_component: dict[str, list[frozenset[str] | None]] = defaultdict(list)
    for each in changes:
        by_component[each.proposal.component].append(impacted.get(each.id))
    for component, chosen in by_component.items():
        known = [each for each in chosen if each is not None]
        union = len(frozenset[str]().union(*known)) if len(known) == len(chosen) else total
        counts = {"runs": 1, "selected": min(union, total), "total": total}
        await _count(verdict.target_id, component, f"share:{verdict.id}", counts, deps)


async def trusted(target_id: str, component: str, deps: ValidatorDeps) -> bool:
    """Whether the quick gate may rest on the choice of tests in that component."""
    known = await deps.store.recall.get(f"{target_id}:{component}")
    return known is None or not Score(known.caught, known.missed).bad


async def _count(
    target: str, component: str, once: str, counts: Mapping[str, int], deps: ValidatorDeps
) -> None:
    key = f"{target}:{component}"
    for _ in range(TRIES):
        known = await deps.store.recall.get(key)
        if known is None:
            new = Recall(id=key, target_id=target, component=component, changed_at=deps.clock())
            await deps.store.recall.insert(new)
            continue
        if once in known.counted:
            return
        values: dict[str, Any] = {name: getattr(known, name) + n for name, n in counts.items()}
        values |= {"counted": (*known.counted, once)[-REMEMBERED:], "changed_at": deps.clock()}
        if await deps.store.recall.save(known.model_copy(update=values)):
            return
    raise Transient(f"The recall of {component} is being counted by others.")


def _impact_of(
    ids: Collection[str],
    steps: Sequence[tuple[str, str]],
    place: PreparedHead,
    recorded: Recorded,
    present: Collection[str],
) -> dict[str, frozenset[str] | None]:
    found: dict[str, frozenset[str] | None] = dict.fromkeys(ids)
    before = place.tree
    for change, after in steps:
        if change in ids:
            differing = changes_between(place, recorded, before, after)
            found[change] = impacted(recorded.map, differing, present)
        before = after
    return found


def _fits(oid: str, place: PreparedHead) -> bool:
    """Whether the tree is here, and its tests and their configuration are those of the prepare_head."""
    try:
        tree = place.mirror.tree(oid)
    except NotFound:
        return False
    return tree.digest(lambda path: is_protected(path, place.profile.config)) == place.judges


def _stale(recorded: Recorded, place: PreparedHead) -> bool:
    return stale(recorded.map, changes_between(place, recorded, recorded.tree, place.tree))


def _text(tree: Tree, path: str) -> str | None:
    content = tree.read(path)
    return None if content is None else decoded(content)


async def _read_map(digest: str, deps: ValidatorDeps) -> ImpactMap:
    text = await read_text(digest, deps)
    return await asyncio.to_thread(_parsed, text)


@lru_cache(maxsize=4)
def _parsed(text: str) -> ImpactMap:
    return ImpactMap.from_json(text)
