"""Fetching the evidence that the gate asks for: several runs may be under way at once."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

import structlog

from services.validator.benchmarks.usecases import compare, read_benchmarks
from services.validator.decision.comparison import compared
from services.validator.decision.evidence import (
    MEASURED,
    Broken,
    Evidence,
    Run,
    Seen,
    Unbuildable,
    Wanted,
)
from services.validator.deps import ValidatorDeps
from services.validator.gate.decision_events import say_run
from services.validator.gate.rounds import Epoch, compose
from services.validator.runs.usecases.runs import Order, read_report, run_tests
from shared.contracts.documents.runs import TestRun

log = structlog.get_logger(__name__)


class EvidenceFetcher:
    """The runs of one epoch that are under way, and one thing beside them. What is not wanted any more is stopped.

    `width` is how many may be under way at once, which changes as runners come and go.
    """

    def __init__(self, epoch: Epoch, deps: ValidatorDeps, width: int = 1) -> None:
        self._epoch = epoch
        self._desk = deps
        self.width = width
        self._tasks: dict[Run, asyncio.Task[Evidence]] = {}
        self._beside: asyncio.Task[None] | None = None

    def begin(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Something else that takes a runner, where one is free and nothing else is begun yet."""
        if self._beside is None and len(self._tasks) < self.width:
            self._beside = asyncio.create_task(work())

    async def fetch(self, wanted: Sequence[Wanted]) -> None:
        """Begin what is wanted, as far as there is room, and wait until something is known."""
        free = self.width - len(self._tasks) - (self._beside is not None)
        new = [each for each in wanted if each.run not in self._tasks]
        for each in new[: max(free, 0)]:
            self._tasks[each.run] = asyncio.create_task(_read(self._epoch, each, self._desk))
        await asyncio.wait(self._under_way(), return_when=asyncio.FIRST_COMPLETED)
        for run in [run for run, task in self._tasks.items() if task.done()]:
            self._epoch.evidence[run] = self._tasks.pop(run).result()
        if self._beside is not None and self._beside.done():
            await self.finish_beside()

    async def finish_beside(self) -> None:
        """Wait for what was begun beside the runs; raises what that raised."""
        if self._beside is not None:
            work, self._beside = self._beside, None
            await work

    async def stop_those_with(self, changes: Iterable[str]) -> None:
        """Stop the runs with any of these changes: what they say is of no use now."""
        gone = frozenset(changes)
        runs = [run for run in self._tasks if not gone.isdisjoint(run.changes)]
        await _stop([self._tasks.pop(run) for run in runs])

    async def stop(self) -> None:
        """Stop all that is under way."""
        tasks, self._tasks, self._beside = self._under_way(), {}, None
        await _stop(tasks)

    def _under_way(self) -> "list[asyncio.Task[Any]]":
        beside = [] if self._beside is None else [self._beside]
        return [*self._tasks.values(), *beside]


async def _stop(tasks: "Sequence[asyncio.Task[Any]]") -> None:
    for each in tasks:
        each.cancel()
    if tasks:
        await asyncio.wait(tasks)
    for each in tasks:
        # What it failed of is of no use either, and must not be in the way of what did matter.
        if not each.cancelled() and (error := each.exception()):
            log.info("look_failed", reason=str(error))


async def _read(epoch: Epoch, wanted: Wanted, deps: ValidatorDeps) -> Evidence:
    """Fetch it, and say what it means."""
    seen = await _look(epoch, wanted, deps)
    await say_run(epoch, wanted, seen, deps)
    return seen


async def _look(epoch: Epoch, wanted: Wanted, deps: ValidatorDeps) -> Evidence:
    """Fetch one piece of evidence."""
    run = wanted.run
    composition = await compose(epoch, run.changes, deps)
    if composition.failed:
        return Unbuildable()
    tests = tuple(each for each in run.tests if not each.startswith(MEASURED))
    seen: Evidence = Seen(frozenset())
    if tests or not run.tests:
        seen = await _test(epoch, wanted, composition.tree, tests, deps)
    measured = tuple(each for each in run.tests if each.startswith(MEASURED))
    if not measured or not isinstance(seen, Seen):
        return seen
    verdict = await _measure(epoch, wanted, composition.tree, measured, deps)
    if verdict.result.outcome != "reported":
        reason = verdict.result.detail.partition("\n")[0]
        log.warning("benchmarks_not_measured", target=epoch.target.id, reason=reason)
        return Broken(f"benchmarks not measured: {reason}")
    slower = (await read_benchmarks(verdict, deps)).failing
    return Seen(seen.worse.union(slower), seen.new, seen.failures)


async def _test(
    epoch: Epoch, wanted: Wanted, tree: str, tests: tuple[str, ...], deps: ValidatorDeps
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
    verdict = await run_tests(deps, epoch.place, order, wave_id=epoch.wave_id)
    epoch.verdicts[run] = verdict
    # The base is everybody's: who is stopped while it waits must not stop it.
    base = await asyncio.shield(epoch.base)
    if verdict.result.outcome != "reported":
        return Broken(verdict.result.detail.partition("\n")[0])
    candidate = await read_report(verdict, deps)
    seen = compared(base, candidate, tests=tests, repeat=run.repeat)
    epoch.verdicts[run] = await _keep(verdict, seen.worse, deps)
    return seen


async def _keep(verdict: TestRun, worse: frozenset[str], deps: ValidatorDeps) -> TestRun:
    """Write down what it came to, for whoever asks for the story later."""
    if verdict.result.worse is None:
        await deps.store.runs.set_fields(verdict.id, result__worse=tuple(sorted(worse)))
    return verdict.updated(result__worse=tuple(sorted(worse)))


async def _measure(
    epoch: Epoch, wanted: Wanted, tree: str, names: tuple[str, ...], deps: ValidatorDeps
) -> TestRun:
    return await compare(
        deps,
        epoch.place,
        tree,
        changes=wanted.run.changes,
        wave_id=epoch.wave_id,
        names=() if MEASURED in names else names,
        repetition=wanted.run.repetition,
        why=wanted.why,
    )
