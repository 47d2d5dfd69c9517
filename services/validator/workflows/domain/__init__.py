"""Pure rules of `workflows`."""
