"""Adapters of `runs`."""
