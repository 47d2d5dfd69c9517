"""Use cases of `backtest`."""
