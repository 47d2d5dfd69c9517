"""The form of a workflow as n8n reads it, checked before any rule looks at it."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

MAX_LISTED_ERRORS = 5


class _Shape(BaseModel):
    """A part of a workflow, which may hold more than is checked."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class NodeShape(_Shape):
    """A node."""

    name: Annotated[str, Field(min_length=1)]
    type: Annotated[str, Field(min_length=1)]
    typeVersion: float = 1  # noqa: N815
    position: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    parameters: dict[str, Any] | None = None
    disabled: bool | None = None


class ConnectionShape(_Shape):
    """The end of a connection at its target."""

    node: str
    type: str = "main"
    index: Annotated[int, Field(ge=0)] = 0


# By source, by kind of connection, by output: the ends of all connections of that output.
Connections = dict[str, dict[str, list[list[ConnectionShape] | None]]]


class WorkflowShape(_Shape):
    """A workflow."""

    name: str | None = None
    nodes: list[NodeShape]
    connections: Connections
    settings: dict[str, Any] | None = None
    pinData: dict[str, Any] | None = None  # noqa: N815


def shape_errors(data: Any) -> list[str]:
    """Return in words where a value is not formed like a workflow; empty if it is one."""
    try:
        WorkflowShape.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        return [f"{_place(each['loc'])}: {each['msg']}" for each in found[:MAX_LISTED_ERRORS]]
    return []


def _place(path: tuple[str | int, ...]) -> str:
    """Return a path to a value as people write it."""
    return ".".join(map(str, path))
