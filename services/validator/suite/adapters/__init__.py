"""Adapters of `suite`."""
