"""Use cases of backtests."""
