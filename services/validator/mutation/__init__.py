"""Puts mutants into the lines a change touches and measures whether the tests kill them."""
