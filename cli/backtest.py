"""`groundswell backtest`: replays a history through the gate, follows it, and shows its report."""

import asyncio
from pathlib import Path

from cli.backtest_report import render_markdown, show_backtest
from cli.client import ApiClient
from cli.console import print_data, shown
from cli.progress import Progress
from cli.session import connect
from cli.text import err, fail, out, warn
from shared.contracts.commands import BacktestScope, BacktestTarget
from shared.contracts.events import BacktestFinished, CommitReplayed
from shared.contracts.states import BacktestState
from shared.contracts.views import BacktestDetails
from shared.kernel.errors import GroundswellError, Rejected
from shared.kernel.ids import short_id, uuid7
from shared.targets.repository import find_revision, inspect_repository

STOP_TIMEOUT_SECONDS = 10.0
MAX_RESUMABLE_BACKTESTS = 100
# Failures because the request cannot be met; every other one is about the target.
USER_ERRORS = frozenset({"no_revision", "not_an_ancestor", "no_commits_since"})


async def run_backtest(scope: BacktestScope, *, report: Path | None, as_json: bool) -> int:
    """Run a backtest, or resume the same one; `report` is a file to write a page to.

    Returns the exit code: 0, 1 if it failed or was stopped, 2 if the user can mend the cause.
    Raises `Rejected` for a repository, revision or directory that does not exist.
    """
    # A request that cannot be met is reported before a stack is started for it.
    facts = await asyncio.to_thread(inspect_repository, scope.target, base=scope.base)
    if await asyncio.to_thread(find_revision, facts.location, scope.since) is None:
        raise Rejected(
            f"{facts.name} has no revision {scope.since}.",
            hint="Give a commit, branch or tag of it, see git log --oneline.",
            code="no_revision",
        )
    if report is not None:
        await asyncio.to_thread(_check_directory, report)
    base = None if facts.detached else facts.base_branch
    fields = {**scope.model_dump(), "target": facts.location, "base": base}
    command = BacktestTarget(**fields, backtest_id=uuid7())
    with Progress(err if as_json else out) as progress:
        progress.print_line(f"{facts.name} at {facts.head[:10]} ({facts.base_branch})")
        progress.set_activity("starting the stack")
        async with connect() as client:
            backtest = await _follow(command, facts.base_branch, client, progress)
    return _show(backtest, report, as_json=as_json)


def _check_directory(report: Path) -> None:
    """Raise `Rejected` if the report's directory does not exist, before anything is run for it."""
    if not report.absolute().parent.is_dir():
        raise Rejected(f"There is no directory {report.parent}.", code="no_directory")


async def _follow(
    command: BacktestTarget, base_branch: str, client: ApiClient, progress: Progress
) -> BacktestDetails:
    """Start a backtest of a branch or resume it, show it until it ends, and return it.

    An interrupt stops the backtest.
    """
    backtest = command.backtest_id or ""
    try:
        after = 0
        if running := await _running_backtest(command, base_branch, client):
            backtest = running
            progress.print_line(f"resuming backtest {short_id(running)}, which was interrupted")
        else:
            after = (await client.start_backtest(command)).events_after
        progress.set_activity("reading the history and building environments")
        async for event in client.events(after=after):
            if isinstance(event, CommitReplayed) and event.backtest_id == backtest:
                progress.set_activity("replaying commits")
                progress.show_event(event)
            if isinstance(event, BacktestFinished) and event.backtest_id == backtest:
                break
    except asyncio.CancelledError:
        await _stop(backtest, client)
        raise
    return await client.backtest(backtest)


async def _running_backtest(
    command: BacktestTarget, base_branch: str, client: ApiClient
) -> str | None:
    """Return the id of a running backtest of the same branch, `since` and `limit`; else None.

    Only this command uses a stack of our own, so that backtest was interrupted. On any other stack
    there is none.
    """
    if not client.ours:
        return None
    wanted = (command.target, command.since, command.limit)
    # Until a backtest has begun, it has the branch as the command names it.
    branches = {base_branch, command.base or ""}
    for each in await client.backtests(MAX_RESUMABLE_BACKTESTS):
        running = each.state is BacktestState.RUNNING and each.base_branch in branches
        if running and (each.location, each.since, each.limit) == wanted:
            return each.id
    return None


async def _stop(backtest: str, client: ApiClient) -> None:
    """Stop the backtest after an interrupt; warn how to resume it, or that it was not stopped."""
    try:
        async with asyncio.timeout(STOP_TIMEOUT_SECONDS):
            await client.stop_backtest(backtest)
    except (GroundswellError, TimeoutError) as error:
        warn(f"Interrupted; the backtest could not be stopped ({error or 'no answer'}).")
        return
    warn("Interrupted: run the same command to resume; no test run is repeated.")


def _show(backtest: BacktestDetails, report: Path | None, *, as_json: bool) -> int:
    """Show a backtest that has ended, write the page `report` unless it failed or was stopped.

    Returns the exit code, as `run_backtest` does.
    """
    if as_json:
        print_data(backtest)
    failure = backtest.failure
    if failure is not None:
        fail(GroundswellError(failure.message, hint=failure.hint))
        return 2 if failure.code in USER_ERRORS else 1
    if backtest.summary is None:
        warn("The backtest was stopped; run the same command to resume it.")
        return 1
    if not as_json:
        show_backtest(backtest, out)
    if report is not None:
        report.write_text(render_markdown(backtest))
        (err if as_json else out).print(f"\nThe report is in {shown(str(report))}.")
    return 0
