"""Adapters of `workflows`."""
