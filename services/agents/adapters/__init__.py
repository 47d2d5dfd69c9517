"""Commands of a target, run in the sandbox."""
