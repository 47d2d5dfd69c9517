"""security: weaknesses that attackers use, and fixes of them that honest input does not notice."""

from services.agents.types.security.spec import SPEC

__all__ = ["SPEC"]
