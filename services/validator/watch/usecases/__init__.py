"""Use cases of watching landed changes."""
