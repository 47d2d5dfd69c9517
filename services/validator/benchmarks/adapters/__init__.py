"""Adapters of `benchmarks`."""
