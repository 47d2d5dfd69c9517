"""Rolls back landed changes by validated reverts."""
