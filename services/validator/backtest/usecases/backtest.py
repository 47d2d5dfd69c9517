"""The life of a backtest: started, resumed, stopped and finished; `replay` does its work.

All state is in the backtest's document. It is stored at once and worked on in the background, so
that it can be stopped, and any validator resumes one that is running and that no other leads. Test
runs are stored by key: resuming costs only the missing runs.
"""

import asyncio
from functools import partial

import structlog

from services.validator.backtest.usecases.replay import replay
from services.validator.deps import ValidatorDeps
from shared.contracts.commands import BacktestTarget, StopBacktest
from shared.contracts.documents.backtests import Backtest
from shared.contracts.documents.base import Failure
from shared.contracts.documents.targets import Target
from shared.contracts.events import BacktestFinished
from shared.contracts.states import BacktestState
from shared.kernel.errors import Rejected
from shared.mongo.collections import get_or_insert_target
from shared.targets.repository import find_revision, inspect_repository

log = structlog.get_logger(__name__)


async def start_backtest(command: BacktestTarget, deps: ValidatorDeps) -> None:
    """Store a backtest, unless its id is known, and work on the running ones in the background."""
    backtest = Backtest(
        id=command.backtest_id or deps.new_id(),
        location=command.target,
        base_branch=command.base or "",
        since=command.since,
        limit=command.limit,
        sandbox=f"{deps.sandbox.tier}: {deps.sandbox.isolation}",
        created_at=deps.clock(),
    )
    await deps.store.backtests.insert(backtest)
    await resume_backtests(deps)


async def stop_backtest(command: StopBacktest, deps: ValidatorDeps) -> None:
    """Stop a backtest and publish that, if it runs; its results are kept. Raises `NotFound`."""
    backtest = await deps.store.backtests.require(command.backtest_id)
    stopped = await deps.store.backtests.transition(backtest, "stop", finished_at=deps.clock())
    if stopped is not None:
        deps.process.running_backtests.cancel(backtest.id)
        await _publish_finished(stopped, deps)


async def resume_backtests(deps: ValidatorDeps) -> None:
    """Work in the background on each running backtest that no other process leads."""
    for backtest in await deps.store.backtests.find(state=BacktestState.RUNNING):
        work = partial(_work, backtest.id, deps)
        deps.process.running_backtests.start(
            backtest.id, partial(deps.leadership.lead, backtest.id, work)
        )


async def _work(backtest_id: str, deps: ValidatorDeps) -> None:
    """Bring a running backtest to its end: a summary, or its failure if `Rejected` is raised."""
    backtest = await deps.store.backtests.require(backtest_id)
    if backtest.state is not BacktestState.RUNNING:
        return
    try:
        target = await _target(backtest, deps)
        backtest = await _settle_range(backtest, target, deps)
        summary = await replay(backtest, target, deps)
    except Rejected as error:
        failure = Failure(code=error.code, message=error.message, hint=error.hint)
        await _end(backtest.id, "fail", deps, failure=failure)
    else:
        if summary is not None:
            await _end(backtest.id, "complete", deps, summary=summary)


async def _end(backtest_id: str, trigger: str, deps: ValidatorDeps, **fields: object) -> None:
    """End a backtest by a trigger such as `complete`, unless it has ended; publish how it ended."""
    backtest = await deps.store.backtests.require(backtest_id)
    ended = await deps.store.backtests.transition(
        backtest, trigger, finished_at=deps.clock(), **fields
    )
    await _publish_finished(ended or await deps.store.backtests.require(backtest_id), deps)


async def _publish_finished(backtest: Backtest, deps: ValidatorDeps) -> None:
    """Publish how a backtest ended; nothing while it is still running."""
    if backtest.state is BacktestState.RUNNING:
        return
    event = BacktestFinished(
        backtest_id=backtest.id,
        target_id=backtest.target_id,
        state=backtest.state.value,
        note=backtest.failure.message if backtest.failure else "",
    )
    await deps.bus.publish(event, key=backtest.id)


async def _target(backtest: Backtest, deps: ValidatorDeps) -> Target:
    """Return the backtest's target; if it has none yet, store it (if new) and name it there."""
    if backtest.target_id is not None:
        return await deps.store.targets.require(backtest.target_id)
    facts = await asyncio.to_thread(
        inspect_repository, backtest.location, base=backtest.base_branch or None
    )
    target = await get_or_insert_target(deps.store, facts.as_target(deps.new_id(), deps.clock()))
    await deps.store.backtests.set_fields(
        backtest.id, target_id=target.id, name=target.name, base_branch=target.base_branch
    )
    return target


async def _settle_range(backtest: Backtest, target: Target, deps: ValidatorDeps) -> Backtest:
    """Store the range of commits once; return the backtest. Raises `Rejected` for a bad range."""
    if backtest.head is not None:
        return await deps.store.backtests.require(backtest.id)
    mirror = deps.mirror(target)
    await asyncio.to_thread(mirror.fetch, target.location)
    head = mirror.branch(target.base_branch)
    since = await asyncio.to_thread(find_revision, target.location, backtest.since)
    if since is None:
        raise Rejected(
            f"{target.name} has no revision {backtest.since}.",
            hint="Name a commit, a branch or a tag of it: git log --oneline.",
            code="no_revision",
        )
    if head is None or since not in mirror.repository or not mirror.is_ancestor(since, head):
        raise Rejected(
            f"{backtest.since} is not in the history of {target.base_branch}.",
            hint=f"Name a commit before it: git log --oneline {target.base_branch}.",
            code="not_an_ancestor",
        )
    await deps.store.backtests.set_fields(backtest.id, head=head, since_commit=since)
    return await deps.store.backtests.require(backtest.id)
