"""Patches, commits and the landing branch, in the private mirror of a target."""
