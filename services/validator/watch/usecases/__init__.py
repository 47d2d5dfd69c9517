"""Use cases of `watch`."""
