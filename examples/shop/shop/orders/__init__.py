"""Orders and the states they go through."""
