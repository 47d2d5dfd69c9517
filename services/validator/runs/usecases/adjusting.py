"""Finding out how a target's tests run, where they do not run as its files say.

In order: a plugin of pytest that cannot be loaded is disabled, other ways to run the tests are
tried, and the environment is built with the packages of the commit's time. What helps is stored on
the target, and the notes of it tell people.
"""

import shlex
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from services.validator.deps import ValidatorDeps
from services.validator.prepared import (
    PreparedHead,
    commit_time,
    prepare_head,
    refresh_prepared,
)
from services.validator.runs.domain.adjustments import (
    broken_plugin,
    error_text,
    first_error,
    names_unknown_setting,
    passed_tests,
    unknown_options,
    with_unknown_settings,
    without_options,
    without_plugin,
)
from services.validator.runs.domain.requests import RunRequest
from services.validator.runs.usecases.reports import read_report
from services.validator.runs.usecases.request import run_tests
from services.validator.suite.domain.reports import TestReport
from shared.contracts.base import RunPurpose
from shared.contracts.documents.runs import TestRun
from shared.contracts.documents.targets import SuiteAdjustment
from shared.kernel.errors import Rejected
from shared.targets.plugins import configured_options, refuses_unknown_settings
from shared.targets.test_commands import CONVINCING_TESTS

log = structlog.get_logger(__name__)

MAX_REPAIRS = 3
# Packages of a commit younger than this are those of today.
MIN_AGE = timedelta(days=2)


@dataclass(frozen=True)
class BaselineAttempt:
    """A full run on a commit, with the adjustment it was made with, if any.

    `tried` tells in sentences what else was tried and did not help.
    """

    prepared: PreparedHead
    run: TestRun
    report: TestReport | None
    adjustment: SuiteAdjustment | None = None
    tried: tuple[str, ...] = ()

    @property
    def passed(self) -> int:
        """The number of tests that passed; 0 without a report."""
        if self.report is None:
            return 0
        return passed_tests(self.report, self.prepared.profile.test.expected, CONVINCING_TESTS)

    @property
    def is_convincing(self) -> bool:
        """True if tests pass, and about all of those expected were found, or it was adjusted.

        If the project names other ways to run its tests, many have to pass.
        """
        plan = self.prepared.profile.test
        if self.report is None or not self.passed:
            return False
        named = any(each.is_named for each in plan.alternatives)
        enough = 2 * len(self.report.results) >= plan.expected or self.adjustment is not None
        return enough and (not named or self.passed >= CONVINCING_TESTS)


async def measure_baseline(
    prepared: PreparedHead, wave_id: str, deps: ValidatorDeps
) -> BaselineAttempt:
    """Return the best baseline that can be had on a commit, and store how it was had.

    One process at a time does this for a target, as attempts change how all its runs are made.
    Raises what `prepare_head` raises.
    """
    target_id = prepared.target.id
    async with deps.leadership.hold_leadership(f"{target_id}-suite", wait=True):
        prepared = await refresh_prepared(deps, prepared)
        found = await _find_baseline(prepared, wave_id, deps)
        await deps.store.targets.set_fields(target_id, suite_basis=prepared.basis)
        return found


async def find_out_suite(prepared: PreparedHead, wave_id: str, deps: ValidatorDeps) -> PreparedHead:
    """Return a head on which it is known how the tests are run, after a baseline if need be.

    Before that no change may be tried: its runs could be made in another way than the head's.
    Raises what `prepare_head` raises.
    """
    prepared = await refresh_prepared(deps, prepared)
    if prepared.target.suite_basis == prepared.basis:
        return prepared
    return (await measure_baseline(prepared, wave_id, deps)).prepared


async def _find_baseline(
    prepared: PreparedHead, wave_id: str, deps: ValidatorDeps
) -> BaselineAttempt:
    """Return the baseline of a commit, after a search if that of its files is not convincing.

    Each attempt of the search is stored as the target's adjustment, and so is the best in the end.
    """
    known = prepared.target.adjustment
    adjustment = known if known is not None and known.basis == prepared.basis else None
    first = await _attempt(prepared, wave_id, deps, adjustment)
    if first.is_convincing or (adjustment is not None and first.passed):
        return first
    search = _Search(first, SuiteAdjustment(basis=prepared.basis), wave_id, deps)
    best = await search.best()
    await deps.store.targets.set_fields(prepared.target.id, adjustment=best.adjustment)
    return replace(best, tried=tuple(search.tried))


async def _attempt(
    prepared: PreparedHead, wave_id: str, deps: ValidatorDeps, adjustment: SuiteAdjustment | None
) -> BaselineAttempt:
    """Run the whole suite on the head, recorded, and return it with its report, if it has one."""
    request = RunRequest(prepared.tree, RunPurpose.BASELINE, record=True)
    run = await run_tests(deps, prepared, request, wave_id=wave_id)
    report = await read_report(run, deps) if run.result.outcome == "reported" else None
    return BaselineAttempt(prepared, run, report, adjustment)


class _Search:
    """The search for a way to run a target's tests on one commit.

    `start` is an adjustment that changes nothing; each attempt is made with one that is derived
    from it, and stored on the target meanwhile, so that every runner knows it.
    """

    def __init__(
        self, first: BaselineAttempt, start: SuiteAdjustment, wave_id: str, deps: ValidatorDeps
    ) -> None:
        self._first = first
        self._start = start
        self._wave_id = wave_id
        self._deps = deps
        self.tried: list[str] = []

    async def best(self) -> BaselineAttempt:
        """Return the best attempt; the first where nothing helps."""
        best = await self._without_broken_plugins(self._first)
        if not best.is_convincing:
            best = await self._by_other_commands(best)
        if not best.passed:
            best = await self._as_of_commit(best)
        return best

    async def _without_broken_plugins(self, best: BaselineAttempt) -> BaselineAttempt:
        """Try again with pytest's command repaired, a few times until there is a report.

        Returns the last attempt: one without a report where no further repair is known.
        """
        for _ in range(MAX_REPAIRS):
            adjustment = self._repair(best)
            if adjustment is None:
                break
            best = await self._try(adjustment) or best
            if best.report is not None:
                break
        return best

    def _repair(self, broken: BaselineAttempt) -> SuiteAdjustment | None:
        """Return an adjustment by which pytest might start after all; None if none is known."""
        prepared, output = broken.prepared, broken.run.result.detail
        if broken.report is not None or prepared.profile.test.framework != "pytest":
            return None
        known, command = broken.adjustment or self._start, prepared.profile.test.command
        if plugin := broken_plugin(output, prepared.environment.plugins):
            note = (
                f"pytest's plugin {plugin.name} (of the requirement {plugin.distribution}) cannot "
                f"be loaded, so it is disabled: {error_text(output)}"
            )
            return self._with_command(known, without_plugin(command, plugin), "pytest", note)
        tree = prepared.mirror.tree(prepared.head)
        addopts = configured_options(tree)
        if options := unknown_options(output, addopts):
            note = f"pytest does not know the options {' '.join(options)}, so they are left out."
            kept = without_options(command, addopts, options)
            return self._with_command(known, kept, "pytest", note)
        permitting = with_unknown_settings(command)
        refused = names_unknown_setting(output) and refuses_unknown_settings(tree)
        if not refused or permitting == tuple(command):
            return None
        note = "pytest does not know some of its settings, so it is told to permit that."
        return self._with_command(known, permitting, "pytest", note)

    async def _by_other_commands(self, best: BaselineAttempt) -> BaselineAttempt:
        """Return the attempt that passes most; where some tests pass, only named ways are tried."""
        first = best
        for each in first.prepared.profile.test.alternatives:
            if best.is_convincing or (first.passed and not each.is_named):
                continue
            note = (
                f"Tests are run by `{shlex.join(each.command)}` ({each.why}): "
                f"{self._outcome_of(first)}."
            )
            adjustment = self._with_command(self._start, each.command, each.framework, note)
            tried = await self._try(adjustment)
            if tried is not None and tried.passed > best.passed:
                best = tried
            else:
                self.tried.append(f"`{shlex.join(each.command)}` ({each.why})")
        return best

    async def _as_of_commit(self, best: BaselineAttempt) -> BaselineAttempt:
        """Try the packages of the commit's time; return that if any test passes, else `best`.

        It is not tried on a young commit, or where the environment is configured, or needs Node.
        """
        prepared = best.prepared
        plan, configured = prepared.profile.environment, prepared.profile.config.environment.as_of
        when = commit_time(prepared.mirror, prepared.head)
        is_old = datetime.fromisoformat(when) < self._deps.clock() - MIN_AGE
        if configured or plan.setup is not None or plan.needs_node or not is_old:
            return best
        note = (
            f"The environment is built with the packages of {when[:10]}, the time of the commit, "
            f"as no test passes with today's: {self._outcome_of(self._first)}."
        )
        dated = self._start.model_copy(update={"as_of": when, "notes": (note,)})
        attempt = await self._try(dated)
        if attempt is not None and not attempt.passed:
            attempt = await self._without_broken_plugins(attempt)
        if attempt is not None and attempt.passed:
            return attempt
        self.tried.append(f"an environment with the packages of {when[:10]}")
        return best

    def _outcome_of(self, attempt: BaselineAttempt) -> str:
        """Return in words what came of an attempt."""
        command = shlex.join(attempt.prepared.profile.test.command)
        if attempt.report is None:
            return f"`{command}` gave no report: {error_text(attempt.run.result.detail)}"
        counts = attempt.report.counts
        error = first_error(attempt.report)
        because = f" ({error.id}: {error_text(error.detail)})" if error else ""
        return f"`{command}` ran {counts.tests} tests, of which {counts.passed} pass{because}"

    def _with_command(
        self, known: SuiteAdjustment, command: tuple[str, ...], framework: str, note: str
    ) -> SuiteAdjustment:
        """Return an adjustment with another test command, and a note on it for people."""
        notes = (*known.notes, note)
        return known.model_copy(update={"command": command, "framework": framework, "notes": notes})

    async def _try(self, adjustment: SuiteAdjustment) -> BaselineAttempt | None:
        """Store an adjustment and run the suite with it; None if no environment can be built."""
        deps, target_id = self._deps, self._first.prepared.target.id
        await deps.store.targets.set_fields(target_id, adjustment=adjustment)
        target = await deps.store.targets.require(target_id)
        try:
            prepared = await prepare_head(deps, target, self._first.prepared.head)
        except Rejected as error:
            log.info("adjustment_not_possible", target=target_id, reason=error.message)
            return None
        return await _attempt(prepared, self._wave_id, deps, adjustment)
