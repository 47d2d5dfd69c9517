"""Fetches the evidence that the gate asks for, as many runs at once as there are runners."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

import structlog

from services.validator.benchmarks.usecases import compare, read_benchmarks
from services.validator.decision.comparison import compare_reports
from services.validator.decision.evidence import (
    BENCHMARK_PREFIX,
    SELECTION_MARK,
    DoesNotApply,
    NoReport,
    RequestedRun,
    RunComparison,
    RunEvidence,
    needs_own_run,
)
from services.validator.decision.scheduling import runs_to_start
from services.validator.deps import ValidatorDeps
from services.validator.gate.decision_events import publish_run
from services.validator.gate.rounds import GateRound, compose
from services.validator.gate.selections import by_selection
from services.validator.runs.domain.requests import RunRequest
from services.validator.runs.usecases.reports import read_report
from services.validator.runs.usecases.request import run_tests
from shared.contracts.base import RunPurpose
from shared.contracts.documents.runs import TestRun
from shared.kernel.errors import Rejected

log = structlog.get_logger(__name__)


class EvidenceFetcher:
    """The current runs of one round, and one background task beside them.

    `max_runs` is how many may run at once; it changes as runners come and go.
    """

    def __init__(self, gate_round: GateRound, deps: ValidatorDeps, max_runs: int = 1) -> None:
        self.max_runs = max_runs
        self._round = gate_round
        self._deps = deps
        self._runs: dict[RequestedRun, asyncio.Task[RunEvidence]] = {}
        self._background: asyncio.Task[None] | None = None

    def start_background(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Start other work that takes a runner, if one is free and no such work is going on."""
        if self._background is None and len(self._runs) < self.max_runs:
            self._background = asyncio.create_task(work())

    async def fetch(self, requested: Sequence[RequestedRun]) -> None:
        """Start the requested runs, as there is room; wait, and keep what ends as evidence."""
        free = self.max_runs - len(self._runs) - (self._background is not None)
        new = runs_to_start(requested, self._runs)
        for each in new[: max(free, 0)]:
            self._runs[each] = asyncio.create_task(_fetch(self._round, each, self._deps))
        await asyncio.wait(self._tasks(), return_when=asyncio.FIRST_COMPLETED)
        for each in [each for each, task in self._runs.items() if task.done()]:
            self._round.evidence[each.plan] = self._runs.pop(each).result()
        if self._background is not None and self._background.done():
            await self.wait_for_background()

    async def wait_for_background(self) -> None:
        """Wait for the background work; raises what it raised."""
        if self._background is not None:
            work, self._background = self._background, None
            await work

    async def cancel_runs_with(self, changes: Iterable[str]) -> None:
        """Cancel the runs with any of these changes, as their results are of no use now."""
        ended = frozenset(changes)
        useless = [each for each in self._runs if not ended.isdisjoint(each.plan.changes)]
        await _cancel([self._runs.pop(each) for each in useless])

    async def cancel_all(self) -> None:
        """Cancel all runs and the background work."""
        tasks, self._runs, self._background = self._tasks(), {}, None
        await _cancel(tasks)

    def _tasks(self) -> "list[asyncio.Task[Any]]":
        """Return the tasks of all current runs, and of the background work if there is any."""
        background = [] if self._background is None else [self._background]
        return [*self._runs.values(), *background]


async def _cancel(tasks: "Sequence[asyncio.Task[Any]]") -> None:
    """Cancel tasks and wait for their end; errors that they raise are only logged."""
    for each in tasks:
        each.cancel()
    if tasks:
        await asyncio.wait(tasks)
    for each in tasks:
        # An error in work that is of no use must not hide the error that matters.
        if not each.cancelled() and (error := each.exception()):
            log.info("cancelled_run_failed", reason=str(error))


async def _fetch(
    gate_round: GateRound, requested: RequestedRun, deps: ValidatorDeps
) -> RunEvidence:
    """Make a requested run, publish what it showed, and return that."""
    found = await _make_run(gate_round, requested, deps)
    await publish_run(gate_round, requested, found, deps)
    return found


async def _make_run(
    gate_round: GateRound, requested: RequestedRun, deps: ValidatorDeps
) -> RunEvidence:
    """Compose a requested run's tree and run its tests, then benchmarks; return what they show."""
    plan = requested.plan
    composition = await compose(gate_round, plan.changes, deps)
    if composition.failed:
        return DoesNotApply()
    tests = tuple(each for each in plan.tests if not needs_own_run(each))
    found: RunEvidence = RunComparison(frozenset())
    if tests or not plan.tests:
        found = await _run_tests(gate_round, requested, composition.tree, tests, deps)
    for label, names in by_selection(plan.tests).items():
        if isinstance(found, RunComparison):
            more = await _run_selection(gate_round, requested, composition.tree, label, deps)
            found = _added(found, more, label, names)
    benchmarks = tuple(each for each in plan.tests if each.startswith(BENCHMARK_PREFIX))
    if not benchmarks or not isinstance(found, RunComparison):
        return found
    run = await _run_benchmarks(gate_round, requested, composition.tree, benchmarks, deps)
    if run.result.outcome != "reported":
        reason = run.result.detail.partition("\n")[0]
        log.warning("benchmarks_not_measured", target=gate_round.target.id, reason=reason)
        return NoReport(f"benchmarks not measured: {reason}")
    slower = (await read_benchmarks(run, deps)).failing
    return RunComparison(found.worse.union(slower), found.new, found.failures)


async def _run_selection(
    gate_round: GateRound,
    requested: RequestedRun,
    tree: str,
    label: str,
    deps: ValidatorDeps,
) -> RunEvidence:
    """Run only the tests of the selection with this label, and compare them with the head."""
    tests = gate_round.mutation.selections.by_label[label]
    return await _run_tests(gate_round, requested, tree, tests, deps)


def _added(
    found: RunComparison, more: RunEvidence, label: str, names: Sequence[str]
) -> RunEvidence:
    """Return `found` with what a selection's run says of `names`; `more` if that has no report."""
    if not isinstance(more, RunComparison):
        return more
    marked = {each: f"{each}{SELECTION_MARK}{label}" for each in names if each in more.worse}
    failures = {marked[each]: n for each, n in more.failures.items() if each in marked}
    return RunComparison(
        found.worse.union(marked.values()), found.new, {**found.failures, **failures}
    )


async def _run_tests(
    gate_round: GateRound,
    requested: RequestedRun,
    tree: str,
    tests: tuple[str, ...],
    deps: ValidatorDeps,
) -> RunEvidence:
    """Run tests (all if none), keep the run in the round, and compare it with the baseline."""
    plan = requested.plan
    order = RunRequest(
        tree=tree,
        purpose=requested.purpose,
        changes=plan.changes,
        tests=tests,
        repetition=plan.repetition,
        repeat=plan.repeat,
        record=gate_round.facts.is_recording_stale and requested.purpose is RunPurpose.FULL_RUN,
        why=requested.why,
        approved=await asyncio.to_thread(gate_round.approved_edits, plan.changes, tree),
    )
    try:
        run = await run_tests(deps, gate_round.prepared, order, wave_id=gate_round.wave_id)
    except Rejected as error:
        if not order.approved:
            raise
        # The environment that its edits ask for cannot be built.
        return NoReport(error.message)
    gate_round.runs[plan] = run
    # The baseline is shared by all runs, so cancelling one that waits for it must not cancel it.
    baseline = await asyncio.shield(gate_round.baseline)
    if run.result.outcome != "reported":
        return NoReport(run.result.detail.partition("\n")[0])
    candidate = await read_report(run, deps)
    found = compare_reports(
        baseline, candidate, tests=tests, repeat=plan.repeat, approved=order.approved
    )
    gate_round.runs[plan] = await _store_comparison(run, found, deps)
    return found


async def _store_comparison(run: TestRun, found: RunComparison, deps: ValidatorDeps) -> TestRun:
    """Store which tests were worse in a run, if that is new; return the run with them.

    Of one with approved edits it also stores which tests appeared and which were dropped.
    """
    fields = {"result__worse": tuple(sorted(found.worse))}
    if run.request.approved:
        fields["result__appeared"] = tuple(sorted(found.new))
        fields["result__dropped"] = tuple(sorted(found.dropped))
    if run.result.worse is None:
        await deps.store.runs.set_fields(run.id, **fields)
    return run.updated(**fields)


async def _run_benchmarks(
    gate_round: GateRound,
    requested: RequestedRun,
    tree: str,
    names: tuple[str, ...],
    deps: ValidatorDeps,
) -> TestRun:
    """Compare benchmarks of a tree with the head's; `names` may stand for all of them."""
    return await compare(
        deps,
        gate_round.prepared,
        tree,
        changes=requested.plan.changes,
        wave_id=gate_round.wave_id,
        names=() if BENCHMARK_PREFIX in names else names,
        repetition=requested.plan.repetition,
        why=requested.why,
    )
