"""Replaying a history: each commit is a proposal on its parent, judged as the gate judges.

Nothing is landed and no branch is touched. The tests of the parent run over the commit, as the gate
runs the head's over a change; a commit that changes what judges it is for a person, and then its
other part is judged alone. Beside that each commit runs under its own tests: that is the base of the
next one, and tells which tests it broke.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from services.validator.backtest.domain.backtest import (
    Spent,
    batch_cost,
    broken_by,
    score,
    summarise,
)
from services.validator.backtest.domain.history import Commit, is_fix, truth
from services.validator.backtest.usecases.judging import (
    Answer,
    Bench,
    Stand,
    describe,
    judge,
    stand,
    still_failing,
)
from services.validator.decision.evidence import profile_suite
from services.validator.deps import ValidatorDeps
from shared.contracts.documents.backtests import (
    Backtest,
    BacktestSummary,
    CorrectiveCommit,
    ReplayResult,
)
from shared.contracts.documents.targets import Target
from shared.contracts.events import CommitReplayed
from shared.contracts.states import BacktestState
from shared.kernel.errors import Rejected
from shared.targets.paths import is_protected

LISTED = 50
# In such files nothing goes wrong that a test could see.
PROSE = (".md", ".rst", ".txt")


async def replay(backtest: Backtest, target: Target, deps: ValidatorDeps) -> BacktestSummary | None:
    """Judge each commit; None where it was stopped on the way. Raises `Rejected` where nothing can be judged."""
    line = await _line(backtest, target, deps)
    chosen = [each for each in line if not each.merge][-backtest.limit :]
    await _check(chosen, backtest, target, deps)
    later = await _later(line, backtest, target, deps)
    bench = Bench(target, backtest.id)
    replayed: list[ReplayResult] = []
    for commit in chosen:
        replayed.append(await _judge(commit, later.get(commit.oid, ()), bench, deps))
        if not await _tell(replayed, len(chosen), backtest, deps):
            return None
    if all(each.outcome == "unknown" for each in replayed):
        raise Rejected(
            f"None of the {len(replayed)} commits could be judged.",
            hint=replayed[-1].why,
            code="nothing_measured",
        )
    assert bench.last is not None
    batch = batch_cost(replayed, profile_suite(bench.last))
    return summarise(replayed, _spent(backtest, bench, bench.last.seconds), batch)


async def _line(backtest: Backtest, target: Target, deps: ValidatorDeps) -> Sequence[Commit]:
    assert backtest.since_commit is not None
    assert backtest.head is not None
    history = deps.history(target)
    return await asyncio.to_thread(history.line, backtest.since_commit, backtest.head)


async def _check(
    chosen: Sequence[Commit], backtest: Backtest, target: Target, deps: ValidatorDeps
) -> None:
    if not chosen:
        raise Rejected(
            f"{target.base_branch} has no commits since {backtest.since} that are not merges.",
            hint="Name an earlier revision.",
            code="no_commits_since",
        )
    described = (await describe(chosen[-1].oid, target, deps)).test
    if not described.test_files and described.framework != "custom":
        raise Rejected(
            f"No tests were found in {target.name}, so nothing can be said of its history.",
            hint='Add tests, or name the command in groundswell.toml: [test] command = "…".',
            code="no_tests",
        )


async def _later(
    line: Sequence[Commit], backtest: Backtest, target: Target, deps: ValidatorDeps
) -> dict[str, tuple[CorrectiveCommit, ...]]:
    """What the line says against its own commits."""
    history, since = deps.history(target), backtest.since_commit or ""
    config = (await describe(line[-1].oid, target, deps)).config

    def blame() -> dict[str, set[str]]:
        found = {}
        for fix in line:
            if is_fix(fix):
                changed = history.changed(fix.parent, fix.oid)
                source = [
                    e for e in changed if not is_protected(e, config) and not e.endswith(PROSE)
                ]
                found[fix.oid] = {*history.wrote(fix, since, source)}
        return found

    return truth(line, await asyncio.to_thread(blame))


async def _judge(
    commit: Commit, later: tuple[CorrectiveCommit, ...], bench: Bench, deps: ValidatorDeps
) -> ReplayResult:
    on, here = await stand(commit.parent, bench, deps), await stand(commit.oid, bench, deps)
    known = {*bench.gate}
    fields = await _answer(commit, on, bench, deps)
    broke = await _broke(on, here, bench, deps)
    runs = [each for key, each in bench.gate.items() if key not in known]
    return ReplayResult(
        commit=commit.oid,
        parent=commit.parent,
        title=commit.title[:200],
        at=commit.at,
        broken_tests=tuple(sorted(broke))[:LISTED],
        unmeasured_reason=next((each.why for each in (on, here) if each.report is None), ""),
        later=later,
        full=sum(not each.request.tests for each in runs),
        targeted=sum(bool(each.request.tests) for each in runs),
        seconds=sum(each.execution.seconds for each in runs),
        outcome=score(fields["verdict"], rule=bool(fields.get("rule")), bad=bool(broke or later)),
        **fields,
    )


async def _answer(commit: Commit, on: Stand, bench: Bench, deps: ValidatorDeps) -> dict[str, Any]:
    """What the gate says of a commit, and what it says of the part of it that is not protected."""
    if on.why or on.place is None:
        return {"verdict": "unknown", "why": f"its parent cannot be measured: {on.why}"}
    history = deps.history(bench.target)
    changed = await asyncio.to_thread(history.changed, commit.parent, commit.oid)
    config = on.place.profile.config
    protected = [each for each in changed if is_protected(each, config)]
    if not changed:
        return {"verdict": "land", "why": "it changes nothing"}
    if not protected:
        return _said(await judge(deps.mirror(bench.target).tree(commit.oid).oid, on, bench, deps))
    fields = {
        "verdict": "ask",
        "why": f"it changes what judges it: {', '.join(protected[:3])}",
        "protected": tuple(protected[:LISTED]),
    }
    rest = [each for each in changed if each not in set(protected)]
    if not rest:
        return fields
    tree = await asyncio.to_thread(history.part, commit.parent, commit.oid, rest)
    code = await judge(tree, on, bench, deps)
    return {
        **fields,
        **_said(code),
        "verdict": "ask",
        "why": fields["why"],
        "code": code.said,
        "code_reason": code.why,
    }


def _said(answer: Answer) -> dict[str, Any]:
    return {
        "verdict": answer.said,
        "why": answer.why[:500],
        "rule": answer.rule[:500],
        "tests": answer.tests[:LISTED],
    }


async def _broke(on: Stand, here: Stand, bench: Bench, deps: ValidatorDeps) -> frozenset[str]:
    """The tests that the commit broke on the branch, as it then was."""
    if on.report is None or here.report is None:
        return frozenset()
    broke = broken_by(on.report.outcomes, here.report.outcomes)
    return await still_failing(broke, here, bench, deps)


async def _tell(
    replayed: Sequence[ReplayResult], total: int, backtest: Backtest, deps: ValidatorDeps
) -> bool:
    """Write down how far it is, and say it; False where nobody wants to know any more."""
    now = await deps.store.backtests.require(backtest.id)
    if now.state is not BacktestState.RUNNING:
        return False
    if len(now.replayed) > len(replayed):
        # Gone on with after a crash: that far it was said before. Of the last nobody knows: it is said again.
        return True
    last = replayed[-1]
    await deps.store.backtests.set_fields(backtest.id, total=total, replayed=tuple(replayed))
    event = CommitReplayed(
        backtest_id=backtest.id,
        target_id=backtest.target_id or "",
        commit=last.commit,
        title=last.title,
        verdict=last.verdict,
        outcome=last.outcome,
        done=len(replayed),
        total=total,
        note=_note(last),
    )
    await deps.bus.publish(event, key=f"{backtest.id}:{len(replayed)}")
    return True


def _note(last: ReplayResult) -> str:
    if last.verdict == "ask" and last.code:
        return f"{last.why}; its other part alone: {last.code}"
    return last.why or ", ".join(last.tests[:3])


def _spent(backtest: Backtest, bench: Bench, suite: float) -> Spent:
    runs = {**bench.truth, **bench.gate}
    return Spent(
        gate={key: each.execution.seconds for key, each in bench.gate.items()},
        truth={key: each.execution.seconds for key, each in bench.truth.items()},
        full=sum(not each.request.tests for each in bench.gate.values()),
        targeted=sum(bool(each.request.tests) for each in bench.gate.values()),
        environments=tuple(each for each in bench.environments.values() if each),
        reused_runs=sum(each.created_at < backtest.created_at for each in runs.values()),
        suite_seconds=suite,
    )
