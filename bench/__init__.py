"""Benchmarks: each file is one command, run beside the peer or the limit it names."""
