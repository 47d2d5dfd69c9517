"""architecture: how the modules of a target depend on each other, and on other packages."""

from services.agents.types.architecture.spec import SPEC

__all__ = ["SPEC"]
