"""workflow: what is wrong with n8n workflows in a repository, and repairs of their JSON."""

from services.agents.types.workflow.spec import SPEC

__all__ = ["SPEC"]
