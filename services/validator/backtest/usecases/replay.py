"""Replaying a history: each commit is judged as the gate would judge a proposal on its parent.

Nothing is landed and no branch is touched. The tests of the parent run over the commit, as the gate
runs the head's tests over a change. A commit that changes protected files needs approval, and its
other part is judged alone. Each commit also runs under its own tests: that is the baseline of the
next one, and shows which tests it broke.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from services.validator.backtest.domain.backtest import (
    BacktestSpending,
    batch_cost,
    broken_by,
    score,
    summarise,
)
from services.validator.backtest.domain.history import Commit, corrective_commits, is_fix
from services.validator.backtest.usecases.judging import (
    BacktestSession,
    CommitBaseline,
    GateOpinion,
    commit_baseline,
    failing_again,
    judge,
    profile_commit,
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
from shared.targets.config import FILE, TargetConfig, parse_config
from shared.targets.paths import is_protected

MAX_LISTED = 50
# Files in which no test can find a fault.
PROSE_SUFFIXES = (".md", ".rst", ".txt")


async def replay(backtest: Backtest, target: Target, deps: ValidatorDeps) -> BacktestSummary | None:
    """Judge each commit, and return the summary; None if the backtest was stopped meanwhile.

    The newest non-merge commits count, up to the limit; progress is stored and published. Raises
    `Rejected` if there are no commits or tests, or none can be judged.
    """
    line = await _first_parent_line(backtest, target, deps)
    chosen = [each for each in line if not each.merge][-backtest.limit :]
    await _require_testable(chosen, backtest, target, deps)
    later = await _corrective_commits(line, backtest, target, deps)
    session = BacktestSession(target, backtest.id)
    replayed: list[ReplayResult] = []
    for commit in chosen:
        replayed.append(await _judge(commit, later.get(commit.oid, ()), session, deps))
        if not await _save_progress(replayed, len(chosen), backtest, target, deps):
            return None
    if all(each.outcome == "unknown" for each in replayed):
        raise Rejected(
            f"None of the {len(replayed)} commits could be judged.",
            hint=replayed[-1].why,
            code="nothing_measured",
        )
    assert session.last is not None
    batch = batch_cost(replayed, profile_suite(session.last))
    return summarise(replayed, _spending(backtest, session, session.last.seconds), batch)


async def _first_parent_line(
    backtest: Backtest, target: Target, deps: ValidatorDeps
) -> Sequence[Commit]:
    """Return the first-parent commits of the backtest's range, oldest first, with merges."""
    assert backtest.since_commit is not None
    assert backtest.head is not None
    history = deps.history(target)
    return await asyncio.to_thread(history.line, backtest.since_commit, backtest.head)


async def _require_testable(
    chosen: Sequence[Commit], backtest: Backtest, target: Target, deps: ValidatorDeps
) -> None:
    """Raise `Rejected` if there is no commit to replay, or if the newest has no tests."""
    if not chosen:
        raise Rejected(
            f"{target.base_branch} has no commits since {backtest.since} that are not merges.",
            hint="Name an earlier revision.",
            code="no_commits_since",
        )
    try:
        described = (await profile_commit(chosen[-1].oid, target, deps)).test
    except Rejected:
        # It scores unknown, and so do the others if they cannot be read either.
        return
    if not described.test_files and described.framework != "custom":
        raise Rejected(
            f"No tests were found in {target.name}, so nothing can be said of its history.",
            hint='Add tests, or name the command in groundswell.toml: [test] command = "…".',
            code="no_tests",
        )


async def _corrective_commits(
    line: Sequence[Commit], backtest: Backtest, target: Target, deps: ValidatorDeps
) -> dict[str, tuple[CorrectiveCommit, ...]]:
    """Return by commit of the history the reverts and fixes that came later, if any."""
    history, since = deps.history(target), backtest.since_commit or ""
    config = await asyncio.to_thread(_todays_config, target, deps)

    def blame() -> dict[str, set[str]]:
        """Return by fix the commits that wrote the source lines it removes; blocks."""
        found = {}
        for fix in line:
            if is_fix(fix):
                changed = history.changed(fix.parent, fix.oid)
                source = [
                    e
                    for e in changed
                    if not is_protected(e, config) and not e.endswith(PROSE_SUFFIXES)
                ]
                found[fix.oid] = {*history.wrote(fix, since, source)}
        return found

    return corrective_commits(line, await asyncio.to_thread(blame))


def _todays_config(target: Target, deps: ValidatorDeps) -> TargetConfig:
    """Return the configuration on a target's base branch. Raises `Rejected` for a bad one."""
    base = deps.mirror(target).base_tree(target)
    return parse_config((base.read(FILE) if base is not None else None) or b"")


async def _judge(
    commit: Commit,
    later: tuple[CorrectiveCommit, ...],
    session: BacktestSession,
    deps: ValidatorDeps,
) -> ReplayResult:
    """Judge one commit as a proposal on its parent, and score that by what became of it.

    `later` are its reverts and fixes.
    """
    on = await commit_baseline(commit.parent, session, deps)
    here = await commit_baseline(commit.oid, session, deps)
    known = {*session.gate}
    fields = await _judge_parts(commit, on, here, session, deps)
    broke = await _broken_tests(on, here, session, deps)
    runs = [each for key, each in session.gate.items() if key not in known]
    return ReplayResult(
        commit=commit.oid,
        parent=commit.parent,
        title=commit.title[:200],
        at=commit.at,
        broken_tests=tuple(sorted(broke))[:MAX_LISTED],
        unmeasured_reason=next((each.why for each in (on, here) if each.report is None), ""),
        later=later,
        full=sum(not each.request.tests for each in runs),
        targeted=sum(bool(each.request.tests) for each in runs),
        seconds=sum(each.execution.seconds for each in runs),
        outcome=score(fields["verdict"], rule=bool(fields.get("rule")), bad=bool(broke or later)),
        **fields,
    )


async def _judge_parts(
    commit: Commit,
    on: CommitBaseline,
    here: CommitBaseline,
    session: BacktestSession,
    deps: ValidatorDeps,
) -> dict[str, Any]:
    """Judge a commit; return fields of its `ReplayResult`, as `verdict` and `why`.

    The verdict is `unknown` if its parent cannot be measured or it cannot be read, and `ask` if it
    changes protected files; then `code` is the verdict on its other part alone.
    """
    if on.why or on.prepared is None:
        return {"verdict": "unknown", "why": f"its parent cannot be measured: {on.why}"}
    if here.is_unreadable:
        return {"verdict": "unknown", "why": here.why[:500]}
    history = deps.history(session.target)
    changed = await asyncio.to_thread(history.changed, commit.parent, commit.oid)
    config = on.prepared.profile.config
    protected = [each for each in changed if is_protected(each, config)]
    if not changed:
        return {"verdict": "land", "why": "it changes nothing"}
    if not protected:
        return _opinion_fields(
            await judge(deps.mirror(session.target).tree(commit.oid).oid, on, session, deps)
        )
    fields = {
        "verdict": "ask",
        "why": f"it changes what judges it: {', '.join(protected[:3])}",
        "protected": tuple(protected[:MAX_LISTED]),
    }
    rest = [each for each in changed if each not in set(protected)]
    if not rest:
        return fields
    tree = await asyncio.to_thread(history.part, commit.parent, commit.oid, rest)
    code = await judge(tree, on, session, deps)
    return {
        **fields,
        **_opinion_fields(code),
        "verdict": "ask",
        "why": fields["why"],
        "code": code.verdict,
        "code_reason": code.why,
    }


def _opinion_fields(opinion: GateOpinion) -> dict[str, Any]:
    """Return the gate's opinion as fields of a `ReplayResult`, shortened to what is stored."""
    return {
        "verdict": opinion.verdict,
        "why": opinion.why[:500],
        "rule": opinion.rule[:500],
        "tests": opinion.tests[:MAX_LISTED],
    }


async def _broken_tests(
    on: CommitBaseline, here: CommitBaseline, session: BacktestSession, deps: ValidatorDeps
) -> frozenset[str]:
    """Return the tests that fail twice here and not on the parent; none if a report is missing."""
    if on.report is None or here.report is None:
        return frozenset()
    broke = broken_by(on.report.outcomes, here.report.outcomes)
    return await failing_again(broke, here, session, deps)


async def _save_progress(
    replayed: Sequence[ReplayResult],
    total: int,
    backtest: Backtest,
    target: Target,
    deps: ValidatorDeps,
) -> bool:
    """Store and publish the progress, unless it was; return False if the backtest was stopped."""
    now = await deps.store.backtests.require(backtest.id)
    if now.state is not BacktestState.RUNNING:
        return False
    if len(now.replayed) > len(replayed):
        # Resumed after a crash: these were published before. Only the last one is published again.
        return True
    last = replayed[-1]
    await deps.store.backtests.set_fields(backtest.id, total=total, replayed=tuple(replayed))
    event = CommitReplayed(
        backtest_id=backtest.id,
        target_id=target.id,
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
    """Return one line on why a commit got its verdict, or its first failing tests; may be empty."""
    if last.verdict == "ask" and last.code:
        return f"{last.why}; its other part alone: {last.code}"
    return last.why or ", ".join(last.tests[:3])


def _spending(backtest: Backtest, session: BacktestSession, suite: float) -> BacktestSpending:
    """Add up the runs and environment builds of a backtest; a full run takes `suite` seconds."""
    runs = {**session.truth, **session.gate}
    return BacktestSpending(
        gate={key: each.execution.seconds for key, each in session.gate.items()},
        truth={key: each.execution.seconds for key, each in session.truth.items()},
        full=sum(not each.request.tests for each in session.gate.values()),
        targeted=sum(bool(each.request.tests) for each in session.gate.values()),
        environments=tuple(each for each in session.environments.values() if each),
        reused_runs=sum(each.created_at < backtest.created_at for each in runs.values()),
        suite_seconds=suite,
    )
