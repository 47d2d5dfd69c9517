"""Fetching the evidence that the gate asks for: several runs may be under way at once."""

import asyncio
from collections.abc import Sequence

import structlog

from services.validator.domain.comparison import compared
from services.validator.domain.evidence import (
    MEASURED,
    Broken,
    Evidence,
    Run,
    Seen,
    Unbuildable,
    Wanted,
)
from services.validator.usecases.benchmarks import compare, read_benchmarks
from services.validator.usecases.desk import Desk
from services.validator.usecases.epochs import Epoch, compose
from services.validator.usecases.runs import Order, read_report, run_tests
from services.validator.usecases.telling import say_run
from shared.contracts.documents import Verdict

log = structlog.get_logger(__name__)


class Looks:
    """The runs of one epoch that are under way. What is not wanted any more is stopped."""

    def __init__(self, epoch: Epoch, desk: Desk) -> None:
        self._epoch = epoch
        self._desk = desk
        self._tasks: dict[Run, asyncio.Task[Evidence]] = {}

    async def fetch(self, wanted: Sequence[Wanted], width: int) -> None:
        """Begin what is wanted, as far as there is room, and wait until something is known."""
        for each in wanted:
            if each.run not in self._tasks and len(self._tasks) < width:
                self._tasks[each.run] = asyncio.create_task(_read(self._epoch, each, self._desk))
        await asyncio.wait(self._tasks.values(), return_when=asyncio.FIRST_COMPLETED)
        for run in [run for run, task in self._tasks.items() if task.done()]:
            self._epoch.evidence[run] = self._tasks.pop(run).result()

    async def stop(self, *changes: str) -> None:
        """Stop the runs with any of these changes, or all of them: what they say is of no use now."""
        gone = [
            run for run in self._tasks if not changes or not set(changes).isdisjoint(run.changes)
        ]
        tasks = [self._tasks.pop(run) for run in gone]
        for each in tasks:
            each.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for each in tasks:
            # What it failed of is of no use either, and must not be in the way of what did matter.
            if not each.cancelled() and (error := each.exception()):
                log.info("look_failed", reason=str(error))


async def _read(epoch: Epoch, wanted: Wanted, desk: Desk) -> Evidence:
    """Fetch it, and say what it means."""
    seen = await _look(epoch, wanted, desk)
    await say_run(epoch, wanted, seen, desk)
    return seen


async def _look(epoch: Epoch, wanted: Wanted, desk: Desk) -> Evidence:
    """Fetch one piece of evidence."""
    run = wanted.run
    composition = await compose(epoch, run.changes, desk)
    if composition.failed:
        return Unbuildable()
    tests = tuple(each for each in run.tests if not each.startswith(MEASURED))
    seen: Evidence = Seen(frozenset())
    if tests or not run.tests:
        seen = await _test(epoch, wanted, composition.tree, tests, desk)
    measured = tuple(each for each in run.tests if each.startswith(MEASURED))
    if not measured or not isinstance(seen, Seen):
        return seen
    verdict = await _measure(epoch, wanted, composition.tree, measured, desk)
    if verdict.outcome != "reported":
        reason = verdict.detail.partition("\n")[0]
        log.warning("benchmarks_not_measured", target=epoch.target.id, reason=reason)
        return Broken(f"benchmarks not measured: {reason}")
    slower = (await read_benchmarks(verdict, desk)).failing
    return Seen(seen.worse.union(slower), seen.new, seen.failures)


async def _test(
    epoch: Epoch, wanted: Wanted, tree: str, tests: tuple[str, ...], desk: Desk
) -> Evidence:
    run = wanted.run
    order = Order(
        tree=tree,
        purpose=wanted.purpose,
        changes=run.changes,
        tests=tests,
        repetition=run.repetition,
        repeat=run.repeat,
        why=wanted.why,
    )
    verdict = await run_tests(desk, epoch.place, order, wave_id=epoch.wave_id)
    epoch.verdicts[run] = verdict
    # The base is everybody's: who is stopped while it waits must not stop it.
    base = await asyncio.shield(epoch.base)
    if verdict.outcome != "reported":
        return Broken(verdict.detail.partition("\n")[0])
    candidate = await read_report(verdict, desk)
    seen = compared(base, candidate, tests=tests, repeat=run.repeat)
    epoch.verdicts[run] = await _keep(verdict, seen.worse, desk)
    return seen


async def _keep(verdict: Verdict, worse: frozenset[str], desk: Desk) -> Verdict:
    """Write down what it came to, for whoever asks for the story later."""
    if verdict.worse is None:
        await desk.store.verdicts.patch(verdict.id, worse=tuple(sorted(worse)))
    return verdict.model_copy(update={"worse": tuple(sorted(worse))})


async def _measure(
    epoch: Epoch, wanted: Wanted, tree: str, names: tuple[str, ...], desk: Desk
) -> Verdict:
    return await compare(
        desk,
        epoch.place,
        tree,
        changes=wanted.run.changes,
        wave_id=epoch.wave_id,
        names=() if MEASURED in names else names,
        repetition=wanted.run.repetition,
        why=wanted.why,
    )
