"""Taking one landed change off again: a revert that must pass the suite like any change."""

import asyncio

from services.validator.domain.commits import rollback_message
from services.validator.domain.comparison import no_worse
from services.validator.usecases.desk import Desk, Workplace, workplace
from services.validator.usecases.outcomes import leave, say, say_refused
from services.validator.usecases.runs import read_report, run_tests
from shared.contracts.commands import RollbackEnhancement
from shared.contracts.documents import Enhancement, Rollback, Target
from shared.contracts.states import EnhancementState
from shared.kernel.errors import Conflict, Rejected, Transient


class _Refused(Exception):
    def __init__(self, reason: str, tests: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.tests = tests


async def roll_back(command: RollbackEnhancement, desk: Desk) -> None:
    """Revert the enhancement, or refuse with the reason; done twice it is done once."""
    change = await desk.store.enhancements.need(command.enhancement_id)
    async with desk.locks[change.target_id]:
        change = await desk.store.enhancements.need(command.enhancement_id)
        if change.state is EnhancementState.ROLLED_BACK:
            await say(change, desk)
            return
        try:
            await _roll_back(change, command.reason, desk)
        except _Refused as refusal:
            await _refuse(change, refusal, desk)


async def _roll_back(change: Enhancement, reason: str, desk: Desk) -> None:
    if change.state is not EnhancementState.APPLIED:
        raise _Refused(f"it is {change.state}, so there is nothing on the branch to take off")
    target = await desk.store.targets.need(change.target_id)
    repository = desk.repository(target)
    head = await asyncio.to_thread(repository.refresh, target)
    done = await asyncio.to_thread(repository.reverted, target, change.id)
    if done is not None:
        await _finish(change, done, reason, desk)
        return
    commit = (await asyncio.to_thread(repository.landed, target, [change.id])).get(change.id)
    if commit is None:
        raise _Refused(f"{target.landing_branch} does not contain it any more")
    reverted = await asyncio.to_thread(repository.revert, head.commit, commit)
    if reverted.tree is None:
        raise _Refused(
            f"later commits changed the same lines of {', '.join(reverted.conflicts)}; roll those "
            "back first"
        )
    place = await _workplace(desk, target, head.commit)
    await _validate(place, change, reverted.tree, desk)
    tip = await asyncio.to_thread(
        repository.commit,
        reverted.tree,
        head.commit,
        rollback_message(change, reason),
        desk.clock(),
    )
    refusal = await asyncio.to_thread(repository.publish, target, tip, head.commit)
    if refusal is not None and refusal.kind in {"moved", "unreachable"}:
        raise Transient("The landing branch moved or could not be reached.", hint=refusal.reason)
    if refusal is not None:
        raise _Refused(refusal.reason)
    await _finish(change, tip, reason, desk)


async def _workplace(desk: Desk, target: Target, head: str) -> Workplace:
    try:
        return await workplace(desk, target, head)
    except Rejected as error:
        raise _Refused(f"its revert could not be tested: {error}") from error


async def _validate(place: Workplace, change: Enhancement, tree: str, desk: Desk) -> None:
    """The revert must be no worse than the head it stands on."""
    wave = change.wave_id
    base = await run_tests(desk, place, wave_id=wave, purpose="baseline", tree=place.tree)
    candidate = await run_tests(
        desk, place, wave_id=wave, purpose="rollback", tree=tree, changes=(change.id,)
    )
    if "infrastructure" in {base.outcome, candidate.outcome}:
        raise _Refused(f"its revert could not be tested: {base.detail or candidate.detail}")
    before, after = await read_report(base, desk), await read_report(candidate, desk)
    worse = no_worse(before.outcomes, after.outcomes)
    if worse:
        raise _Refused(
            f"without it {len(worse)} tests that pass now would fail", tuple(sorted(worse))
        )


async def _finish(change: Enhancement, commit: str, reason: str, desk: Desk) -> None:
    rollback = Rollback(commit=commit, reason=reason, at=desk.clock())
    await leave(change, "roll_back", desk, rollback=rollback)


async def _refuse(change: Enhancement, refusal: _Refused, desk: Desk) -> None:
    """Written down and said; the command itself is a dead letter where it could never work."""
    sentence = f"Enhancement {change.id} was not rolled back: {refusal.reason}."
    await desk.store.enhancements.patch(change.id, rollback_refused=sentence)
    await say_refused(change.model_copy(update={"rollback_refused": sentence}), refusal.tests, desk)
    if change.state is not EnhancementState.APPLIED:
        raise Conflict(sentence)
