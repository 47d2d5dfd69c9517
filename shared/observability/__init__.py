"""Logs as named events."""
