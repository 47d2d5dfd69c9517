"""What the gate would say of one tree on a head, without anything that lands: rules, runs, and its decisions."""

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
from services.validator.findings.domain import TreePair, compare
from services.validator.prepared import PreparedHead, prepare_head
from services.validator.runs.domain.requests import RunRequest
from services.validator.runs.usecases.reports import read_report
from services.validator.runs.usecases.request import run_tests
from services.validator.suite.domain.reports import TestReport
from shared.contracts.base import RunPurpose
from shared.contracts.documents.runs import TestRun
from shared.contracts.documents.targets import Target
from shared.kernel.errors import Rejected
from shared.targets.languages import invalid_reason
from shared.targets.profile import TargetProfile, profile_target

EVERYWHERE = ("*",)


@dataclass(frozen=True)
class Stand:
    """A commit under its own tests. `why` says why nothing can be judged on it; without a report nobody knows a thing."""

    place: PreparedHead | None = None
    report: TestReport | None = None
    why: str = ""


@dataclass(frozen=True)
class Answer:
    """What the gate says: land, refuse or unknown. `rule` is the one that refused without a run."""

    said: str
    why: str = ""
    rule: str = ""
    tests: tuple[str, ...] = ()


@dataclass
class Bench:
    """A target's commits under their own tests, each looked at once, and all that was run for it."""

    target: Target
    purpose_id: str
    gate: dict[str, TestRun] = field(default_factory=dict)
    truth: dict[str, TestRun] = field(default_factory=dict)
    environments: dict[str, float] = field(default_factory=dict)
    stands: dict[str, Stand] = field(default_factory=dict)
    unbuilt: dict[str, str] = field(default_factory=dict)
    last: TestReport | None = None

    async def run(self, place: PreparedHead, order: RunRequest, deps: ValidatorDeps) -> TestRun:
        """The verdict of a run, made unless it was made before."""
        return await run_tests(deps, place, order, wave_id=self.purpose_id)


async def describe(commit: str, target: Target, deps: ValidatorDeps) -> TargetProfile:
    """A target at one commit; what it says about itself counts as its base branch has it now."""
    mirror = deps.mirror(target)
    return await asyncio.to_thread(
        lambda: profile_target(mirror.tree(commit), mirror.base_tree(target))
    )


async def stand(commit: str, bench: Bench, deps: ValidatorDeps) -> Stand:
    """A commit in its own environment under its own tests."""
    if commit not in bench.stands:
        # What came before the last one is not asked for again.
        bench.stands = dict([*bench.stands.items()][-1:])
        bench.stands[commit] = found = await _stand(commit, bench, deps)
        bench.last = found.report or bench.last
    return bench.stands[commit]


async def _stand(commit: str, bench: Bench, deps: ValidatorDeps) -> Stand:
    tree = deps.mirror(bench.target).tree(commit)
    plan = (await describe(commit, bench.target, deps)).environment
    key = plan.key(tree, "", "")
    if key in bench.unbuilt:
        return Stand(why=bench.unbuilt[key])
    try:
        place = await prepare_head(deps, bench.target, commit)
    except Rejected as error:
        if error.code == "no_sandbox":
            raise
        bench.unbuilt[key] = f"its environment does not build: {error.message}"
        return Stand(why=bench.unbuilt[key])
    bench.environments.setdefault(place.environment.key, place.environment.seconds)
    verdict = await bench.run(place, RunRequest(place.tree, RunPurpose.BACKTEST), deps)
    bench.truth[verdict.id] = verdict
    if verdict.result.outcome != "reported":
        reason = verdict.result.detail.partition("\n")[0]
        return Stand(place, why=f"its tests gave no usable report: {reason}")
    report = await read_report(verdict, deps)
    if not report.counts.passed:
        return Stand(place, report, why="none of its tests passes")
    return Stand(place, report)


async def still_failing(
    tests: Collection[str], here: Stand, bench: Bench, deps: ValidatorDeps
) -> frozenset[str]:
    """Those of a commit's own failing tests that fail there once more."""
    if not tests or here.place is None:
        return frozenset()
    order = RunRequest(here.place.tree, RunPurpose.BACKTEST, (), tuple(sorted(tests)), 1)
    verdict = await bench.run(here.place, order, deps)
    bench.truth[verdict.id] = verdict
    if verdict.result.outcome != "reported":
        return frozenset()
    return (await read_report(verdict, deps)).failing & frozenset(tests)


async def judge(tree: str, on: Stand, bench: Bench, deps: ValidatorDeps) -> Answer:
    """What becomes of a tree that is proposed on a commit."""
    assert on.place is not None
    assert on.report is not None
    rule = await _broken_rule(tree, on.place, deps)
    if rule:
        return Answer("refuse", rule, rule=rule)
    evidence: dict[RunPlan, RunEvidence] = {}
    knowledge = profile_suite(on.report)
    while True:
        match decide([Candidate(id=tree, order=0)], evidence, suite=knowledge):
            case NeedRuns(runs=(RequestedRun(plan=run), *_)):
                evidence[run] = await _look(run, tree, on, bench, deps)
            case Land():
                return Answer("land")
            case Reject(tests=tests, reason=reason):
                return Answer("refuse", reason, tests=tests)
            case Undecided(reason=reason):
                return Answer("unknown", reason)
            case Finished():
                return Answer("unknown", "the gate came to no decision")


async def _look(
    run: RunPlan, tree: str, on: Stand, bench: Bench, deps: ValidatorDeps
) -> RunEvidence:
    assert on.place is not None
    assert on.report is not None
    there = tree if run.changes else on.place.tree
    order = RunRequest(there, RunPurpose.BACKTEST, (), run.tests, run.repetition, run.repeat)
    verdict = await bench.run(on.place, order, deps)
    bench.gate[verdict.id] = verdict
    if verdict.result.outcome != "reported":
        return NoReport(verdict.result.detail.partition("\n")[0])
    seen = await read_report(verdict, deps)
    return compare_reports(on.report, seen, tests=run.tests, repeat=run.repeat)


async def _broken_rule(tree: str, place: PreparedHead, deps: ValidatorDeps) -> str:
    """What refuses it without a run: the rules about patches, syntax, and findings that are new."""
    repository = deps.repository(place.target)
    history = deps.history(place.target)
    config = place.profile.config
    # What is protected was left out, or is for a person: here it is no reason.
    lenient = config.model_copy(
        update={"policy": config.policy.model_copy(update={"protected_paths": "ask"})}
    )

    def look() -> str:
        patch = history.patch(place.head, tree)
        said = repository.broken_rule(patch, EVERYWHERE, lenient, place.head)
        if said:
            return said
        if found := repository.find_syntax_error(place.head, [("", tree)]):
            return f"syntax: {invalid_reason(found[1])}"
        return ""

    if problem := await asyncio.to_thread(look):
        return problem
    pairs = [TreePair(place.head, tree)]
    [pair] = await deps.detectors.measure_pairs(place.target.id, place.head, place.profile, pairs)
    broken = compare((), pair.before, pair.after).broken
    return f"findings: {broken}" if broken else ""
