"""Proves that a change leaves the compiled program as it is, so that it needs no mutants."""
