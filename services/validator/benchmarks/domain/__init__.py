"""Pure rules of `benchmarks`."""
