"""Judging one tree on a head as the gate would, by its rules, runs and decisions."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

from services.validator.decision.comparison import compare_reports
from services.validator.decision.evidence import (
    Candidate,
    Finished,
    Land,
    NeedRuns,
    NoReport,
    Reject,
    RequestedRun,
    RunEvidence,
    RunPlan,
    Undecided,
    profile_suite,
)
from services.validator.decision.gate import decide
from services.validator.deps import ValidatorDeps
from services.validator.findings.domain import TreePair
from services.validator.prepared import PreparedHead, prepare_head
from services.validator.runs.domain.requests import RunRequest
from services.validator.runs.usecases.reports import read_report
from services.validator.runs.usecases.request import run_tests
from services.validator.suite.domain.reports import TestReport
from shared.contracts.base import RunPurpose
from shared.contracts.documents.runs import TestRun
from shared.contracts.documents.targets import Target
from shared.detectors.comparison import compare
from shared.kernel.errors import Rejected
from shared.targets.languages import invalid_reason
from shared.targets.profile import TargetProfile, profile_target

ALL_PATHS = ("*",)
# Any commit of the history may have set its environment up, and the gate must not run in that.
BACKTEST_NAMESPACE = "backtest"


@dataclass(frozen=True)
class CommitBaseline:
    """A commit with the report of its own tests.

    `why` says why nothing can be judged on it; it may have a report all the same. `is_unreadable`
    is true if its tree is such that nothing can be judged of itself either.
    """

    prepared: PreparedHead | None = None
    report: TestReport | None = None
    why: str = ""
    is_unreadable: bool = False


@dataclass(frozen=True)
class GateOpinion:
    """What the gate would decide: land, refuse or unknown.

    `rule` is the rule that refused the tree without a test run.
    """

    verdict: str
    why: str = ""
    rule: str = ""
    tests: tuple[str, ...] = ()


@dataclass
class BacktestSession:
    """The state of one backtest while it runs.

    `gate` and `truth` are the runs that the gate needed and those of the commits' own tests, by id;
    `environments` the build seconds by environment; `last` the newest report of a commit's tests.
    """

    target: Target
    backtest_id: str
    gate: dict[str, TestRun] = field(default_factory=dict)
    truth: dict[str, TestRun] = field(default_factory=dict)
    environments: dict[str, float] = field(default_factory=dict)
    baselines: dict[str, CommitBaseline] = field(default_factory=dict)
    build_failures: dict[str, str] = field(default_factory=dict)
    last: TestReport | None = None

    async def run(self, prepared: PreparedHead, order: RunRequest, deps: ValidatorDeps) -> TestRun:
        """Return a finished test run; one that was made before is not made again."""
        return await run_tests(deps, prepared, order, wave_id=self.backtest_id)


async def profile_commit(commit: str, target: Target, deps: ValidatorDeps) -> TargetProfile:
    """Return the profile of a target at one commit, under today's configuration of its base."""
    mirror = deps.mirror(target)
    return await asyncio.to_thread(
        lambda: profile_target(mirror.tree(commit), mirror.base_tree(target))
    )


async def commit_baseline(
    commit: str, session: BacktestSession, deps: ValidatorDeps
) -> CommitBaseline:
    """Return a commit with the report of its own tests, or why there is none; two are kept."""
    if commit not in session.baselines:
        # A commit needs its parent's baseline and its own, so earlier ones are dropped.
        session.baselines = dict([*session.baselines.items()][-1:])
        session.baselines[commit] = found = await _measure_baseline(commit, session, deps)
        session.last = found.report or session.last
    return session.baselines[commit]


async def _measure_baseline(
    commit: str, session: BacktestSession, deps: ValidatorDeps
) -> CommitBaseline:
    """Build a commit's environment and run its own tests; `why` of the result says what failed.

    Raises `Rejected` if there is no sandbox.
    """
    try:
        plan = (await profile_commit(commit, session.target, deps)).environment
        key = plan.key(deps.mirror(session.target).tree(commit))
    except Rejected as error:
        return CommitBaseline(why=f"it cannot be read: {error.message}", is_unreadable=True)
    if key in session.build_failures:
        return CommitBaseline(why=session.build_failures[key])
    try:
        prepared = await prepare_head(deps, session.target, commit, BACKTEST_NAMESPACE)
    except Rejected as error:
        if error.code == "no_sandbox":
            raise
        session.build_failures[key] = f"its environment does not build: {error.message}"
        return CommitBaseline(why=session.build_failures[key])
    session.environments.setdefault(prepared.environment.key, prepared.environment.seconds)
    finished = await session.run(prepared, RunRequest(prepared.tree, RunPurpose.BACKTEST), deps)
    session.truth[finished.id] = finished
    if finished.result.outcome != "reported":
        reason = finished.result.detail.partition("\n")[0]
        return CommitBaseline(prepared, why=f"its tests gave no usable report: {reason}")
    report = await read_report(finished, deps)
    if not report.counts.passed:
        return CommitBaseline(prepared, report, why="none of its tests passes")
    return CommitBaseline(prepared, report)


async def failing_again(
    tests: Collection[str], here: CommitBaseline, session: BacktestSession, deps: ValidatorDeps
) -> frozenset[str]:
    """Run a commit's failing tests again; return those that fail again, none without a report."""
    if not tests or here.prepared is None:
        return frozenset()
    order = RunRequest(here.prepared.tree, RunPurpose.BACKTEST, (), tuple(sorted(tests)), 1)
    finished = await session.run(here.prepared, order, deps)
    session.truth[finished.id] = finished
    if finished.result.outcome != "reported":
        return frozenset()
    return (await read_report(finished, deps)).failing & frozenset(tests)


async def judge(
    tree: str, on: CommitBaseline, session: BacktestSession, deps: ValidatorDeps
) -> GateOpinion:
    """Return what the gate would decide on a tree proposed on a commit, which has a report."""
    assert on.prepared is not None
    assert on.report is not None
    rule = await _broken_rule(tree, on.prepared, deps)
    if rule:
        return GateOpinion("refuse", rule, rule=rule)
    evidence: dict[RunPlan, RunEvidence] = {}
    suite = profile_suite(on.report)
    while True:
        match decide([Candidate(id=tree, order=0)], evidence, suite=suite):
            case NeedRuns(runs=(RequestedRun(plan=run), *_)):
                evidence[run] = await _run_plan(run, tree, on, session, deps)
            case Land():
                return GateOpinion("land")
            case Reject(tests=tests, reason=reason):
                return GateOpinion("refuse", reason, tests=tests)
            case Undecided(reason=reason):
                return GateOpinion("unknown", reason)
            case Finished():
                return GateOpinion("unknown", "the gate came to no decision")


async def _run_plan(
    run: RunPlan, tree: str, on: CommitBaseline, session: BacktestSession, deps: ValidatorDeps
) -> RunEvidence:
    """Make one run that the gate asks for, and compare it with the report of the parent `on`."""
    assert on.prepared is not None
    assert on.report is not None
    there = tree if run.changes else on.prepared.tree
    order = RunRequest(there, RunPurpose.BACKTEST, (), run.tests, run.repetition, run.repeat)
    finished = await session.run(on.prepared, order, deps)
    session.gate[finished.id] = finished
    if finished.result.outcome != "reported":
        return NoReport(finished.result.detail.partition("\n")[0])
    seen = await read_report(finished, deps)
    return compare_reports(on.report, seen, tests=run.tests, repeat=run.repeat)


async def _broken_rule(tree: str, prepared: PreparedHead, deps: ValidatorDeps) -> str:
    """Return the rule (patch, syntax or findings) that a tree breaks without a run; else empty."""
    repository = deps.repository(prepared.target)
    history = deps.history(prepared.target)
    config = prepared.profile.config
    # Protected paths were left out, or are for a person to judge: here they are no reason.
    lenient = config.model_copy(
        update={"policy": config.policy.model_copy(update={"protected_paths": "ask"})}
    )

    def find_broken_rule() -> str:
        """Return the patch policy or syntax rule that the tree breaks; empty if none. Blocks."""
        patch = history.patch(prepared.head, tree)
        if broken := repository.broken_rule(patch, ALL_PATHS, lenient, prepared.head):
            return broken
        if found := repository.find_syntax_error(prepared.head, [("", tree)]):
            return f"syntax: {invalid_reason(found[1])}"
        return ""

    if problem := await asyncio.to_thread(find_broken_rule):
        return problem
    pairs = [TreePair(prepared.head, tree)]
    [pair] = await deps.detectors.measure_pairs(
        prepared.target.id, prepared.head, prepared.profile, pairs
    )
    added = compare((), pair.before, pair.after).broken
    return f"findings: {added}" if added else ""
