"""Starting, stopping and showing backtests."""

from services.api.domain.views import backtest_details, backtest_view
from services.api.ports import ApiDeps
from services.api.usecases.commands import record_and_publish
from services.api.usecases.find import find_by_id, find_page
from services.api.usecases.targets import permitted_target
from shared.contracts.answers import BacktestAccepted
from shared.contracts.commands import BacktestTarget, StopBacktest
from shared.contracts.views import BacktestDetails, BacktestView, Page


async def start_backtest(command: BacktestTarget, deps: ApiDeps) -> BacktestAccepted:
    """Request a backtest; a repeated request with the same `backtest_id` starts nothing new."""
    backtest_id = command.backtest_id or deps.new_id()
    target = await permitted_target(command.target, command.base, deps)
    named = command.model_copy(update={"backtest_id": backtest_id, "target": target})
    return await _publish(named, backtest_id, deps)


async def stop_backtest(typed: str, deps: ApiDeps) -> BacktestAccepted:
    """Request that a backtest stops; what it has run is kept."""
    backtest = await find_by_id(deps.store.backtests, typed, "backtest")
    return await _publish(StopBacktest(backtest_id=backtest.id), backtest.id, deps)


async def list_backtests(limit: int, after: str, deps: ApiDeps) -> Page[BacktestView]:
    """Return a page of backtests, newest first."""
    return await find_page(deps.store.backtests, backtest_view, limit, after)


async def get_backtest(typed: str, deps: ApiDeps) -> BacktestDetails:
    """Return a backtest with what it has found so far."""
    return backtest_details(await find_by_id(deps.store.backtests, typed, "backtest"))


async def _publish(
    command: BacktestTarget | StopBacktest, backtest_id: str, deps: ApiDeps
) -> BacktestAccepted:
    """Record and publish a command about a backtest, and return the answer to the client."""
    after = await record_and_publish(command, deps, key=f"{backtest_id}:{command.subject}")
    return BacktestAccepted(backtest_id=backtest_id, events_after=after)
