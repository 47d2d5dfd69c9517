"""Runs a target's own tests in the sandbox and reads their reports."""
