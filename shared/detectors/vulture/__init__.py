"""Findings of dead code by vulture, confirmed by every word of the repository."""

from shared.detectors.vulture.detector import DeadCodeDetector

__all__ = ["DeadCodeDetector"]
