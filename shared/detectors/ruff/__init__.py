"""Findings and fixes by ruff, which parses a target's sources and never runs them."""

from shared.detectors.ruff.detector import RuffDetector
from shared.detectors.ruff.security import RuffSecurityDetector
from shared.detectors.rule_choice import RuleChoice

__all__ = ["RuffDetector", "RuffSecurityDetector", "RuleChoice"]
