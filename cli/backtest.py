"""`groundswell backtest`: a history replayed, followed to its end, and its report."""

import asyncio
from pathlib import Path

from rich.markup import escape

from cli.backtest_report import markdown, show_backtest
from cli.client import Api
from cli.progress import Progress
from cli.session import api
from cli.text import err, fail, out, short, warn
from shared.contracts.commands import BacktestScope, BacktestTarget
from shared.contracts.documents.backtests import Backtest
from shared.contracts.events import BacktestFinished, CommitReplayed
from shared.contracts.states import BacktestState
from shared.kernel.errors import GroundswellError, Rejected
from shared.kernel.ids import uuid7
from shared.targets.repository import find_revision, inspect_repository

# One that is told to stop while we are told to end gets this long.
PATIENCE = 10.0
# What was asked for cannot be; all else is about the target.
WRONG_USE = {"no_revision", "not_an_ancestor", "no_commits_since"}


async def run_backtest(command: BacktestScope, *, report: Path | None, as_json: bool) -> int:
    """BacktestScope a history; the exit code."""
    # What is wrong is said at once, before anything is started for it.
    facts = await asyncio.to_thread(inspect_repository, command.target, base=command.base)
    if await asyncio.to_thread(find_revision, facts.location, command.since) is None:
        raise Rejected(
            f"{facts.name} has no revision {command.since}.",
            hint="Name a commit, a branch or a tag of it: git log --oneline.",
            code="no_revision",
        )
    if report is not None:
        await asyncio.to_thread(_check_place, report)
    asked = BacktestTarget(
        **{**command.model_dump(), "target": facts.location}, backtest_id=uuid7()
    )
    with Progress(err if as_json else out) as progress:
        progress.say(f"{facts.name} at {facts.head[:10]} ({facts.base_branch})")
        progress.doing("bringing the stack up")
        async with api() as talker:
            backtest = await _follow(asked, talker, progress)
    return _tell(backtest, report, as_json=as_json)


def _check_place(report: Path) -> None:
    """An hour of runs must not end in a report that cannot be written."""
    if not report.absolute().parent.is_dir():
        raise Rejected(
            f"{report.parent} is no directory to write a report to.", code="no_directory"
        )


async def _follow(command: BacktestTarget, talker: Api, progress: Progress) -> Backtest:
    mine = command.backtest_id or ""
    try:
        after = 0
        if left := await _left_over(command, talker):
            mine = left
            progress.say(f"an earlier backtest was cut off; going on with it: {short(left)}")
        else:
            after = (await talker.ask_backtest(command)).events_after
        progress.doing("reading the history, building its environments")
        async for event in talker.events(after=after):
            if isinstance(event, CommitReplayed) and event.backtest_id == mine:
                progress.doing("replaying")
                progress.tell(event)
            if isinstance(event, BacktestFinished) and event.backtest_id == mine:
                break
    except asyncio.CancelledError:
        await _stop(mine, talker)
        raise
    return await talker.backtest(mine)


async def _left_over(command: BacktestTarget, talker: Api) -> str | None:
    """The same backtest where it is still running: on a stack of our own nobody else can have asked."""
    if not talker.ours:
        return None
    wanted = (command.target, command.since, command.limit)
    for each in await talker.backtests(100):
        running = each.state is BacktestState.RUNNING
        if running and (each.location, each.since, each.limit) == wanted:
            return each.id
    return None


async def _stop(backtest: str, talker: Api) -> None:
    """Interrupted: what has run is kept, and the person is told how to go on."""
    try:
        async with asyncio.timeout(PATIENCE):
            await talker.stop_backtest(backtest)
    except (GroundswellError, TimeoutError) as error:
        warn(f"Interrupted; the backtest could not be stopped ({error or 'no answer'}).")
        return
    warn("Interrupted: the same command goes on where this stopped; no run is made twice.")


def _tell(backtest: Backtest, report: Path | None, *, as_json: bool) -> int:
    if as_json:
        print(backtest.model_dump_json(indent=1))  # noqa: T201 - data for another program
    failure = backtest.failure
    if failure is not None:
        fail(GroundswellError(failure.message, hint=failure.hint))
        return 2 if failure.code in WRONG_USE else 1
    if backtest.summary is None:
        warn("The backtest was stopped; the same command goes on with it.")
        return 1
    if not as_json:
        show_backtest(backtest, out)
    if report is not None:
        report.write_text(markdown(backtest))
        (err if as_json else out).print(f"\nThe report is in {escape(str(report))}.")
    return 0
