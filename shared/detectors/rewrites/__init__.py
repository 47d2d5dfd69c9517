"""Findings by rules of our own over Python files, which are parsed and never run."""

from shared.detectors.rewrites.detector import RewritesDetector
from shared.detectors.rewrites.rule import Match, Rule, identified_matches

__all__ = ["Match", "RewritesDetector", "Rule", "identified_matches"]
