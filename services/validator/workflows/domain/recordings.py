"""What nodes returned in executions, and in which nodes two recordings differ."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from services.validator.workflows.domain.live import WorkflowExecution

# What is compared of binary data; where it is stored differs each time.
BINARY_KEYS = ("mimeType", "fileName", "fileExtension", "fileSize")
# What each node returned after each trigger, as canonical texts.
Recording = Mapping[tuple[str, str], str]


def read_recording(executions: Mapping[str, WorkflowExecution]) -> Recording:
    """Return the recording of one execution for each trigger, by the trigger's name."""
    return {
        (trigger, node): json.dumps([_run(each) for each in runs], sort_keys=True)
        for trigger, execution in executions.items()
        for node, runs in execution.runs.items()
    }


def differing_nodes(
    old: Recording, new: Recording, nodes: Iterable[str], triggers: Iterable[str]
) -> tuple[str, ...]:
    """Return those of the nodes that one of the triggers made return something else, in order."""
    chosen = list(triggers)
    return tuple(
        name
        for name in nodes
        if any(old.get((each, name)) != new.get((each, name)) for each in chosen)
    )


def recorded_nodes(recording: Recording) -> frozenset[str]:
    """Return the names of the nodes that ran."""
    return frozenset(node for _, node in recording)


def _run(run: Any) -> dict[str, Any]:
    """Return what counts of one run of a node: its items by output, and its error."""
    data = run if isinstance(run, dict) else {}
    main = data.get("data") or {}
    outputs = main.get("main") if isinstance(main, dict) else None
    items = [_items(each) for each in outputs or ()]
    while items and not items[-1]:
        items.pop()
    error = data.get("error")
    return {"outputs": items, "error": _error(error) if error else ""}


def _items(items: Any) -> list[Any]:
    """Return the items of one output without what links them to others."""
    return [
        {"json": each.get("json"), "binary": _binary(each.get("binary"))}
        for each in items or ()
        if isinstance(each, dict)
    ]


def _binary(binary: Any) -> dict[str, Any]:
    """Return what is compared of the binary data of an item."""
    found = binary if isinstance(binary, dict) else {}
    return {
        name: {key: each.get(key) for key in BINARY_KEYS}
        for name, each in found.items()
        if isinstance(each, dict)
    }


def _error(error: Any) -> str:
    """Return what an error of a node says."""
    return str(error.get("message", "")) if isinstance(error, dict) else str(error)
