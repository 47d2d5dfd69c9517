"""People read what any change of a workflow does to its graph, whoever made the change."""

import json

import pytest

from services.agents.usecases.submit import with_outline
from shared.agent_types import Proposal, describe
from shared.contracts.base import EngineName

NODES = [
    {"id": "1", "name": "Start", "type": "n8n-nodes-base.manualTrigger", "parameters": {}},
    {"id": "2", "name": "Get it", "type": "n8n-nodes-base.httpRequest", "parameters": {}},
]
END = {"node": "Get it", "type": "main", "index": 0}


def a_workflow(connections, **node):
    nodes = [NODES[0], {**NODES[1], **node}]
    return json.dumps({"name": "Flow", "nodes": nodes, "connections": connections})


BEFORE = a_workflow({})
AFTER = a_workflow({"Start": {"main": [[END]]}}, retryOnFail=True)
OUTLINE = (
    "flow.json, workflow 'Flow':\n"
    "  ~ node 'Get it': retryOnFail added (True)\n"
    "  + connection 'Start' output 0 → 'Get it' input 0"
)


def a_proposal(**fields):
    given = {"changes": {"flow.json": (BEFORE, AFTER)}, "rationale": "Because.", **fields}
    return Proposal("k", "sarif:x", EngineName.RULES, "look", **given)


@pytest.mark.parametrize("engine", [EngineName.RULES, EngineName.CLAUDE, EngineName.EXTERNAL])
def test_a_change_of_a_workflow_by_any_engine_has_its_graph(engine):
    made = with_outline(Proposal("k", "r", engine, "t", "Because.", {"flow.json": (BEFORE, AFTER)}))
    assert made.outline == OUTLINE
    assert made.rationale == f"Because.\n\n{OUTLINE}"


def test_an_outline_that_an_engine_gives_stays():
    assert with_outline(a_proposal(outline="Mine.")) == a_proposal(outline="Mine.")


def test_of_a_new_workflow_everything_is_told():
    assert describe({"flow.json": ("", AFTER)}) == (
        "flow.json, workflow 'Flow':\n"
        "  + node 'Get it' (n8n-nodes-base.httpRequest)\n"
        "  + node 'Start' (n8n-nodes-base.manualTrigger)\n"
        "  + connection 'Start' output 0 → 'Get it' input 0"
    )


@pytest.mark.parametrize(
    "changes",
    [None, {}, {"m.py": ("x = 1\n", "x = 2\n")}, {"a.json": ("{}", "[]")}, {"a.json": ("{", "{}")}],
)
def test_nothing_is_told_of_what_is_no_workflow(changes):
    assert with_outline(a_proposal(changes=changes)) == a_proposal(changes=changes)
