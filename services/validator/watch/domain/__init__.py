"""Pure rules of `watch`."""
