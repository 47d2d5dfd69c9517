"""Runs test commands in the sandbox and parses the formats of their reports."""
