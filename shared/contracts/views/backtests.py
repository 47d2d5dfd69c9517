"""What clients are shown of backtests."""

from datetime import datetime

from shared.contracts.base import (
    Id,
    Oid,
    Value,
)
from shared.contracts.documents.backtests import BacktestSummary, ReplayResult
from shared.contracts.documents.base import Failure
from shared.contracts.states import (
    BacktestState,
)


class BacktestView(Value):
    """A backtest as it appears in a list; `done` of `total` commits have been replayed."""

    id: Id
    name: str
    location: str
    base_branch: str
    since: str
    limit: int
    state: BacktestState
    done: int
    total: int | None
    created_at: datetime
    finished_at: datetime | None


class BacktestDetails(BacktestView):
    """A backtest with every replayed commit, and its summary once it is complete."""

    since_commit: Oid | None
    head: Oid | None
    replayed: tuple[ReplayResult, ...]
    summary: BacktestSummary | None
    sandbox: str
    failure: Failure | None
