"""Taking landed changes off again: reverts that together must pass the suite like any change.

What depends on them goes with them or nothing goes: a later change of the same lines, and a later
change without which tests fail that pass now. Nothing is ever forced.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from services.validator.decision.comparison import worse_tests
from services.validator.deps import ValidatorDeps
from services.validator.git.domain.commits import rollback_message
from services.validator.git.ports import Repository
from services.validator.prepared import PreparedHead, prepare_head
from services.validator.queue.transitions import (
    publish_outcome,
    publish_rollback_refused,
    transition_and_publish,
)
from services.validator.review.usecases import Reverts, show_rolled_back
from services.validator.rollback.domain import Conflicted, Step, Undone, undo
from services.validator.runs.domain.requests import RunRequest
from services.validator.runs.usecases.reports import read_report
from services.validator.runs.usecases.request import run_tests
from shared.contracts.base import RunPurpose
from shared.contracts.commands import RollbackEnhancement, RollbackEnhancements
from shared.contracts.documents.enhancements import Enhancement, Rollback
from shared.contracts.documents.runs import TestRun
from shared.contracts.documents.targets import Target
from shared.contracts.events import RollbackFinished
from shared.contracts.states import EnhancementState
from shared.kernel.errors import Conflict, Rejected, Transient
from shared.kernel.failpoints import failpoint

LISTED = 50


class _Refused(Exception):
    def __init__(
        self, reason: str, tests: Sequence[str] = (), dependents: Sequence[Enhancement] = ()
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.tests = tuple(tests)
        self.dependents = tuple(dependents)


@dataclass(frozen=True)
class Wish:
    """Which changes are to go, why, and whether what depends on them may go as well.

    `automatic` where nobody asked for it. With `repetition` known trees are run anew: what a test said
    when the head landed must not be compared with what it says today.
    """

    id: str
    target: Target
    wave_id: str
    changes: Sequence[Enhancement]
    reason: str
    dependents: bool
    automatic: bool = False
    repetition: int = 0


@dataclass(frozen=True)
class Branch:
    """The landing branch at one head: its landed changes, newest first, and their commits."""

    target: Target
    repository: Repository
    place: PreparedHead
    stack: Sequence[Enhancement]
    commits: dict[str, str] = field(default_factory=dict)

    def undo(self, chosen: Sequence[str]) -> Undone:
        """The head without these, and without what changed the same lines after them."""
        steps = [Step(each.id, self.commits[each.id], each.proposal.files) for each in self.stack]
        return undo(self.place.tree, steps, chosen, self.repository.revert)


async def roll_back(
    command: RollbackEnhancement,
    deps: ValidatorDeps,
    *,
    automatic: bool = False,
    repetition: int = 0,
) -> None:
    """Take one change off, or refuse with the reason; done twice it is done once."""
    change = await deps.store.enhancements.require(command.enhancement_id)
    target = await deps.store.targets.require(change.target_id)
    async with deps.leadership.hold_leadership(target.id, wait=True):
        change = await deps.store.enhancements.require(command.enhancement_id)
        if change.state is EnhancementState.ROLLED_BACK:
            await publish_outcome(change, deps)
            await _say_finished(change.id, change.wave_id, target, [change], deps)
            return
        wish = Wish(
            change.id,
            target,
            change.wave_id,
            [change],
            command.reason,
            command.dependents,
            automatic,
            repetition,
        )
        try:
            await _carry_out(wish, deps)
        except _Refused as refusal:
            await _refuse(change, refusal, deps)
            await _say_refused(wish, refusal, deps)
            if change.state is not EnhancementState.APPLIED:
                raise Conflict(
                    f"Enhancement {change.id} was not rolled back: {refusal.reason}."
                ) from None


async def roll_back_all(command: RollbackEnhancements, deps: ValidatorDeps) -> None:
    """Take off all that a wave, or a target since some time, has landed; all of it or nothing."""
    target = await deps.store.targets.require(command.target_id)
    async with deps.leadership.hold_leadership(target.id, wait=True):
        landed = await deps.store.enhancements.find(
            target_id=target.id, state=EnhancementState.APPLIED
        )
        changes = [each for each in landed if _is_meant(each, command)]
        wish = Wish(
            command.rollback_id,
            target,
            command.wave_id or "",
            changes,
            command.reason,
            command.dependents,
        )
        try:
            await _carry_out(wish, deps)
        except _Refused as refusal:
            await _say_refused(wish, refusal, deps)


def _is_meant(change: Enhancement, command: RollbackEnhancements) -> bool:
    if command.wave_id is not None and change.wave_id != command.wave_id:
        return False
    return command.since is None or (change.finished_at or change.changed_at) >= command.since


async def _carry_out(wish: Wish, deps: ValidatorDeps) -> None:
    if all(each.state is not EnhancementState.APPLIED for each in wish.changes):
        state = f"it is {wish.changes[0].state}" if wish.changes else "nothing of it is landed"
        raise _Refused(f"{state}, so there is nothing on the branch to take off")
    failpoint("rollback.begun")
    branch, finished = await _look(wish, deps)
    chosen = [each.id for each in wish.changes if each.id in branch.commits]
    lost = [each for each in wish.changes if each.id not in {*branch.commits, *finished}]
    if lost:
        raise _Refused(f"{wish.target.landing_branch} does not contain {_named(lost)} any more")
    if chosen:
        await _take_off(wish, branch, chosen, deps)
    taken = [await deps.store.enhancements.require(each.id) for each in wish.changes]
    await _say_finished(wish.id, wish.wave_id, wish.target, taken, deps)


async def _look(wish: Wish, deps: ValidatorDeps) -> tuple[Branch, set[str]]:
    """The branch as it is; what a rollback that was cut off took off already is written down."""
    target = wish.target
    repository = deps.repository(target)
    head = await asyncio.to_thread(repository.refresh, target)
    applied = {
        each.id: each
        for each in await deps.store.enhancements.find(
            target_id=target.id, state=EnhancementState.APPLIED
        )
    }
    done = await asyncio.to_thread(repository.revert_commits, target, list(applied))
    if done:
        # Newest first; the oldest stands on what was the head then.
        *_, oldest = done.values()
        before = await asyncio.to_thread(repository.parent, oldest)
        reverts = Reverts(wish.id, before, head.commit, list(done))
        await show_rolled_back(target, reverts, deps)
    for key, commit in done.items():
        await _finish(applied.pop(key), commit, wish, deps)
    commits = dict(await asyncio.to_thread(repository.landed_commits, target, list(applied)))
    try:
        place = await prepare_head(deps, target, head.commit)
    except Rejected as error:
        raise _Refused(f"its revert could not be tested: {error}") from error
    stack = [applied[key] for key in commits]
    return Branch(target, repository, place, stack, commits), set(done)


async def _take_off(wish: Wish, branch: Branch, chosen: Sequence[str], deps: ValidatorDeps) -> None:
    undone, tests = await _test(wish, branch, chosen, deps)
    failpoint("rollback.tested")
    added = [each for each in branch.stack if each.id in set(undone.order) - set(chosen)]
    if added and not wish.dependents:
        why = f" ({len(tests)} tests that pass now would fail without them)" if tests else ""
        raise _Refused(
            f"{_named(added)} came later and depend{'s' if len(added) == 1 else ''} on it{why}; "
            "to take them off as well, say so (--dependents)",
            tests,
            added,
        )
    await _publish(wish, branch, undone, set(chosen), deps)


async def _test(
    wish: Wish, branch: Branch, chosen: Sequence[str], deps: ValidatorDeps
) -> tuple[Undone, tuple[str, ...]]:
    """What has to go for the rest to be no worse than now, and the tests that said so."""
    undone = await _undo(branch, chosen)
    worse = await _worse(wish, branch, undone, (), deps)
    if not worse:
        return undone, ()
    oldest = max(n for n, each in enumerate(branch.stack) if each.id in set(chosen))
    later = [each.id for each in branch.stack[:oldest] if each.id not in set(undone.order)]

    async def passes(extra: Sequence[str]) -> bool:
        found = await _undo(branch, [*undone.order, *extra])
        return not await _worse(wish, branch, found, worse, deps)

    if not later or not await passes(later):
        raise _Refused(f"without it {len(worse)} tests that pass now would fail", worse)
    needed = await _fewest(later, passes)
    undone = await _undo(branch, [*undone.order, *needed])
    still = await _worse(wish, branch, undone, (), deps)
    if still:
        raise _Refused(f"without it {len(still)} tests that pass now would fail", still)
    return undone, worse


async def _fewest(
    later: Sequence[str], passes: Callable[[Sequence[str]], Awaitable[bool]]
) -> list[str]:
    """A smallest part of `later` that is enough: each one found by halving. All of it is enough."""
    needed: list[str] = []
    pool = list(later)
    while not await passes(needed):
        low, high = 1, len(pool)
        while low < high:
            middle = (low + high) // 2
            if await passes([*needed, *pool[:middle]]):
                high = middle
            else:
                low = middle + 1
        needed.append(pool[low - 1])
        pool = pool[: low - 1]
    return needed


async def _undo(branch: Branch, chosen: Sequence[str]) -> Undone:
    try:
        return await asyncio.to_thread(branch.undo, chosen)
    except Conflicted as error:
        raise _Refused(
            f"later commits, not all of them ours, changed the same lines of {', '.join(error.paths)}; "
            "take those off first"
        ) from error


async def _worse(
    wish: Wish, branch: Branch, undone: Undone, tests: Sequence[str], deps: ValidatorDeps
) -> tuple[str, ...]:
    """The tests that pass on the head and not on what would be left of it."""
    place = branch.place

    async def run(
        purpose: RunPurpose,
        tree: str,
        changes: Sequence[str] = (),
        tests: Sequence[str] = (),
        again: int = 0,
    ) -> TestRun:
        verdict = await run_tests(
            deps,
            place,
            RunRequest(tree, purpose, changes, tests, wish.repetition + again),
            wave_id=wish.wave_id or wish.changes[0].wave_id,
        )
        if verdict.result.outcome == "infrastructure":
            raise _Refused(f"its revert could not be tested: {verdict.result.detail}")
        return verdict

    base = await read_report(await run(RunPurpose.BASELINE, place.tree), deps)
    verdict = await run(RunPurpose.ROLLBACK, undone.tree, undone.order, tests)
    candidate = await read_report(verdict, deps)
    worse = tuple(
        sorted(worse_tests(base.outcomes, candidate.outcomes, requested=tuple(tests) or None))
    )
    if tests or not worse:
        return worse
    # One that fails once may be flaky, and must not keep on the branch what does harm.
    again = await read_report(
        await run(RunPurpose.ROLLBACK, undone.tree, undone.order, worse, 1), deps
    )
    return tuple(sorted(worse_tests(base.outcomes, again.outcomes, requested=worse)))


async def _publish(
    wish: Wish, branch: Branch, undone: Undone, chosen: set[str], deps: ValidatorDeps
) -> None:
    """One commit for each, newest first, and all of them at once onto the branch."""
    repository, changes = branch.repository, {each.id: each for each in branch.stack}
    head = branch.place.head
    tip = await asyncio.to_thread(repository.commit_parent, branch.target, head, deps.clock())
    commits = {}
    for key, tree in zip(undone.order, undone.trees, strict=True):
        reason = wish.reason if key in chosen else f"it depends on what is taken off: {wish.reason}"
        message = rollback_message(changes[key], reason)
        tip = await asyncio.to_thread(repository.commit, tree, tip, message, deps.clock())
        commits[key] = tip
    failpoint("rollback.committed")
    await deps.leadership.still_leading(branch.target.id)
    refusal = await asyncio.to_thread(repository.publish, branch.target, tip, head)
    failpoint("rollback.pushed")
    if refusal is not None and refusal.kind in {"moved", "unreachable"}:
        raise Transient("The landing branch moved or could not be reached.", hint=refusal.reason)
    if refusal is not None:
        raise _Refused(refusal.reason)
    await show_rolled_back(branch.target, Reverts(wish.id, head, tip, list(commits)), deps)
    for key, commit in commits.items():
        await _finish(changes[key], commit, wish, deps)


async def _finish(change: Enhancement, commit: str, wish: Wish, deps: ValidatorDeps) -> None:
    rollback = Rollback(
        commit=commit, reason=wish.reason, at=deps.clock(), automatic=wish.automatic
    )
    await transition_and_publish(change, "roll_back", deps, landing__rollback=rollback)


async def _refuse(change: Enhancement, refusal: _Refused, deps: ValidatorDeps) -> None:
    """Written down and said; the command itself is a dead letter where it could never work."""
    sentence = f"Enhancement {change.id} was not rolled back: {refusal.reason}."
    await deps.store.enhancements.set_fields(change.id, landing__rollback_refusal=sentence)
    await publish_rollback_refused(
        change.updated(landing__rollback_refusal=sentence), refusal.tests, deps
    )


async def _say_refused(wish: Wish, refusal: _Refused, deps: ValidatorDeps) -> None:
    event = RollbackFinished(
        rollback_id=wish.id,
        wave_id=wish.wave_id or None,
        target_id=wish.target.id,
        succeeded=False,
        reason=f"Nothing was rolled back: {refusal.reason}.",
        tests=refusal.tests[:LISTED],
        dependents=tuple(each.id for each in refusal.dependents[:LISTED]),
    )
    await deps.bus.publish(event, key=f"{wish.id}:{deps.new_id()}", wave=wish.wave_id)


async def _say_finished(
    identity: str, wave: str, target: Target, changes: Sequence[Enhancement], deps: ValidatorDeps
) -> None:
    event = RollbackFinished(
        rollback_id=identity,
        wave_id=wave or None,
        target_id=target.id,
        succeeded=True,
        enhancements=tuple(each.id for each in changes),
    )
    await deps.bus.publish(event, key=f"{identity}:done", wave=wave)


def _named(changes: Sequence[Enhancement]) -> str:
    """A few by id and title; the rest by their number."""
    named = [f"{each.id[-8:]} {each.proposal.title!r}" for each in changes[:3]]
    return ", ".join(named) + (f" and {len(changes) - 3} more" if len(changes) > 3 else "")  # noqa: PLR2004
