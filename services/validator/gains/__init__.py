"""Measures whether a change makes the functions that it touches faster."""
