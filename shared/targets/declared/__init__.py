"""Readers of what a Python target declares to need, one per kind of file; they run none of it."""
