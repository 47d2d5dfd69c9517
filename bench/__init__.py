"""Benchmarks: each is one command that compares Groundswell with a peer or a fixed limit."""
