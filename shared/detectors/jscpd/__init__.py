"""Findings of duplicated code by jscpd, which reads a scratch copy."""

from shared.detectors.jscpd.detector import DuplicatesDetector, find_jscpd

__all__ = ["DuplicatesDetector", "find_jscpd"]
