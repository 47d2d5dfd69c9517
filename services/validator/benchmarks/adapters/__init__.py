"""Adapters of the benchmarks capability: running benchmarks and reading their formats."""
