"""Adapters of `git`."""
