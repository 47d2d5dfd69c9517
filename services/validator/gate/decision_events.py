"""What the gate says of its decisions, for whoever listens: `gs.evt.gate.decided`.

Each is said before it is carried out, under an id that follows from what was decided: who carries it out
again after a crash says the same again, and it is stored once.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from services.validator.decision.evidence import (
    MEASURED,
    Broken,
    Evidence,
    Land,
    Reject,
    Run,
    Seen,
    Undecided,
    Wanted,
)
from services.validator.decision.meaning import meaning
from services.validator.deps import ValidatorDeps
from services.validator.gate.rounds import Epoch
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.runs import TestRun
from shared.contracts.events import GateDecided

LISTED = 20


async def say_run(epoch: Epoch, wanted: Wanted, seen: Evidence, deps: ValidatorDeps) -> None:
    """A run was read, and this is what it says; also where it could not be made."""
    run, verdict = wanted.run, epoch.verdicts.get(wanted.run)
    asked = verdict.result.counts.tests if verdict and verdict.result.counts else len(run.tests)
    worse = sorted(seen.worse) if isinstance(seen, Seen) else ()
    await _say(
        epoch,
        "run",
        run.changes,
        deps,
        purpose=wanted.purpose,
        tests_run=asked,
        tests_worse=len(worse) if isinstance(seen, Seen) else None,
        tests=worse,
        run_id=verdict.id if verdict else None,
        plan=[run.tests, run.repetition, run.repeat],
        note=f"{meaning(wanted, seen, asked)}{_title(epoch, run)}",
    )


def _title(epoch: Epoch, run: Run) -> str:
    """Which change it was, where it was one."""
    alone = epoch.changes.get(run.changes[0]) if len(run.changes) == 1 else None
    return f" ({alone.proposal.title})" if alone else ""


async def say_dismissed(
    epoch: Epoch, step: Reject | Undecided, change: Enhancement, deps: ValidatorDeps
) -> None:
    """A change is refused, or nobody knows."""
    refused = isinstance(step, Reject)
    verdict = epoch.verdicts.get(step.run) if isinstance(step, Reject) else None
    await _say(
        epoch,
        "refuse" if refused else "undecided",
        (change.id,),
        deps,
        tests=step.tests if isinstance(step, Reject) else (),
        run_id=verdict.id if verdict else None,
        note=f"{change.proposal.title}: {step.reason}",
    )


async def say_landing(epoch: Epoch, step: Land, deps: ValidatorDeps) -> None:
    """These may land now."""
    verdict = epoch.verdicts[step.run]
    tests = verdict.result.counts.tests if verdict.result.counts else 0
    count, seen = len(step.changes), epoch.evidence.get(step.run)
    worse = len(seen.worse) if isinstance(seen, Seen) else 0
    result = f"{worse} that failed do so now and then" if worse else "none is worse"
    if isinstance(epoch.evidence.get(Run(step.changes, (MEASURED,))), Broken):
        result += "; the benchmarks were not measured, as they give no report on the head either"
    await _say(
        epoch,
        "land",
        step.changes,
        deps,
        tests_run=tests,
        run_id=verdict.id,
        note=f"{count} change{'s' * (count > 1)} may land: {tests} tests ran with "
        f"{'them' if count > 1 else 'it'}, {result}",
        tests_worse=worse,
    )


async def say_held(
    epoch: Epoch,
    changes: Sequence[Enhancement],
    suspected: Mapping[str, Sequence[str]],
    deps: ValidatorDeps,
) -> None:
    """These are judged again on the next head; one by one, as each is suspected of something else."""
    for each in changes:
        tests = tuple(suspected.get(each.id, ()))
        why = "it was not part of what landed"
        if tests:
            more = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
            why = f"with the others it seems to break {tests[0]}{more}"
        note = f"{each.proposal.title}: {why}; judged again on the next head"
        await _say(epoch, "hold", (each.id,), deps, tests=tests, note=note)


async def say_asked(epoch: Epoch, asked: Sequence[Enhancement], deps: ValidatorDeps) -> None:
    """These wait for a person."""
    if asked:
        ids = [each.id for each in asked]
        count = f"{len(asked)} change{'s' * (len(asked) > 1)}"
        await _say(epoch, "ask", ids, deps, note=f"{count} may not land without a person's word")


def passed_with(verdict: TestRun) -> tuple[str, ...]:
    """What speaks for each change of a full run that passed, where it does not land with it."""
    tests, others = (
        verdict.result.counts.tests if verdict.result.counts else 0,
        len(verdict.request.changes) - 1,
    )
    company = f" and {others} other change{'s' * (others > 1)}" if others else ""
    return (f"{tests} tests ran with it{company}, none is worse (run {verdict.id})",)


def speaks_for(epoch: Epoch, change: Enhancement) -> tuple[str, ...]:
    """What is known of a change before its full run, and no more: that is made once somebody wants it to land."""
    return (f"{_known(epoch, change)}; the full run follows when you approve",)


def _known(epoch: Epoch, change: Enhancement) -> str:
    reach = epoch.impacted.get(change.id)
    if reach is not None and not reach:
        return "no test reaches it"
    runs = {
        run: seen.worse
        for run, seen in epoch.evidence.items()
        if change.id in run.changes and isinstance(seen, Seen)
    }
    if reach and reach <= frozenset[str]().union(*(_passed(*each, reach) for each in runs.items())):
        return "passes the tests that reach it"
    if any(not worse for worse in runs.values()):
        return "passes those tests that ran with it"
    return "it was tried only with what failed" if runs else "no test was run with it yet"


def _passed(run: Run, worse: frozenset[str], among: frozenset[str]) -> frozenset[str]:
    """Those of `among` that passed in a run."""
    return (among & frozenset(run.tests) if run.tests else among) - worse


async def _say(
    epoch: Epoch,
    step: str,
    changes: Sequence[str],
    deps: ValidatorDeps,
    *,
    tests: Sequence[str] = (),
    plan: Sequence[Any] = (),
    **fields: Any,
) -> None:
    event = GateDecided(
        wave_id=epoch.wave_id,
        target_id=epoch.target.id,
        head=epoch.place.head,
        step=step,
        change_count=len(changes),
        changes=tuple(changes)[:LISTED],
        tests=tuple(tests)[:LISTED],
        **fields,
    )
    what = [epoch.wave_id, step, list(changes), list(tests), fields.get("run_id"), *plan]
    digest = hashlib.sha256(json.dumps(what).encode()).hexdigest()
    key = f"{epoch.place.head}:{digest[:32]}"
    await deps.bus.publish(event, key=key, wave=epoch.wave_id)
