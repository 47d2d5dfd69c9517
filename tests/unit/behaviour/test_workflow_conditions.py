"""Conditions on n8n workflows: edits under which each holds, and edits that must not pass."""

import json
from copy import deepcopy

import pytest

from shared.behaviour.condition import CONDITIONS
from shared.behaviour.declarations import FixBehaviour
from shared.behaviour.evidence_of_change import check_file
from shared.behaviour.workflow_check import check_workflow

LIMIT = {"operation": "limit", "maxItems": 5}
FLOW = {
    "name": "Orders",
    "nodes": [
        {"name": "A", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "parameters": {}},
        {
            "name": "B",
            "type": "n8n-nodes-base.itemLists",
            "typeVersion": 3,
            "parameters": LIMIT,
            "continueOnFail": True,
        },
    ],
    "connections": {
        "A": {"main": [[{"node": "B", "type": "main", "index": 0}]]},
        "Gone": {"main": [[{"node": "B", "type": "main", "index": 0}]]},
    },
    "pinData": {"A": [{"json": {"x": 1}}]},
    "settings": {},
}
ON_WORKFLOWS = {name for name, each in CONDITIONS.items() if each.workflow}


def edited(edit, flow=FLOW):
    changed = deepcopy(flow)
    edit(changed)
    return changed


def no_pins(flow):
    flow["pinData"] = {}


def no_pins_at_all(flow):
    del flow["pinData"]


def no_source(flow):
    del flow["connections"]["Gone"]


def by_on_error(flow):
    del flow["nodes"][1]["continueOnFail"]
    flow["nodes"][1]["onError"] = "continueRegularOutput"


def as_limit(flow):
    flow["nodes"][1] |= {
        "type": "n8n-nodes-base.limit",
        "typeVersion": 1,
        "parameters": {"maxItems": 5},
    }


HOLDS = [
    ("workflows.pinned-data", no_pins),
    ("workflows.pinned-data", no_pins_at_all),
    ("workflows.missing-source", no_source),
    ("workflows.on-error", by_on_error),
    ("workflows.same-operation", as_limit),
]


def check(before, after, *unless):
    return check_workflow(json.dumps(before), json.dumps(after, indent=2), unless)


@pytest.mark.parametrize(("name", "edit"), HOLDS)
def test_a_condition_holds_for_its_edit_and_for_no_other(name, edit):
    found = check(FLOW, edited(edit), name)
    assert found.keeps_behaviour, found
    assert found.shown == {name}
    for other in ON_WORKFLOWS - {name}:
        assert not check(FLOW, edited(edit), other).keeps_behaviour


def test_every_condition_is_tried():
    assert {name for name, _ in HOLDS} == ON_WORKFLOWS == {name for name, *_ in HOSTILE}


def and_more(edit, more):
    def both(flow):
        edit(flow)
        more(flow)

    return both


def another_url(flow):
    flow["nodes"][1]["parameters"]["url"] = "https://evil.example"


def another_setting(flow):
    flow["settings"]["timezone"] = "UTC"


def another_connection(flow):
    flow["connections"]["A"]["main"][0].append({"node": "A", "type": "main", "index": 0})


def another_node(flow):
    flow["nodes"].append(deepcopy(flow["nodes"][0]) | {"name": "C"})


def disabled(flow):
    flow["nodes"][0]["disabled"] = True


def pins_changed(flow):
    flow["pinData"]["A"] = [{"json": {"x": 2}}]


def real_source_removed(flow):
    del flow["connections"]["A"]


def both_sources_removed(flow):
    flow["connections"] = {}


def stops_on_error(flow):
    flow["nodes"][1]["continueOnFail"] = False


def to_error_output(flow):
    del flow["nodes"][1]["continueOnFail"]
    flow["nodes"][1]["onError"] = "continueErrorOutput"


def without_on_error(flow):
    del flow["nodes"][1]["continueOnFail"]


def other_limit(flow):
    as_limit(flow)
    flow["nodes"][1]["parameters"]["maxItems"] = 6


def true_limit(flow):
    as_limit(flow)
    flow["nodes"][1]["parameters"]["maxItems"] = True


def as_sort(flow):
    as_limit(flow)
    flow["nodes"][1]["type"] = "n8n-nodes-base.sort"


def version_two(flow):
    as_limit(flow)
    flow["nodes"][1]["typeVersion"] = 2


def more_parameters(flow):
    as_limit(flow)
    flow["nodes"][1]["parameters"]["keep"] = "lastItems"


HOSTILE = [
    ("workflows.pinned-data", pins_changed),
    ("workflows.missing-source", real_source_removed),
    ("workflows.missing-source", both_sources_removed),
    ("workflows.on-error", stops_on_error),
    ("workflows.on-error", to_error_output),
    ("workflows.on-error", without_on_error),
    ("workflows.same-operation", other_limit),
    ("workflows.same-operation", true_limit),
    ("workflows.same-operation", as_sort),
    ("workflows.same-operation", version_two),
    ("workflows.same-operation", more_parameters),
    *(
        (name, and_more(edit, more))
        for name, edit in HOLDS
        for more in (another_setting, another_connection, another_node, disabled, another_url)
    ),
]


@pytest.mark.parametrize(("name", "edit"), HOSTILE)
def test_a_hostile_edit_is_not_shown(name, edit):
    assert not check(FLOW, edited(edit), name).keeps_behaviour


def with_item_lists(version=3, **parameters):
    def made(flow):
        flow["nodes"][1] |= {"typeVersion": version, "parameters": parameters}

    return edited(made)


@pytest.mark.parametrize(
    "before",
    [
        with_item_lists(1, operation="limit", maxItems=5),
        with_item_lists(2.2, operation="limit", maxItems=5),
        with_item_lists(3, operation="limit", maxItems="={{ $parameter.operation.length }}"),
        with_item_lists(3, operation="limit", maxItems=5, strange=1),
        with_item_lists(3, operation="limit", maxItems=5, resource="other"),
    ],
)
def test_item_lists_of_another_kind_are_not_shown_to_do_the_same(before):
    after = deepcopy(before)
    node = after["nodes"][1]
    node |= {"type": "n8n-nodes-base.limit", "typeVersion": 1}
    node["parameters"] = {
        k: v for k, v in node["parameters"].items() if k not in {"operation", "resource"}
    }
    assert not check(before, after, "workflows.same-operation").keeps_behaviour


@pytest.mark.parametrize(("kind", "index"), [("main", 1), ("ai_tool", 0)])
def test_the_target_of_a_missing_source_must_not_wait_for_more(kind, index):
    """A second input is waited for, so that the connection does matter."""

    def made(flow):
        end = {"node": "B", "type": kind, "index": index}
        flow["connections"]["Gone"] = {kind: [[end]]}

    before = edited(made)
    assert not check(before, edited(no_source, before), "workflows.missing-source").keeps_behaviour


def test_the_only_connection_of_a_target_matters():
    def made(flow):
        flow["connections"]["A"] = {"main": [[]]}

    before = edited(made)
    assert not check(before, edited(no_source, before), "workflows.missing-source").keeps_behaviour


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{}", "{}  "),
        ('{"nodes": [], "connections": {}}', "{"),
        ('{"nodes": [], "connections": {}}', '{"nodes": []}'),
        (
            '[{"nodes": [], "connections": {}}]',
            '[{"nodes": [], "connections": {}}, {"nodes": [], "connections": {}}]',
        ),
        (
            '{"nodes": [], "connections": {}}',
            '{"nodes": [], "connections": {}, "a": 1, "a": 2}',
        ),
    ],
)
def test_what_is_no_workflow_or_another_number_of_them_is_open(before, after):
    assert not check_workflow(before, after, sorted(ON_WORKFLOWS)).keeps_behaviour


def test_layout_alone_keeps_behaviour():
    assert check(FLOW, FLOW).keeps_behaviour


def test_a_workflow_is_checked_as_one_and_other_files_are_open():
    behaviour = FixBehaviour("x", unless=("workflows.pinned-data",))
    before, after = json.dumps(FLOW), json.dumps(edited(no_pins))
    found = check_file("a.json", before, after, behaviour, taken=None, profile=None)
    assert found.shown == {"workflows.pinned-data"}
    found = check_file("a.yaml", before, after, behaviour, taken=None, profile=None)
    assert not found.keeps_behaviour
