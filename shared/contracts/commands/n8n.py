"""What automation tools such as n8n send: flat bodies, with numbers and lists also as text."""

import json
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from shared.contracts.base import ALL, AgentTypeName, Value
from shared.contracts.commands.base import Reason

CALLBACK_LIMIT = timedelta(hours=24)


def _listed(value: Any) -> Any:
    """Return the parts of a text that is a list in JSON or separated by commas."""
    if not isinstance(value, str):
        return value
    try:
        read = json.loads(value)
    except ValueError:
        read = None
    return read if isinstance(read, list) else [each.strip() for each in value.split(",")]


Names = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(max_length=200)]


class CallbackRequest(Value):
    """Where the result is to be told, and for how many seconds that may be tried.

    `callback_url` is called by POST exactly as it is written: the resume URL of a Wait node has a
    signature. `execution_id` makes the request idempotent: the same one again starts nothing.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    callback_url: str | None = Field(
        default=None, max_length=2048, examples=["http://n8n:5678/webhook-waiting/12?signature=a"]
    )
    callback_until: int = Field(default=int(CALLBACK_LIMIT.total_seconds()), ge=1, le=86400)
    execution_id: str | None = Field(default=None, max_length=200, examples=["12"])


class DeployAgents(CallbackRequest):
    """Deploy the agents of a wave on a target: a path, a URL or an id."""

    target: str | None = Field(default=None, max_length=4096, examples=["/srv/shop"])
    base: str | None = Field(default=None, max_length=255)
    size: Literal["small", "large"] = "small"
    focus: AgentTypeName = ALL
    components: Names = ()
    dry_run: bool = False


class StopAgents(Value):
    """Stop the agents of a wave: no more of its tasks start, and no more of its changes land."""

    wave_id: str = Field(max_length=36)
    reason: Reason = "stopped by an automation"


class ValidateEnhancement(CallbackRequest):
    """Tell what became of a change; `land` approves it first, and `rollback` takes it off again."""

    enhancement_id: str = Field(max_length=36)
    action: Literal["none", "land", "rollback"] = "none"
    reason: Reason = ""
    by: str = Field(default="", max_length=200)
    dependents: bool = False
