"""The gate of one target: gather what was cleared, try it, land what is no worse, refuse the rest.

Deciding is `services.validator.domain.gate.decide` over the evidence so far; this module only
fetches the evidence it asks for and carries out what it answers. Everything can be interrupted at
any point: states and verdicts are in MongoDB, landings in git, and the next round goes on there.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from services.validator.domain.comparison import no_worse
from services.validator.domain.gate import (
    Broken,
    Candidate,
    Evidence,
    Finished,
    Land,
    NeedRun,
    Reject,
    Run,
    Seen,
    Unbuildable,
    Undecided,
    decide,
)
from services.validator.domain.reports import TestReport
from services.validator.ports import Composition
from services.validator.usecases import landing, pool
from services.validator.usecases.approval import ask_for
from services.validator.usecases.desk import Desk, Workplace, workplace
from services.validator.usecases.outcomes import expire, reject
from services.validator.usecases.runs import Order, read_report, run_tests
from services.validator.usecases.seat import seated
from shared.contracts.documents import Enhancement, Target, Verdict
from shared.contracts.work import ProposalCleared
from shared.kernel.errors import Rejected, Transient

log = structlog.get_logger(__name__)

# In seconds, after a defect: trying again at once would only fill the log.
PAUSE = 5.0


@dataclass
class Epoch:
    """One head, the changes tried on it in their order, and what is known so far."""

    target: Target
    place: Workplace
    base: TestReport
    base_commit: str
    wave_id: str
    changes: dict[str, Enhancement]
    patches: Mapping[str, str]
    evidence: dict[Run, Evidence] = field(default_factory=dict)
    verdicts: dict[Run, Verdict] = field(default_factory=dict)
    trees: dict[tuple[str, ...], str] = field(default_factory=dict)
    parsed: set[str] = field(default_factory=set)

    def drop(self, change: str) -> None:
        """It was refused or sent away: the rest goes on without it."""
        del self.changes[change]


async def admit(event: ProposalCleared, desk: Desk) -> None:
    """Only a hint: the gate takes what is cleared from the state, in its next round."""
    await desk.store.enhancements.need(event.enhancement_id)


async def reconcile(desk: Desk) -> None:
    """Have a gate at work on every target that waits for one; a long suite holds up only its own."""
    for target_id in await pool.targets_waiting(desk):
        gate = desk.gates.get(target_id)
        if gate is None or gate.done():
            desk.gates[target_id] = asyncio.create_task(_keep_settling(target_id, desk))


async def _keep_settling(target_id: str, desk: Desk) -> None:
    """What goes wrong is said, and tried again in the next round."""
    try:
        await settle(target_id, desk)
    except Transient as error:
        log.info("gate_postponed", target=target_id, reason=str(error))
        await asyncio.sleep(error.delay)
    except Exception:
        log.exception("gate_failed", target=target_id)
        await asyncio.sleep(PAUSE)


async def settle(target_id: str, desk: Desk) -> None:
    """Run epochs on a target until nothing that is ready is left."""
    async with seated(target_id, desk):
        target = await desk.store.targets.need(target_id)
        await landing.recover(target, desk)
        while ready := await pool.ready(target, desk):
            await _run_epoch(target, ready, desk)


async def _run_epoch(target: Target, ready: Sequence[Enhancement], desk: Desk) -> None:
    """Try `ready` on the present head; afterwards each of them has moved on."""
    try:
        epoch = await _open(target, ready, desk)
    except Rejected as error:
        # Without an environment or a base nothing can be judged; the wave hears of it too.
        for change in ready:
            await expire(change, f"could not be tried: {error.message}", desk)
        return
    await _screen(epoch, desk)
    while epoch.changes and not await _step(epoch, desk):
        pass


async def _open(target: Target, ready: Sequence[Enhancement], desk: Desk) -> Epoch:
    repository = desk.repository(target)
    head = await asyncio.to_thread(repository.refresh, target)
    place = await workplace(desk, target, head.commit)
    validating = await landing.find_landed(target, await pool.validate(ready, desk), desk)
    wave_id = ready[0].wave_id
    order = Order(place.tree, "baseline", record=True)
    verdict = await run_tests(desk, place, order, wave_id=wave_id)
    if verdict.outcome != "reported":
        reason = verdict.detail.partition("\n")[0]
        raise Rejected("the tests gave no usable report on the head.", hint=reason)
    return Epoch(
        target=target,
        place=place,
        base=await read_report(verdict, desk),
        base_commit=head.base,
        wave_id=wave_id,
        changes={change.id: change for change in validating},
        patches=await pool.patches(validating, desk),
    )


async def _screen(epoch: Epoch, desk: Desk) -> None:
    """Refuse what breaks the policy on patches, before anything of it is tried."""
    repository = desk.repository(epoch.target)
    for change in list(epoch.changes.values()):
        paths = (await desk.store.tasks.need(change.task_id)).paths
        config, head = epoch.place.profile.config, epoch.place.head
        problem = repository.check(epoch.patches[change.id], paths, config, head)
        if problem:
            epoch.drop(change.id)
            await reject(change, problem, desk)


async def _step(epoch: Epoch, desk: Desk) -> bool:
    """One decision carried out; True when this head has nothing more to say."""
    composition = await _compose(epoch, tuple(epoch.changes), desk)
    for change, why in composition.failed:
        enhancement = epoch.changes[change]
        epoch.drop(change)
        await expire(enhancement, f"does not apply: {why}", desk)
    if composition.failed:
        return not epoch.changes
    if await _refuse_invalid(epoch, composition, desk):
        return not epoch.changes
    candidates = [
        Candidate(id=each.id, order=place, risk=1 - each.prior, task=each.task_id)
        for place, each in enumerate(epoch.changes.values())
    ]
    durations = {test: result.seconds for test, result in epoch.base.results.items()}
    step = decide(candidates, epoch.evidence, durations=durations)
    match step:
        case NeedRun(run=run, purpose=purpose):
            await _look(epoch, run, purpose, desk)
        case Reject(change=change, tests=tests, reason=reason):
            enhancement = epoch.changes[change]
            epoch.drop(change)
            await reject(enhancement, reason, desk, tests=tests)
        case Land(changes=changes, run=run):
            return await _land(epoch, changes, run, desk)
        case Undecided(change=change, reason=reason):
            enhancement = epoch.changes[change]
            epoch.drop(change)
            await expire(enhancement, f"could not be tried: {reason}", desk)
        case Finished():
            return True
    return False


async def _refuse_invalid(epoch: Epoch, composition: Composition, desk: Desk) -> bool:
    """Refuse the change that leaves a file that is no Python any more: no test may ever load it."""
    if composition.tree in epoch.parsed:
        return False
    repository = desk.repository(epoch.target)
    found = await asyncio.to_thread(repository.invalid, epoch.place.head, composition.steps)
    if found is None:
        epoch.parsed.add(composition.tree)
        return False
    change, path = found
    enhancement = epoch.changes[change]
    epoch.drop(change)
    await reject(enhancement, f"syntax: {path} would not be valid Python", desk)
    return True


async def _compose(epoch: Epoch, ids: Sequence[str], desk: Desk) -> Composition:
    """The head with these changes on it, built on the longest part of them that was built before."""
    repository = desk.repository(epoch.target)
    ordered = [each for each in epoch.changes if each in set(ids)]
    known = next(
        n for n in range(len(ordered), -1, -1) if not n or tuple(ordered[:n]) in epoch.trees
    )
    start = epoch.trees[tuple(ordered[:known])] if known else epoch.place.head
    rest = [(each, epoch.patches[each]) for each in ordered[known:]]
    composed = await asyncio.to_thread(repository.compose, start, rest)
    applied = ordered[:known]
    for change, tree in composed.steps:
        applied.append(change)
        epoch.trees[tuple(applied)] = tree
    steps = tuple((each, epoch.trees[tuple(applied[: n + 1])]) for n, each in enumerate(applied))
    return Composition(composed.tree, steps, composed.failed)


async def _look(epoch: Epoch, run: Run, purpose: str, desk: Desk) -> None:
    """Fetch one piece of evidence."""
    composition = await _compose(epoch, run.changes, desk)
    if composition.failed:
        epoch.evidence[run] = Unbuildable()
        return
    verdict = await run_tests(
        desk,
        epoch.place,
        Order(composition.tree, purpose, run.changes, run.tests, run.repetition),
        wave_id=epoch.wave_id,
    )
    epoch.verdicts[run] = verdict
    if verdict.outcome != "reported":
        epoch.evidence[run] = Broken(verdict.detail.partition("\n")[0])
        return
    candidate = await read_report(verdict, desk)
    asked = run.tests or None
    epoch.evidence[run] = Seen(no_worse(epoch.base.outcomes, candidate.outcomes, asked=asked))


async def _land(epoch: Epoch, ids: Sequence[str], run: Run, desk: Desk) -> bool:
    """Land; True unless changes are left that were not part of it (they see the new head next)."""
    changes = [epoch.changes[each] for each in ids]
    composition = await _compose(epoch, ids, desk)
    batch = landing.Batch(
        target=epoch.target,
        place=epoch.place,
        changes=changes,
        trees=dict(composition.steps),
        verdict=epoch.verdicts[run],
    )
    asked = await ask_for(changes, epoch.place, epoch.base_commit, landing.evidence_of(batch), desk)
    if asked:
        # What lands has to pass without them.
        for each in asked:
            epoch.drop(each.id)
        return not epoch.changes
    await landing.land(batch, desk)
    await pool.give_back([each for key, each in epoch.changes.items() if key not in set(ids)], desk)
    return True
