"""Use cases of `runs`."""
