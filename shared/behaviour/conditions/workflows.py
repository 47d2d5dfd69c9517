"""Edits of n8n workflows that leave what they do as it is, in executions that a trigger starts.

Each condition is asked about a whole workflow before and after, and returns an `Answer`: None if
the edit is of another kind, an empty text if the condition holds, else the reason why that cannot
be shown. It does to the old version what it permits, where the new one has that, and compares.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from shared.behaviour.condition import HOLDS, Answer, WorkflowEdit, workflow_condition

# Connections of the main kind carry items; others join the parts of a node.
MAIN = "main"
ITEM_LISTS, FIRST_OF_ITS_KIND = "n8n-nodes-base.itemLists", 3
OPERATIONS: Mapping[str, tuple[str, frozenset[str]]] = {
    "limit": ("n8n-nodes-base.limit", frozenset({"maxItems", "keep"})),
    "sort": ("n8n-nodes-base.sort", frozenset({"type", "sortFieldsUi", "options"})),
}
CheckNode = Callable[[Mapping[str, Any], Mapping[str, Any]], Answer]
SORTED_BY_DATA = frozenset({None, "simple", "random"})


def _same(one: Any, other: Any) -> bool:
    """Return whether two values of JSON are the same; numbers and booleans are told apart."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _without(edit: WorkflowEdit, key: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return both versions without one key."""
    old, new = ({k: v for k, v in e.items() if k != key} for e in (edit.before, edit.after))
    return old, new


@workflow_condition("only data that is pinned for manual runs goes")
def pinned_data(edit: WorkflowEdit) -> Answer:
    """n8n takes pinned data in place of a node's output in manual runs, and in no others.

    An execution that a trigger, a webhook or another workflow starts is given none. So only what
    people see as they try the workflow in the editor differs.
    """
    if edit.after.get("pinData") or not edit.before.get("pinData"):
        return None
    return HOLDS if _same(*_without(edit, "pinData")) else None


@workflow_condition("the connections are of no node, and their targets wait for nothing else")
def missing_source(edit: WorkflowEdit) -> Answer:
    """A node that does not exist never runs, so that nothing ever comes over its connections.

    What they can change is for how many inputs a target waits: n8n counts the inputs that have a
    connection. So each target has another connection, and all its connections lead to one input.
    """
    old, new = edit.before.get("connections"), edit.after.get("connections")
    if not isinstance(old, dict) or not isinstance(new, dict):
        return None
    gone = old.keys() - new.keys()
    if not gone or not _same(*_without(edit, "connections")):
        return None
    if not _same({k: v for k, v in old.items() if k not in gone}, new):
        return None
    nodes = edit.before.get("nodes")
    names = {each.get("name") for each in nodes if isinstance(each, dict)} if nodes else set()
    if gone & names:
        return "a node whose connections go does exist"
    return _waiting_reason(old, new, gone, names)


def _waiting_reason(
    old: Mapping[str, Any], new: Mapping[str, Any], gone: set[str], names: set[Any]
) -> str:
    """Return why a target may wait for other inputs afterwards; `HOLDS` if none does."""
    before, after = list(_ends(old)), list(_ends(new))
    for source, kind, target, _ in before:
        if source not in gone or target not in names:
            continue
        inputs = {index for _, _, other, index in before if other == target}
        left = {index for _, _, other, index in after if other == target}
        if kind != MAIN or inputs != {0} or left != {0}:
            return f"{target!r} may wait for other inputs then"
    return HOLDS


def _ends(connections: Mapping[str, Any]) -> Iterator[tuple[str, str, str, int]]:
    """Yield source, kind, target and input of all connections that are written as they should."""
    for source, kinds in connections.items():
        for kind, outputs in kinds.items() if isinstance(kinds, dict) else ():
            for ends in outputs if isinstance(outputs, list) else ():
                for each in ends or ():
                    if isinstance(each, dict):
                        yield source, kind, str(each.get("node")), int(each.get("index") or 0)


@workflow_condition("`onError` says what `continueOnFail` said")
def on_error(edit: WorkflowEdit) -> Answer:
    """n8n goes on after an error if `continueOnFail` is true or `onError` says so.

    Where `onError` is missing it asks for `continueOnFail`, whose true is `continueRegularOutput`;
    without either, the execution stops, as it does where `continueOnFail` is false.
    """
    return _changed_nodes(edit, _on_error)


def _on_error(old: Mapping[str, Any], new: Mapping[str, Any]) -> Answer:
    """Return whether a node says by `onError` what it said by `continueOnFail`."""
    if "continueOnFail" not in old or "continueOnFail" in new or "onError" in old:
        return None
    expected = {k: v for k, v in old.items() if k != "continueOnFail"}
    if old["continueOnFail"] is True:
        expected["onError"] = "continueRegularOutput"
    elif old["continueOnFail"] is not False:
        return "`continueOnFail` is neither true nor false"
    return HOLDS if _same(expected, new) else None


@workflow_condition("the node has the same operation with the same parameters")
def same_operation(edit: WorkflowEdit) -> Answer:
    """Limit and Sort are the operations of Item Lists as nodes of their own.

    n8n made them of version 3 of it, with the same parameters, defaults and steps (compared in
    n8n-nodes-base 2.41): Limit, and Sort by fields or at random. Sorting by code is handed other
    things. No expression of the node may ask for its parameters, as some are gone.
    """
    return _changed_nodes(edit, _same_operation)


def _same_operation(old: Mapping[str, Any], new: Mapping[str, Any]) -> Answer:
    """Return whether a node became that of its operation, and nothing else."""
    parameters, others = old.get("parameters"), new.get("parameters")
    if old.get("type") != ITEM_LISTS or not isinstance(parameters, dict):
        return None
    kind, known = OPERATIONS.get(str(parameters.get("operation")), ("", frozenset[str]()))
    version = old.get("typeVersion", 1)
    if not kind or not isinstance(version, int | float) or version < FIRST_OF_ITS_KIND:
        return "the operation is not known to be the same"
    own = {k: v for k, v in parameters.items() if k not in {"resource", "operation"}}
    if parameters.get("resource", "itemList") != "itemList" or own.keys() - known:
        return "it has parameters that the new node does not have"
    if own.get("type") not in SORTED_BY_DATA or "$parameter" in json.dumps(own):
        return "it sorts by code, or reads its own parameters"
    expected = {**deepcopy(dict(old)), "type": kind, "typeVersion": 1, "parameters": own}
    return HOLDS if _same(expected, new) and _same(own, others) else None


def _changed_nodes(edit: WorkflowEdit, check: CheckNode) -> Answer:
    """Return whether each node that differs meets a check, and nothing but nodes differs."""
    old, new = edit.before.get("nodes"), edit.after.get("nodes")
    if not isinstance(old, list) or not isinstance(new, list) or len(old) != len(new):
        return None
    if not _same(*_without(edit, "nodes")):
        return None
    pairs = zip(old, new, strict=True)
    answers = [check(*pair) for pair in pairs if not _same(*pair)]
    return next((each for each in answers if each != HOLDS), HOLDS) if answers else None
