"""Starts the stack on one machine, and describes it for others."""
