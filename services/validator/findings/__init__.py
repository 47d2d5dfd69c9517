"""Runs the agents' detectors again, to see whether a change fixes what it claims."""
