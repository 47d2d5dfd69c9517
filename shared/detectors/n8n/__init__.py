"""Findings in workflows of n8n, from their JSON alone."""

from shared.detectors.n8n.detector import FoundProblem, WorkflowDetector, WorkflowRules
from shared.detectors.n8n.problem import RULES, TOOL, Subject, WorkflowOptions, WorkflowProblem

__all__ = [
    "RULES",
    "TOOL",
    "FoundProblem",
    "Subject",
    "WorkflowDetector",
    "WorkflowOptions",
    "WorkflowProblem",
    "WorkflowRules",
]
