"""The gate of a target: tries cleared changes, lands what makes nothing worse, rejects the rest.

`services.validator.decision.gate.decide` decides over the evidence so far; this module has the
evidence fetched that it asks for, and carries out what it answers. It can be interrupted at any
point: states and runs are in MongoDB, landings in git, and the next round continues from there.
"""

import asyncio
from collections.abc import Collection, Sequence
from functools import partial

import structlog

from services.validator.decision.evidence import (
    Finished,
    Land,
    NeedRuns,
    Reject,
    Undecided,
    needs_own_run,
)
from services.validator.decision.gate import decide, flaky_tests
from services.validator.deps import ValidatorDeps
from services.validator.gate.approvals import ask_before_full_run, ask_for_approval
from services.validator.gate.decision_events import (
    command_failure,
    publish_dismissal,
    publish_held_back,
    publish_landing,
)
from services.validator.gate.early import prepare_early
from services.validator.gate.evidence_fetcher import EvidenceFetcher
from services.validator.gate.flakiness import remember_flaky
from services.validator.gate.gains import reject_without_gain
from services.validator.gate.heads import HeadNotTestable, refresh_head
from services.validator.gate.mutation import (
    changes_without_mutants,
    measure_changes,
)
from services.validator.gate.proofs import prove
from services.validator.gate.risk_and_impact import (
    load_candidates,
    load_risk_and_impact,
    suite_profile,
)
from services.validator.gate.rounds import (
    GateRound,
    compose,
    expire_foreign,
    open_round,
    remove_unusable,
    screen,
)
from services.validator.gate.workflows import check_workflows
from services.validator.impact.usecases.recall import count_recall, count_selected_tests
from services.validator.landing import usecases as landing
from services.validator.queue import pool
from services.validator.queue.transitions import expire, reject
from services.validator.runs.usecases.runners import max_concurrent_runs
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.targets import Target
from shared.contracts.work import ProposalCleared

log = structlog.get_logger(__name__)

# How long a gate without a change that is ready waits beside its interval.
WAVE_POLL_SECONDS = 0.15


async def admit(event: ProposalCleared, deps: ValidatorDeps) -> None:
    """Start what can be found out early about a cleared change, which the next round tries.

    Raises `NotFound` for an unknown change.
    """
    prepare_early(await deps.store.enhancements.require(event.enhancement_id), deps)


async def reconcile(deps: ValidatorDeps) -> None:
    """Start a gate for each target with waiting changes, so that no target delays another."""
    for target_id in await pool.targets_with_changes(deps):
        deps.process.running_gates.start(target_id, partial(_settle_or_wait, target_id, deps))


async def _settle_or_wait(target_id: str, deps: ValidatorDeps) -> None:
    """Run rounds on a target; if none was possible, wait a little for the rest of the wave."""
    if not await settle(target_id, deps):
        await asyncio.sleep(WAVE_POLL_SECONDS)


async def settle(target_id: str, deps: ValidatorDeps) -> int:
    """Run rounds on a target until no change is ready, and return how many there were.

    Raises `Transient` if another process leads it.
    """
    async with deps.leadership.hold_leadership(target_id):
        return await _run_rounds(target_id, deps)


async def _run_rounds(target_id: str, deps: ValidatorDeps) -> int:
    """Recover interrupted landings of a target, then run rounds until no change is ready."""
    target = await deps.store.targets.require(target_id)
    await landing.recover(target, deps)
    rounds = 0
    while ready := await pool.ready_changes(target, deps):
        await _run_round(target, ready, deps)
        rounds += 1
    return rounds


async def _run_round(target: Target, ready: Sequence[Enhancement], deps: ValidatorDeps) -> None:
    """Try changes on the present head; afterwards each has ended or waits for the next round.

    If the head cannot be tested, all that are left expire.
    """
    left: Collection[Enhancement] = ready
    try:
        head = await refresh_head(target, deps)
        left = await expire_foreign(target, ready, deps)
        if not left:
            return
        gate_round = await open_round(target, head, left, deps)
        left = gate_round.changes.values()
        await _try_all(gate_round, deps)
    except HeadNotTestable as error:
        # No change can be judged without an environment or a baseline. Any other rejection on the
        # way says nothing about all changes: it is a defect, and they are tried again.
        for change in tuple(left):
            await expire(change, f"could not be tried: {error.message}", deps)


async def _try_all(gate_round: GateRound, deps: ValidatorDeps) -> None:
    """Screen a round's changes, then take steps until it is over; cancel what still runs."""
    fetcher = EvidenceFetcher(gate_round, deps)
    try:
        await _screen_and_prove(gate_round, deps)
        if await max_concurrent_runs(deps, gate_round.target) == 1:
            await gate_round.baseline
        await check_workflows(gate_round, deps)
        await load_risk_and_impact(gate_round, deps)
        while gate_round.changes and not await _take_step(gate_round, fetcher, deps):
            pass
        flaky = flaky_tests(gate_round.evidence)
        await remember_flaky(gate_round.target.id, gate_round.prepared.head, flaky, deps)
    finally:
        await fetcher.cancel_all()
        gate_round.baseline.cancel()
        # Its failure was raised where it was awaited; here it is only retrieved.
        await asyncio.wait([gate_round.baseline])


async def _screen_and_prove(gate_round: GateRound, deps: ValidatorDeps) -> None:
    """Screen a round's changes, and meanwhile find proofs of them, as neither needs the other."""
    proving = asyncio.ensure_future(prove(gate_round, tuple(gate_round.changes), deps))
    try:
        await screen(gate_round, deps)
        await proving
    finally:
        proving.cancel()


async def _take_step(gate_round: GateRound, fetcher: EvidenceFetcher, deps: ValidatorDeps) -> bool:
    """Take one decision and carry it out; return true if the round is over."""
    if not await remove_unusable(gate_round, deps):
        return False
    fetcher.max_runs = await max_concurrent_runs(deps, gate_round.target)
    selections = gate_round.mutation.selections
    if selected := selections.next_run(gate_round.changes, gate_round.evidence):
        await fetcher.fetch([selected])
        return False
    step = decide(
        await load_candidates(gate_round, deps),
        gate_round.evidence,
        suite=await suite_profile(gate_round, deps),
        max_runs=fetcher.max_runs,
    )
    match step:
        case NeedRuns(runs=runs):
            if not await ask_before_full_run(gate_round, runs, fetcher, deps):
                await fetcher.fetch(runs)
        case Land():
            return await _land(gate_round, step, fetcher, deps)
        case Finished():
            return True
        case _:
            await fetcher.cancel_runs_with([step.change])
            await _dismiss(gate_round, step, deps)
    return False


async def _dismiss(gate_round: GateRound, step: Reject | Undecided, deps: ValidatorDeps) -> None:
    """Remove a change from the round and publish why; it ends as rejected, or as expired.

    It is rejected for a `Reject`, and the tests that failed are counted for the recall of impacted
    tests if its impacted tests are known. It expires for an `Undecided`, without blame.
    """
    change = gate_round.remove(step.change)
    await publish_dismissal(gate_round, step, change, deps)
    if isinstance(step, Undecided):
        await expire(change, f"could not be tried: {step.reason}", deps)
        return
    run, impacted = gate_round.runs.get(step.plan), gate_round.facts.impacted
    if change.id in impacted and run:
        caught_by = [each for each in step.tests if not needs_own_run(each)]
        await count_recall(change, impacted[change.id], caught_by, run.id, deps)
    reason = step.reason + await command_failure(step, run, deps)
    await reject(change, reason, deps, tests=step.tests, run=run.id if run else None)


async def _land(
    gate_round: GateRound, step: Land, fetcher: EvidenceFetcher, deps: ValidatorDeps
) -> bool:
    """Land changes and give back the others, unless some need approval or another run first.

    Returns true if the round is over.
    """
    if await reject_without_gain(gate_round, step.changes, fetcher, deps):
        return not gate_round.changes
    changes = [gate_round.changes[each] for each in step.changes]
    await prove(gate_round, step.changes, deps)
    composition = await compose(gate_round, step.changes, deps)
    batch = landing.Batch(
        target=gate_round.target,
        prepared=gate_round.prepared,
        changes=changes,
        trees=dict(composition.steps),
        run=gate_round.runs[step.plan],
        proofs=gate_round.facts.proofs.by_change,
        gains=gate_round.facts.gains,
        workflows=gate_round.facts.workflows,
    )
    # No mutants are tried on a change that waits for a person in any case.
    if await ask_for_approval(gate_round, changes, fetcher, deps, batch):
        return not gate_round.changes
    if changes_without_mutants(gate_round, step.changes):
        await fetcher.wait_for_background()
    await measure_changes(gate_round, step.changes, deps)
    if gate_round.mutation.selections.next_run(gate_round.changes, gate_round.evidence):
        return False
    if await ask_for_approval(gate_round, changes, fetcher, deps, batch):
        return not gate_round.changes
    await publish_landing(gate_round, step, deps)
    await landing.land(batch, deps)
    landed, held_back = set(step.changes), dict(step.held_back)
    left = [each for key, each in gate_round.changes.items() if key not in landed]
    await publish_held_back(gate_round, left, held_back, deps)
    await pool.return_to_queue(left, deps, suspected=held_back)
    await count_selected_tests(changes, gate_round.facts.impacted, batch.run, deps)
    return True
