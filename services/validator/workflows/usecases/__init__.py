"""Use cases of `workflows`."""
