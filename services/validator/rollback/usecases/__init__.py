"""Use cases of rolling back landed changes."""
