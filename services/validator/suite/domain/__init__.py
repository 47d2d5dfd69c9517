"""Pure rules of `suite`."""
