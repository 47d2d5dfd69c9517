"""The fixers, in the order in which they are applied."""

from services.agents.types.workflow.fixers import (
    error_workflow,
    http_retry,
    http_timeout,
    missing_source,
    missing_target,
    on_error,
    pinned_data,
    replaced_nodes,
)

FIXERS = (
    missing_target.FIXER,
    missing_source.FIXER,
    *replaced_nodes.FIXERS,
    on_error.FIXER,
    http_retry.FIXER,
    http_timeout.FIXER,
    error_workflow.FIXER,
    pinned_data.FIXER,
)
