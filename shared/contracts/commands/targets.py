"""Commands about targets: their full test run, and backtests."""

from typing import ClassVar

from pydantic import Field

from shared.contracts.base import (
    Id,
    Message,
    Oid,
    Value,
)


class RunBaseline(Message):
    """Have the validator build the environment and run the full suite on `commit`."""

    subject: ClassVar[str] = "gs.cmd.baseline.run"
    target_id: Id
    wave_id: Id
    commit: Oid


class BacktestScope(Value):
    """The commits to replay: the newest `limit` since a revision of a repository (path or URL).

    `base` is the branch whose history it is, by default the one that is checked out.
    """

    target: str = Field(min_length=1, max_length=4096)
    base: str | None = Field(default=None, max_length=255)
    since: str = Field(min_length=1, max_length=255)
    limit: int = Field(default=200, ge=1, le=1000)


class BacktestTarget(BacktestScope, Message):
    """Replay the history of a target through the gate; nothing lands.

    The same `backtest_id` again is the same backtest.
    """

    subject: ClassVar[str] = "gs.cmd.target.backtest"
    backtest_id: Id | None = None


class StopBacktest(Message):
    """Stop a backtest. What it has measured is kept and never measured again."""

    subject: ClassVar[str] = "gs.cmd.target.stop_backtest"
    backtest_id: Id
