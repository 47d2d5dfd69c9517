"""Detectors: one class per tool that measures findings, used by the agents and by the gate."""
