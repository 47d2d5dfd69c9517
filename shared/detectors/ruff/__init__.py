"""Findings and fixes by ruff, which parses a target's sources and never runs them."""

from shared.detectors.ruff.detector import RuffDetector, RuleChoice
from shared.detectors.ruff.security import RuffSecurityDetector

__all__ = ["RuffDetector", "RuffSecurityDetector", "RuleChoice"]
