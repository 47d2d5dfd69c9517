"""Backtests over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.api import usecases
from services.api.ports import ApiDeps
from shared.contracts.answers import BacktestAsked
from shared.contracts.commands import BacktestTarget
from shared.contracts.documents.backtests import Backtest


def backtest_routes(deps: ApiDeps) -> APIRouter:
    """Routes over `deps`."""
    router = APIRouter(prefix="/backtests", tags=["backtests"])

    @router.post("", status_code=202)
    async def ask_backtest(command: BacktestTarget) -> BacktestAsked:
        return await usecases.ask_backtest(command, deps)

    @router.get("")
    async def list_backtests(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> list[Backtest]:
        return await usecases.list_backtests(limit, deps)

    @router.get("/{backtest}")
    async def show_backtest(backtest: str) -> Backtest:
        return await usecases.show_backtest(backtest, deps)

    @router.post("/{backtest}/stop", status_code=202)
    async def stop_backtest(backtest: str) -> BacktestAsked:
        return await usecases.ask_to_stop_backtest(backtest, deps)

    return router
