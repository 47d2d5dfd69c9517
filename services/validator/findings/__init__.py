"""Measures findings again, to check that a change fixes what it claims and adds nothing as bad."""
