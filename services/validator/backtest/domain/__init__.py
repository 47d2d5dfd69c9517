"""Pure rules of backtests."""
