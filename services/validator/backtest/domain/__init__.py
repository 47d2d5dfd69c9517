"""Pure rules of `backtest`."""
