"""Moves the landing branch to a tested tree, exactly once."""
