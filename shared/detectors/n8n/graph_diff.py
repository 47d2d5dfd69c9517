"""The difference between two versions of a workflow as people see it: nodes and connections.

Values of parameters are not told, as they may be secrets.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from shared.detectors.n8n.workflow import NotReadable, Workflow, read_workflows

# The settings of nodes and workflows whose values are told.
TOLD = frozenset(
    {"name", "type", "typeVersion", "disabled", "retryOnFail", "onError", "continueOnFail"}
)
Changes = Mapping[str, tuple[str, str]]


def graph_changes(changes: Changes) -> str:
    """Return what changes (texts before and after, by path) do to the graphs of workflows."""
    lines: list[str] = []
    for path, (before, after) in sorted(changes.items()):
        if not path.endswith(".json"):
            continue
        try:
            new_ones = read_workflows(after)
            old_ones = read_workflows(before) if before else [None] * len(new_ones)
            pairs = list(zip(old_ones, new_ones, strict=True))
        except (NotReadable, ValueError):
            continue
        for old, new in pairs:
            found = list(_workflow_changes(old, new))
            if found:
                lines += [f"{path}, workflow {new.name!r}:", *(f"  {each}" for each in found)]
    return "\n".join(lines)


def _workflow_changes(old: Workflow | None, new: Workflow) -> Iterator[str]:
    """Yield a line for each node, connection and setting that differs; all of them if it is new."""
    before, after = (
        {e.name: e.json.data for e in flow.all_nodes} if flow else {} for flow in (old, new)
    )
    for name in sorted(before.keys() - after.keys()):
        yield f"- node {name!r}"
    for name in sorted(after.keys() - before.keys()):
        yield f"+ node {name!r} ({after[name]['type']})"
    for name in before:
        if name in after and before[name] != after[name]:
            yield f"~ node {name!r}: {', '.join(_differences(before[name], after[name]))}"
    edges = [{_edge(each) for each in flow.connections} if flow else set() for flow in (old, new)]
    for sign, some in (("-", edges[0] - edges[1]), ("+", edges[1] - edges[0])):
        yield from (f"{sign} connection {each}" for each in sorted(some))
    if old is not None:
        yield from (f"~ workflow: {each}" for each in _differences(_rest(old), _rest(new)))


def _rest(flow: Workflow) -> dict[str, Any]:
    """Return what a workflow has besides nodes and connections."""
    return {k: v for k, v in flow.json.data.items() if k not in {"nodes", "connections"}}


def _edge(connection: Any) -> str:
    """Return a connection in words."""
    kind = "" if connection.kind == "main" else f" ({connection.kind})"
    return (
        f"{connection.source!r} output {connection.output} → "
        f"{connection.target!r} input {connection.input}{kind}"
    )


def _differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Yield in words where two values differ, with the values where those may be told."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(each for each in after if each not in before)]:
            place = f"{path}.{key}" if path else key
            if key not in after:
                yield f"{place} removed"
            elif key not in before:
                yield f"{place} added{_told(place, '', after[key])}"
            elif before[key] != after[key]:
                yield from _differences(before[key], after[key], place)
    elif before != after:
        yield f"{path} changed{_told(path, before, after)}"


def _told(place: str, before: Any, after: Any) -> str:
    """Return the values of a setting, if they may be told; else an empty text."""
    if place not in TOLD:
        return ""
    return f" ({before} → {after})" if before != "" else f" ({after})"
