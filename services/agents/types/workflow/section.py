"""`[agents.workflow]` of a target's groundswell.toml."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.detectors.n8n import RULES, WorkflowOptions, WorkflowRules
from shared.detectors.ports import Source
from shared.kernel.errors import Rejected

NAME = "workflow"
SECTION = f"agents.{NAME}"


class WorkflowSection(BaseModel):
    """Which rules are looked for in workflows, and what their fixes set.

    `select` and `ignore` are codes of rules: only these (empty: all), and none of those.
    `error_workflow` is the id of the workflow to set where none is told of failures, `timeout_ms`
    the time-out of requests that have none, and a schedule of at most `poll_minutes` is polling.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    error_workflow: str = ""
    timeout_ms: Annotated[int, Field(ge=1000)] = 60_000
    poll_minutes: Annotated[int, Field(ge=0)] = 15


def rule_choice(source: Source) -> WorkflowRules:
    """Return which rules a target wants, with its options. Raises `Rejected` for unknown ones."""
    found = source.profile.config.agent_section(NAME, WorkflowSection)
    for each in (*found.select, *found.ignore):
        if each not in RULES:
            raise Rejected(
                f"groundswell.toml: {SECTION}: {each} names no rule of ours.",
                hint=f"Ours: {', '.join(sorted(RULES))}.",
                code="unknown_rule",
            )
    options = WorkflowOptions(found.error_workflow, found.timeout_ms, found.poll_minutes)
    return WorkflowRules(found.select, found.ignore, options)
