"""performance: rewrites that make Python faster, and advice on what is slow."""

from services.agents.types.performance.spec import SPEC

__all__ = ["SPEC"]
