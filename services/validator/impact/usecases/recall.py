"""Counts how often the choice of impacted tests was right, by component."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from services.validator.deps import ValidatorDeps
from services.validator.impact.domain.recall import RecallCount, count_caught
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.runs import Recall, TestRun
from shared.kernel.errors import Transient

# So many counted keys are remembered, to count each once; a key is only counted while its run is
# settled.
MAX_REMEMBERED_KEYS = 500
MAX_SAVE_ATTEMPTS = 20


async def count_recall(
    change: Enhancement,
    impacted: Collection[str] | None,
    caught_by: Collection[str],
    run_id: str,
    deps: ValidatorDeps,
) -> None:
    """Count how many of the tests that caught a change were among its impacted ones.

    It is counted once per run and change. Raises `Transient` if other processes keep writing the
    same counts.
    """
    counted = count_caught(impacted, caught_by)
    counts = {"caught": counted.caught, "missed": counted.missed}
    key = f"{run_id}:{change.id}"
    await _add(change.target_id, change.proposal.component, key, counts, deps)


async def count_selected_tests(
    changes: Collection[Enhancement],
    impacted: Mapping[str, frozenset[str] | None],
    run: TestRun,
    deps: ValidatorDeps,
) -> None:
    """Store, by component, how many of a full run's tests its changes impact (all if unknown).

    It is counted once per run and component. Raises `Transient` as `count_recall` does.
    """
    total = run.result.counts.tests if run.result.counts else 0
    by_component: dict[str, list[frozenset[str] | None]] = defaultdict(list)
    for each in changes:
        by_component[each.proposal.component].append(impacted.get(each.id))
    for component, chosen in by_component.items():
        known = [each for each in chosen if each is not None]
        selected = len(frozenset[str]().union(*known)) if len(known) == len(chosen) else total
        counts = {"runs": 1, "selected": min(selected, total), "total": total}
        await _add(run.target_id, component, f"share:{run.id}", counts, deps)


async def is_trusted(target_id: str, component: str, deps: ValidatorDeps) -> bool:
    """Return true if the impacted tests in a component may be relied on, as without any counts."""
    known = await deps.store.recall.get(f"{target_id}:{component}")
    return known is None or not RecallCount(known.caught, known.missed).is_too_low


async def _add(
    target: str, component: str, once: str, counts: Mapping[str, int], deps: ValidatorDeps
) -> None:
    """Add counts to a component's, unless `once` was counted before. Raises `Transient`."""
    key = f"{target}:{component}"
    for _ in range(MAX_SAVE_ATTEMPTS):
        known = await deps.store.recall.get(key)
        if known is None:
            new = Recall(id=key, target_id=target, component=component, changed_at=deps.clock())
            await deps.store.recall.insert(new)
            continue
        if once in known.counted:
            return
        values: dict[str, Any] = {name: getattr(known, name) + n for name, n in counts.items()}
        counted = (*known.counted, once)[-MAX_REMEMBERED_KEYS:]
        values |= {"counted": counted, "changed_at": deps.clock()}
        if await deps.store.recall.save(known.model_copy(update=values)):
            return
    raise Transient(f"Other processes are counting the recall of {component}.")
