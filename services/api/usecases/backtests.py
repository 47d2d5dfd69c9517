"""Backtests: asked for, shown, and stopped."""

from services.api.ports import ApiDeps
from services.api.usecases.find import by_id
from services.api.usecases.sending import send
from shared.contracts.answers import BacktestAsked
from shared.contracts.commands import BacktestTarget, StopBacktest
from shared.contracts.documents.backtests import Backtest


async def ask_backtest(command: BacktestTarget, deps: ApiDeps) -> BacktestAsked:
    """Ask for a backtest, durably. With a `backtest_id` it can be asked again after a broken connection."""
    asked = command.model_copy(update={"backtest_id": command.backtest_id or deps.new_id()})
    return await _send(asked, asked.backtest_id or "", deps)


async def ask_to_stop_backtest(typed: str, deps: ApiDeps) -> BacktestAsked:
    """Ask for a backtest to be left as it is."""
    backtest = await show_backtest(typed, deps)
    return await _send(StopBacktest(backtest_id=backtest.id), backtest.id, deps)


async def list_backtests(limit: int, deps: ApiDeps) -> list[Backtest]:
    """The newest backtests."""
    return await deps.store.backtests.find(sort="-_id", limit=limit)


async def show_backtest(typed: str, deps: ApiDeps) -> Backtest:
    """A backtest, as far as it is."""
    return await by_id(deps.store.backtests, typed, "backtest")


async def _send(
    command: BacktestTarget | StopBacktest, backtest: str, deps: ApiDeps
) -> BacktestAsked:
    """Write it down and send it; the event sequence before it."""
    after = await send(command, deps, key=f"{backtest}:{command.subject}")
    return BacktestAsked(backtest_id=backtest, events_after=after)
