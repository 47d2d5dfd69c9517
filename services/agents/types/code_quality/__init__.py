"""code_quality: what linters find in a target, and fixes of it that keep behaviour."""

from services.agents.types.code_quality.spec import SPEC

__all__ = ["SPEC"]
