"""Checks an edit of an n8n workflow: every difference must be one that a condition is about."""

import json
from collections.abc import Sequence
from typing import Any

from shared.behaviour.check import NO_FORM, BehaviourCheck, OpenPlace
from shared.behaviour.condition import CONDITIONS, HOLDS, Answer, WorkflowEdit
from shared.detectors.n8n.json_text import JsonError, parse_json
from shared.targets.languages import is_workflow


def check_workflow(before: str, after: str, unless: Sequence[str]) -> BehaviourCheck:
    """Check an edit of a file of workflows against the conditions named in `unless`.

    A file that is no workflow, or none any more, is one open place.
    """
    shown: set[str] = set()
    places: list[OpenPlace] = []
    whole = (1, before.count("\n") + 1)
    try:
        old, new = _workflows(before), _workflows(after)
    except (JsonError, RecursionError) as error:
        return BehaviourCheck(open=(OpenPlace(*whole, f"it cannot be read: {error}"),))
    if len(old) != len(new):
        return BehaviourCheck(open=(OpenPlace(*whole, "it has more or fewer workflows"),))
    for edit in map(WorkflowEdit, old, new):
        name, answer = _answer(edit, unless)
        if answer == HOLDS:
            shown |= {name} if name else set()
        else:
            places.append(OpenPlace(*whole, answer or NO_FORM))
    return BehaviourCheck(frozenset(shown), tuple(places))


def _workflows(text: str) -> list[dict[str, Any]]:
    """Return the workflows of a file. Raises `JsonError` where it is none."""
    if not is_workflow(text.encode()):
        raise JsonError("it is no workflow")
    data = parse_json(text).data
    return data if isinstance(data, list) else [data]


def _answer(edit: WorkflowEdit, unless: Sequence[str]) -> tuple[str, Answer]:
    """Return the first condition that holds, with its answer, else the reasons why none does.

    The name is empty where both versions say the same.
    """
    if same_json(edit.before, edit.after):
        return "", HOLDS
    reasons = []
    for name in unless:
        check = CONDITIONS[name].workflow
        answer = check(edit) if check else None
        if answer == HOLDS:
            return name, HOLDS
        if answer:
            reasons.append(answer)
    return "", ", and ".join(reasons) or None


def same_json(one: Any, other: Any) -> bool:
    """Return whether two values of JSON are the same; numbers and booleans are told apart."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
