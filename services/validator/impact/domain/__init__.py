"""Pure rules of `impact`."""
