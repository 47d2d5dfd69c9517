"""The rules, one module for each kind of problem."""

from shared.detectors.n8n.rules import (
    performance,
    reliability,
    retired,
    security,
    structure,
    tidiness,
)

__all__ = ["performance", "reliability", "retired", "security", "structure", "tidiness"]
