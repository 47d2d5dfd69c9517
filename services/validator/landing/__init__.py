"""Lands tested changes: moves the landing branch to a tested tree, exactly once."""
