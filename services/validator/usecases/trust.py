"""Trust in green: whether the tests would notice a fault in what the changes of a batch touch."""

import asyncio
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from services.validator.domain.comparison import GOOD
from services.validator.domain.faults import ChangedFile, Planting, Tried, judge, plant
from services.validator.domain.reports import Infrastructure, Outcome
from services.validator.usecases.desk import Desk, Workplace
from services.validator.usecases.runs import (
    ATTEMPTS,
    CARRIERS,
    Order,
    keep_text,
    read_text,
    run_tests,
)
from shared.contracts.base import RunKind
from shared.contracts.documents import Enhancement, Protection, Verdict
from shared.targets.components import is_protected
from shared.targets.config import TargetConfig
from shared.targets.mirror import Mirror

log = structlog.get_logger(__name__)

PURPOSE = "planted faults"
# How long trying the faults of a batch may take, beyond one pass without any.
SECONDS = 60.0


async def trust(
    desk: Desk,
    place: Workplace,
    changes: Sequence[Enhancement],
    trees: Mapping[str, str],
    *,
    impacted: Mapping[str, frozenset[str] | None],
    wave_id: str,
    seconds: float = SECONDS,
) -> dict[str, Protection]:
    """What is known about each change; kept with it as well.

    The changes stand on the head and on each other in this order; `trees` has the tree after each. `impacted`
    are the tests that may reach what a change touches: None, or no entry, is all of them.
    """
    planting = await asyncio.to_thread(_plant, changes, trees, place)
    framework, tried, broken, run = place.profile.test.framework, None, "", None
    if framework == "pytest" and planting.faults:
        order = await _order(changes, trees, planting, seconds, desk)
        order = replace(order, tests=selection_of(changes, impacted))
        verdict = await run_tests(desk, place, order, wave_id=wave_id)
        run = verdict.id
        if verdict.report is not None:
            tried = Tried.from_json(await read_text(verdict.report, desk))
        else:
            broken = verdict.detail.partition("\n")[0]
    found = {}
    for each in changes:
        known = judge(planting, each.id, tried, broken)
        if framework != "pytest" and known.state != "nothing":
            known = _not_measured(framework)
        found[each.id] = known.model_copy(update={"run": run if known.planted else None})
        await desk.store.enhancements.patch(each.id, protection=found[each.id])
    return found


async def passed_without(
    protections: Collection[Protection], present: Mapping[str, Outcome], desk: Desk
) -> bool:
    """Whether without any fault every test passed that passes on the head, of those that were run.

    Where there was nothing to run nothing has failed; where a run said nothing, nobody knows.
    """
    if any(each.state == "unknown" for each in protections):
        return False
    for run in {each.run for each in protections if each.run is not None}:
        verdict = await desk.store.verdicts.need(run)
        passing = {test for test, outcome in present.items() if outcome in GOOD}
        asked = passing & set(verdict.tests) if verdict.tests else passing
        tried = await read_text(verdict.report or "", desk)
        if Tried.from_json(tried).usable < len(asked):
            return False
    return True


def _not_measured(framework: str) -> Protection:
    named = "its own command" if framework == "custom" else framework
    why = f"not measured: faults can be tried with pytest, and the target's tests run with {named}"
    return Protection(state="not_measured", not_measured=1, sentence=why)


def _plant(changes: Sequence[Enhancement], trees: Mapping[str, str], place: Workplace) -> Planting:
    """The faults for these changes in the tree after the last of them."""
    order = [place.tree, *(trees[each.id] for each in changes)]
    files = {
        each.id: _files(place.mirror, each, order[number:], place.profile.config)
        for number, each in enumerate(changes)
    }
    return plant(files)


def _files(
    mirror: Mirror, change: Enhancement, order: Sequence[str], config: TargetConfig
) -> list[ChangedFile]:
    """Its Python files from before it up to the last tree; not the tests, which are what judges."""
    trees = [mirror.tree(each) for each in order]
    return [
        ChangedFile(path, tuple(tree.read(path) for tree in trees))
        for path in change.files
        if path.endswith(".py") and not is_protected(path, config)
    ]


async def _order(
    changes: Sequence[Enhancement],
    trees: Mapping[str, str],
    planting: Planting,
    seconds: float,
    desk: Desk,
) -> Order:
    """A run of all tests with these faults."""
    # Rounded, or the same faults would be tried again for a little more time.
    plan = planting.to_json(2.0 ** math.ceil(math.log2(max(seconds, 1.0))))
    ids = [each.id for each in changes]
    count = len(planting.faults)
    return Order(
        trees[ids[-1]],
        PURPOSE,
        ids,
        kind=RunKind.FAULTS,
        plan=await keep_text(plan, "plan", desk),
        why=f"{count} faults are planted in what {len(ids)} changes touch: would a test notice?",
    )


def selection_of(
    changes: Sequence[Enhancement], impacted: Mapping[str, frozenset[str] | None]
) -> tuple[str, ...]:
    """The tests of all of them; empty, which is all tests, where those of one are not known."""
    found: set[str] = set()
    for each in changes:
        tests = impacted.get(each.id)
        if tests is None:
            return ()
        found |= tests
    return tuple(sorted(found))


async def _carry_out_faults(verdict: Verdict, place: Workplace, desk: Desk) -> dict[str, Any]:
    """Make a run of planted faults, and keep what came of each."""
    plan = await read_text(verdict.plan or "", desk)
    reason = ""
    for _ in range(ATTEMPTS):
        outcome = await desk.faults.try_out(
            verdict.tree,
            plan,
            place.profile,
            place.environment,
            verdict.tests,
            target_id=place.target.id,
            base_oid=place.tree,
        )
        if not isinstance(outcome, Infrastructure):
            report = await keep_text(outcome.to_json(), "faults", desk)
            return {"outcome": "reported", "report": report}
        log.warning("run_broken", run=verdict.id, reason=outcome.reason)
        reason = f"{outcome.reason}\n{outcome.output_tail}".strip()
    return {"outcome": "infrastructure", "detail": reason[:4000]}


CARRIERS[RunKind.FAULTS] = _carry_out_faults
