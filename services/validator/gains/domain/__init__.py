"""Pure rules of `gains`."""
