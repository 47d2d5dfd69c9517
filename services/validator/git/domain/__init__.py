"""Pure rules of `git`."""
