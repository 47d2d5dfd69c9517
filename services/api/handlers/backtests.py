"""RPC endpoints about backtests."""

from typing import Any

from services.api import usecases
from services.api.ports import ApiDeps
from shared.contracts.answers import BacktestAccepted
from shared.contracts.commands import BacktestTarget
from shared.messaging.rpc import Endpoint


def answers(deps: ApiDeps) -> tuple[Endpoint[Any, Any], ...]:
    """Return the RPC endpoints about backtests."""
    return (Endpoint(BacktestTarget, BacktestAccepted, lambda q: usecases.start_backtest(q, deps)),)
