"""Findings of functions that are hard to follow, by complexipy, which only parses."""

from shared.detectors.complexipy.detector import ComplexityDetector

__all__ = ["ComplexityDetector"]
