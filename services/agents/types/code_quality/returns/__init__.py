"""Functions without a return annotation, where the code shows what they return."""

from services.agents.types.code_quality.returns.detector import CODE, ReturnsDetector
from services.agents.types.code_quality.returns.fixer import returns_fixer

__all__ = ["CODE", "ReturnsDetector", "returns_fixer"]
