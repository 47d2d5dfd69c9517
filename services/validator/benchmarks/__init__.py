"""Compares a target's benchmarks on a candidate with those on its head."""
