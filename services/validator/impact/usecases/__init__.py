"""Use cases of `impact`."""
