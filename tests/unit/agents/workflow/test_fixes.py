"""Fixes of workflows: what they leave alone, what they are configured by, and what they say."""

import json
from pathlib import Path

import pytest

from services.agents.types.workflow import SPEC
from services.agents.types.workflow.health import measure
from services.agents.usecases.submit import with_outline
from shared.behaviour import FixClass
from shared.contracts.base import Severity
from shared.detectors.n8n import RULES
from shared.kernel.errors import Rejected
from tests.unit.agents.workflow.support import PATH, a_source, findings_in, proposed, result, served

PLANTED = Path(__file__).parents[3] / "data" / "planted" / "workflow" / "problems"
FIXED = sorted(PLANTED.glob("*.fixed.json"))


def problem(name):
    return (PLANTED / f"{name}.json").read_bytes().decode()


def values(text):
    """Ids and positions of all nodes."""
    flows = json.loads(text)
    flows = flows if isinstance(flows, list) else [flows]
    return [(n["id"], n["name"], n["position"]) for flow in flows for n in flow["nodes"]]


@pytest.mark.parametrize("path", FIXED, ids=lambda each: each.stem)
async def test_ids_names_and_positions_stay(tmp_path, path):
    text = problem(path.name.removesuffix(".fixed.json"))
    assert values(result(await proposed(tmp_path, text), text)) == values(text)


@pytest.mark.parametrize("name", ["missing_target_minified", "http_without_timeout_but_options"])
async def test_only_the_lines_that_have_to_change_do(tmp_path, name):
    text = problem(name)
    after = result(await proposed(tmp_path, text), text)
    assert after.count("\r\n") >= text.count("\r\n")
    assert ("\n" in after) == ("\n" in text)
    assert "\\u" not in after


async def test_the_rationale_tells_the_graph_and_no_value(tmp_path):
    text = problem("missing_target")
    (proposal,) = map(with_outline, await proposed(tmp_path, text))
    assert "- connection 'Fetch orders' output 0 → 'Old mailer' input 0" in proposal.rationale
    assert proposal.title == "fix(flows): drop connections to missing nodes (missing-target)"
    (proposal,) = map(with_outline, await proposed(tmp_path, problem("pinned_data")))
    assert "pinData.Fetch orders removed" in proposal.rationale
    assert "jo@example.com" not in proposal.rationale
    assert proposal.conditions == ("workflows.pinned-data",)
    assert proposal.safe


@pytest.mark.parametrize(
    "name", ["secret_in_a_header", "token_in_code", "key_in_an_address", "secret_in_pinned_data"]
)
async def test_no_secret_is_in_a_finding(tmp_path, name):
    secrets = ["9f8e7d6c5b4a", "a1B2a1B2", "4f3c2b1a09d8e7f6", "xoxb-"]
    found = await findings_in(tmp_path, problem(name))
    assert found
    assert all(each.security for each in found if each.code == "plain-secret")
    said = " ".join(each.model_dump_json() for each in found)
    assert not [each for each in secrets if each in said]


async def test_what_is_excluded_is_left_alone(tmp_path):
    text = problem("http_without_retry")
    found = await findings_in(tmp_path, text)
    assert await proposed(tmp_path, text, exclude=[each.fingerprint for each in found]) == []


async def test_a_fingerprint_survives_moves_and_layout(tmp_path):
    text = problem("http_without_retry")
    flow = json.loads(text)
    flow["nodes"].insert(0, flow["nodes"].pop())
    (first,) = await findings_in(tmp_path, text)
    (second,) = await findings_in(tmp_path, json.dumps(flow))
    assert first.fingerprint == second.fingerprint


async def test_the_error_workflow_is_set_where_it_is_configured(tmp_path):
    text = problem("no_error_workflow")
    assert await proposed(tmp_path, text) == []
    (proposal,) = await proposed(tmp_path, text, {"error_workflow": "abc"})
    flow = json.loads(text)
    flow["settings"]["errorWorkflow"] = "abc"
    assert result([proposal], text) == json.dumps(flow, indent=2, ensure_ascii=False) + "\n"
    assert not proposal.safe


async def test_the_timeout_is_as_configured(tmp_path):
    text = problem("http_without_timeout")
    assert '"timeout": 5000' in result(await proposed(tmp_path, text, {"timeout_ms": 5000}), text)


async def test_rules_are_chosen(tmp_path):
    text = problem("exported_list")
    found = await findings_in(tmp_path, text, {"ignore": ["pinned-data"]})
    assert {each.code for each in found} == {"http-no-retry"}
    found = await findings_in(tmp_path, text, {"select": ["pinned-data"]})
    assert {each.code for each in found} == {"pinned-data"}
    with pytest.raises(Rejected, match="names no rule of ours"):
        await findings_in(tmp_path, text, {"select": ["x"]})


async def test_unsafe_fixes_can_be_turned_off(tmp_path):
    proposals = await proposed(tmp_path, problem("http_without_retry"), unsafe_fixes=False)
    assert proposals == []
    assert await proposed(tmp_path, problem("pinned_data"), unsafe_fixes=False) != []


HEAD = '{"name": "x", "nodes": [{"name": "A", "type": "n8n-nodes-base.set"}], "connections": '


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("{", 0),
        ("", 0),
        ("[1, 2]", 0),
        ("[" * 100_000, 0),
        ('{"nodes": [], "connections": {}, "a": 1, "a": 2}', 1),
        (HEAD + "{}, " + '"x": ' + "[" * 300 + "]" * 300 + "}", 1),
    ],
)
async def test_a_file_that_cannot_be_read_is_left_alone(tmp_path, text, notes):
    measured = await served(tmp_path).detectors[0].measure(a_source(text))
    assert measured.findings == ()
    assert len(measured.notes) == notes
    assert await proposed(tmp_path, text) == []


@pytest.mark.parametrize(
    "connections",
    [
        '{"A": []}',
        '{"A": {"main": {}}}',
        '{"A": {"main": [{}]}}',
        '{"A": {"main": [[{"node": 5}]]}}',
        '{"A": {"main": [[{"node": "A", "index": -1}]]}}',
    ],
)
async def test_connections_of_another_form_are_a_finding(tmp_path, connections):
    found = await findings_in(tmp_path, HEAD + connections + "}")
    assert {each.code for each in found} == {"invalid-workflow"}
    assert {each.severity for each in found} == {Severity.ERROR}


async def test_other_files_of_the_target_do_not_count(tmp_path):
    measured = (
        await served(tmp_path)
        .detectors[0]
        .measure(a_source('{"name": "package", "version": "1"}', path="flows/package.json"))
    )
    assert measured.findings == ()
    assert dict(measured.lines) == {}


async def test_with_paths_exactly_these_are_measured(tmp_path):
    text = problem("pinned_data")
    measured = await served(tmp_path).detectors[0].measure(a_source(text), [PATH])
    assert [each.code for each in measured.findings] == ["pinned-data"]


def test_every_rule_has_a_reason_and_every_fixer_a_rule():
    assert all(len(each.why) > 40 for each in RULES.values())
    for each in SPEC.fixers:
        assert each.declaration.code in RULES
        assert each.why()
        assert each.declaration.behaviour.kind in {FixClass.CONDITIONAL, FixClass.MAY_CHANGE}


async def test_removing_dead_connections_raises_the_score(tmp_path):
    text = problem("missing_source")
    after = result(await proposed(tmp_path, text), text)
    scores = []
    for each in (text, after):
        found = await served(tmp_path).detectors[0].measure(a_source(each))
        (lines,) = found.lines.values()
        scores.append((measure(found.findings, lines).score, lines))
    (before, lines), (now, same_lines) = scores
    assert now > before
    assert same_lines == lines < text.count("\n")


async def test_health_counts_what_blocks_an_update(tmp_path):
    text = problem("removed_nodes")
    found = await findings_in(tmp_path, text)
    reading = measure(found, len(text.splitlines()))
    assert reading.metrics["upgrade_blockers"] == len(found)
    assert 0 < reading.score < measure([], 100).score == 100


@pytest.mark.parametrize("odd", [None, 5, True, "", "=x", [], {}, [[]], {"a": []}], ids=repr)
async def test_values_of_any_type_break_no_rule(tmp_path, odd):
    detector, files = served(tmp_path).detectors[0], sorted(PLANTED.glob("*.json"))
    for path in (each for each in files if ".fixed" not in each.name):
        flow = json.loads(path.read_text())
        for one in flow if isinstance(flow, list) else [flow]:
            for key in one["settings"]:
                one["settings"][key] = odd
            for node in one["nodes"]:
                node["parameters"] = dict.fromkeys(node.get("parameters", {}), odd)
        await detector.measure(a_source(json.dumps(flow)))
