"""The gate of one target: gather what was cleared, try it, land what is no worse, refuse the rest.

Deciding is `services.validator.decision.gate.decide` over the evidence so far; this module only has
the evidence fetched that it asks for, and carries out what it answers. Everything can be interrupted at
any point: states and verdicts are in MongoDB, landings in git, and the next round goes on there.
"""

import asyncio
from collections.abc import Collection, Sequence
from functools import partial

import structlog

from services.validator.approval.usecases import ask_for, edits_of
from services.validator.decision.gate import (
    Finished,
    Land,
    NeedRuns,
    Reject,
    Undecided,
    Wanted,
    decide,
    flaky_tests,
)
from services.validator.deps import ValidatorDeps
from services.validator.gate.decision_events import (
    passed_with,
    say_asked,
    say_dismissed,
    say_held,
    say_landing,
    speaks_for,
)
from services.validator.gate.evidence_fetcher import EvidenceFetcher
from services.validator.gate.flakiness import remember_flaky
from services.validator.gate.mutation import (
    lacking,
    plant,
    plant_before,
    plant_beside,
    to_plant,
)
from services.validator.gate.risk_and_impact import candidates, knowledge, weigh
from services.validator.gate.rounds import (
    Epoch,
    HeadNotTestable,
    compose,
    open_epoch,
    screen,
    send_away,
)
from services.validator.impact.usecases import note, note_shares
from services.validator.landing import usecases as landing
from services.validator.queue import pool
from services.validator.queue.transitions import expire, reject
from services.validator.runs.usecases.runners import width
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.targets import Target
from shared.contracts.work import ProposalCleared
from shared.kernel.errors import Transient

log = structlog.get_logger(__name__)

# In seconds, after a defect: trying again at once would only fill the log.
PAUSE = 5.0


async def admit(event: ProposalCleared, deps: ValidatorDeps) -> None:
    """Only a hint: the gate takes what is cleared from the state, in its next round."""
    await deps.store.enhancements.require(event.enhancement_id)


async def reconcile(deps: ValidatorDeps) -> None:
    """Have a gate at work on every target that waits for one; a long suite holds up only its own."""
    for target_id in await pool.targets_waiting(deps):
        deps.process.running_gates.start(target_id, partial(_keep_settling, target_id, deps))


async def _keep_settling(target_id: str, deps: ValidatorDeps) -> None:
    """What goes wrong is said, and tried again in the next round."""
    try:
        await settle(target_id, deps)
    except Transient as error:
        log.info("gate_postponed", target=target_id, reason=str(error))
        await asyncio.sleep(error.delay)
    except Exception:
        log.exception("gate_failed", target=target_id)
        await asyncio.sleep(PAUSE)


async def settle(target_id: str, deps: ValidatorDeps) -> None:
    """Run epochs on a target until nothing that is ready is left."""
    async with deps.leadership.hold_leadership(target_id):
        target = await deps.store.targets.require(target_id)
        await landing.recover(target, deps)
        while ready := await pool.ready(target, deps):
            await _run_epoch(target, ready, deps)


async def _run_epoch(target: Target, ready: Sequence[Enhancement], deps: ValidatorDeps) -> None:
    """Try `ready` on the present head; afterwards each of them has moved on."""
    left: Collection[Enhancement] = ready
    try:
        epoch = await open_epoch(target, ready, deps)
        left = epoch.changes.values()
        await _try_all(epoch, deps)
    except HeadNotTestable as error:
        # Without an environment or a base nothing can be judged; the wave hears of it too. Whatever else is refused on
        # the way says nothing about all of them: it is a defect, and they are tried again.
        for change in tuple(left):
            await expire(change, f"could not be tried: {error.message}", deps)


async def _try_all(epoch: Epoch, deps: ValidatorDeps) -> None:
    looks = EvidenceFetcher(epoch, deps)
    try:
        await screen(epoch, deps)
        if await width(deps, epoch.target) == 1:
            await epoch.base
        await weigh(epoch, deps)
        while epoch.changes and not await _step(epoch, looks, deps):
            pass
        await remember_flaky(epoch.target.id, epoch.place.head, flaky_tests(epoch.evidence), deps)
    finally:
        await looks.stop()
        epoch.base.cancel()
        # Whoever awaited it has its failure; nobody else has to hear of it.
        await asyncio.wait([epoch.base])


async def _step(epoch: Epoch, looks: EvidenceFetcher, deps: ValidatorDeps) -> bool:
    """One decision carried out; True when this head has nothing more to say."""
    if not await send_away(epoch, deps):
        return False
    looks.width = await width(deps, epoch.target)
    step = decide(
        await candidates(epoch, deps),
        epoch.evidence,
        knowledge=knowledge(epoch),
        width=looks.width,
    )
    match step:
        case NeedRuns(runs=runs):
            if not await _ask_first(epoch, runs, looks, deps):
                await looks.fetch(runs)
        case Land():
            return await _land(epoch, step, looks, deps)
        case Finished():
            return True
        case _:
            await looks.stop_those_with([step.change])
            await _dismiss(epoch, step, deps)
    return False


async def _dismiss(epoch: Epoch, step: Reject | Undecided, deps: ValidatorDeps) -> None:
    """Refuse a change, or let it go where nobody knows."""
    change = epoch.drop(step.change)
    await say_dismissed(epoch, step, change, deps)
    if isinstance(step, Undecided):
        await expire(change, f"could not be tried: {step.reason}", deps)
        return
    verdict = epoch.verdicts.get(step.run)
    if change.id in epoch.impacted and verdict:
        await note(change, epoch.impacted[change.id], step.tests, verdict.id, deps)
    run = verdict.id if verdict else None
    await reject(change, step.reason, deps, tests=step.tests, run=run)


async def _ask_first(
    epoch: Epoch, runs: Sequence[Wanted], looks: EvidenceFetcher, deps: ValidatorDeps
) -> bool:
    """Who needs a person leaves before the full run, or what is left would need another one. True where somebody left."""
    run = to_plant(epoch, runs)
    if run is None:
        return False
    if looks.width > 1:
        known = plant_beside(epoch, run, runs, looks, deps)
    else:
        # A runner may have left since that was begun beside the runs.
        await looks.finish_beside()
        known = await plant_before(epoch, run, deps)
    if not known:
        return False
    epoch.planted.add(run)
    return bool(await _ask(epoch, [epoch.changes[each] for each in run.changes], looks, deps))


async def _ask(
    epoch: Epoch,
    changes: Sequence[Enhancement],
    looks: EvidenceFetcher,
    deps: ValidatorDeps,
    batch: landing.Batch | None = None,
) -> list[Enhancement]:
    """Those that may not land without a person: they ask for one, and leave. `batch` has passed its full run."""
    composition = await compose(epoch, [each.id for each in changes], deps)
    present = (await epoch.base).outcomes
    asked = await ask_for(
        changes,
        epoch.place,
        epoch.base_commit,
        lambda each: passed_with(batch.verdict) if batch else speaks_for(epoch, each),
        deps,
        protections=epoch.protections,
        edits=await asyncio.to_thread(edits_of, changes, composition.steps, epoch.place, present),
        run=batch.verdict.id if batch else None,
    )
    await say_asked(epoch, asked, deps)
    for each in asked:
        # What lands has to pass without them.
        epoch.drop(each.id)
    await looks.stop_those_with(each.id for each in asked)
    return asked


async def _land(epoch: Epoch, step: Land, looks: EvidenceFetcher, deps: ValidatorDeps) -> bool:
    """Land; True unless changes are left that were not part of it (they see the new head next)."""
    changes = [epoch.changes[each] for each in step.changes]
    composition = await compose(epoch, step.changes, deps)
    batch = landing.Batch(
        target=epoch.target,
        place=epoch.place,
        changes=changes,
        trees=dict(composition.steps),
        verdict=epoch.verdicts[step.run],
    )
    if lacking(epoch, step.changes):
        await looks.finish_beside()
    await plant(epoch, step.changes, deps)
    if await _ask(epoch, changes, looks, deps, batch):
        return not epoch.changes
    await say_landing(epoch, step, deps)
    await landing.land(batch, deps)
    landed, held = set(step.changes), dict(step.held)
    left = [each for key, each in epoch.changes.items() if key not in landed]
    await say_held(epoch, left, held, deps)
    await pool.give_back(left, deps, suspected=held)
    await note_shares(changes, epoch.impacted, batch.verdict, deps)
    return True
