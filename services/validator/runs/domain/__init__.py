"""Pure rules of `runs`."""
