"""Routes under /backtests."""

from fastapi import APIRouter, Response

from services.api import usecases
from services.api.routes.access import Reading, Running
from services.api.routes.locations import locate
from services.api.routes.paging import After, Limit
from shared.contracts.answers import BacktestAccepted
from shared.contracts.commands import BacktestTarget
from shared.contracts.views import BacktestDetails, BacktestView, Page


def backtest_routes() -> APIRouter:
    """Return the routes under /backtests."""
    router = APIRouter(prefix="/backtests", tags=["backtests"])

    @router.post("", status_code=202)
    async def start_backtest(
        deps: Running, command: BacktestTarget, response: Response
    ) -> BacktestAccepted:
        """Start a backtest: replay a repository's history through the gate; nothing lands."""
        accepted = await usecases.start_backtest(command, deps)
        locate(response, f"/backtests/{accepted.backtest_id}")
        return accepted

    @router.get("")
    async def list_backtests(
        deps: Reading, limit: Limit = 20, after: After = None
    ) -> Page[BacktestView]:
        """Return a page of backtests, newest first."""
        return await usecases.list_backtests(limit, after or "", deps)

    @router.get("/{backtest}")
    async def get_backtest(deps: Reading, backtest: str) -> BacktestDetails:
        """Return a backtest with what it has found so far."""
        return await usecases.get_backtest(backtest, deps)

    @router.post("/{backtest}/stop", status_code=202)
    async def stop_backtest(deps: Running, backtest: str) -> BacktestAccepted:
        """Stop a backtest; what it has run is kept."""
        return await usecases.stop_backtest(backtest, deps)

    return router
