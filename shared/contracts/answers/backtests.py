"""Answers to requests about backtests."""

from shared.contracts.base import Id, Value


class BacktestAccepted(Value):
    """A backtest, or its end, is requested; it ends with a `BacktestFinished` of its id."""

    backtest_id: Id
    events_after: int
