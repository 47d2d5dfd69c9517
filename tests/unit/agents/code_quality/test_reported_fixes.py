"""Fixes that imported logs offer are proposed, where the text that they replace is still there."""

import json
from dataclasses import replace

import pytest

from services.agents.types.code_quality.reported_fixes import ReportedFixEngine
from services.agents.types.code_quality.spec import PRIORS
from shared.detectors.ports import DetectorResources, Source
from shared.detectors.sarif import read_sarif
from shared.detectors.sarif.placing import place_findings, with_lines
from shared.targets.profile import profile_target
from tests.support.agents import a_context
from tests.support.trees import FakeTree

TEXT = "a = 1\nb = call(2)\nc = 3\n"
FIXED = "a = 1\nb = call(2, safe=True)\nc = 3\n"
AT_CALL = {"startLine": 2, "startColumn": 11, "endColumn": 11}


class FakeLogs:
    def __init__(self, reported):
        self._reported = reported

    async def edition(self, target_id):
        return ""

    async def reported(self, target_id):
        return self._reported


def a_source(text=TEXT, **more):
    tree = FakeTree({"m/__init__.py": "", "m/a.py": text, **more})
    return Source(tree, profile_target(tree), "t")


def a_fix(*replacements, uri="m/a.py"):
    changes = [
        {"deletedRegion": region, **({} if text is None else {"insertedContent": {"text": text}})}
        for region, text in replacements
    ]
    return {"artifactChanges": [{"artifactLocation": {"uri": uri}, "replacements": changes}]}


def a_result(*fixes, rule="R1", line=2):
    place = {"artifactLocation": {"uri": "m/a.py"}, "region": {"startLine": line}}
    return {
        "ruleId": rule,
        "message": {"text": "Say so."},
        "locations": [{"physicalLocation": place}],
        "fixes": list(fixes),
    }


def a_log(*results, text=TEXT):
    tool = {"driver": {"name": "Lint"}}
    content = json.dumps({"version": "2.1.0", "runs": [{"tool": tool, "results": results}]})
    return with_lines(read_sarif(content.encode())[0], a_source(text))


async def proposals(reported, text=TEXT, excluded=(), **more):
    context = a_context(a_source(text, **more), "m")
    task = context.task.model_copy(update={"excluded_fingerprints": tuple(excluded)})
    engine = ReportedFixEngine(DetectorResources(None, imports=FakeLogs(reported)), PRIORS)
    return [each async for each in engine.propose(replace(context, task=task))]


SAFE = a_result(a_fix((AT_CALL, ", safe=True")))


async def test_a_fix_is_a_proposal_that_asks_and_claims_nothing():
    [made] = await proposals(a_log(SAFE))
    assert made.changes == {"m/a.py": (TEXT, FIXED)}
    assert made.title == "fix(m): apply the fix of lint (R1)"
    assert made.rationale.startswith("Say so. 1 place in m/a.py, with the fix that an imported log")
    assert (made.rule, made.safe, made.findings) == ("lint:R1", False, ())
    assert [each.fixable for each in made.causes] == ["unsafe"]


async def test_it_is_made_where_its_lines_have_moved_to():
    [made] = await proposals(a_log(SAFE), "# new\n" + TEXT)
    assert made.changes["m/a.py"][1] == "# new\n" + FIXED


@pytest.mark.parametrize(
    "fix",
    [
        a_fix(({"startLine": 1, "endLine": 3}, "x = 1"), (AT_CALL, "")),
        a_fix(({"startLine": 9}, "x")),
        a_fix(({"startLine": 2, "startColumn": 60}, "x")),
        a_fix(({"charOffset": 3, "charLength": 2}, "x")),
        a_fix((AT_CALL, "x"), uri="m/b.py"),
        a_fix((AT_CALL, "x" * 5001)),
    ],
    ids=["overlapping", "no line", "no column", "offsets", "another file", "too much"],
)
async def test_what_cannot_be_placed_surely_is_not_made(fix):
    log = a_log(a_result(fix))
    made = await proposals(log)
    assert [each.changes for each in made] in ([], [{"m/a.py": (TEXT, "x = 1\n")}])
    if not made:
        assert [e.fixable for e in place_findings(log, a_source(), imported=True)[0]] == ["no"]


async def test_where_the_text_is_another_one_by_now_or_there_is_a_choice_it_is_not_made():
    two_lines = a_result(a_fix(({"startLine": 2, "endLine": 3}, "d = 4")))
    assert await proposals(a_log(two_lines), TEXT.replace("c = 3", "c = 5")) == []
    assert await proposals(a_log(a_result(*SAFE["fixes"], a_fix((AT_CALL, "x"))))) == []
    emoji = TEXT.replace("2)", "'\U0001f600')")
    assert await proposals(a_log(SAFE, text=emoji), emoji) == []


async def test_what_was_refused_and_what_policy_forbids_is_not_proposed():
    [found], _ = place_findings(a_log(SAFE), a_source(), imported=True)
    assert await proposals(a_log(SAFE), excluded=[found.fingerprint]) == []
    policy = {"groundswell.toml": "[policy]\nunsafe_fixes = false\n"}
    assert await proposals(a_log(SAFE), **policy) == []


async def test_of_two_rules_with_fixes_in_one_file_the_second_waits():
    other = a_result(
        a_fix(({"startLine": 3, "startColumn": 1, "endColumn": 2}, "d")), rule="R2", line=3
    )
    [made] = await proposals(a_log(SAFE, other))
    assert made.rule == "lint:R1"
    [made] = await proposals(a_log(SAFE, other), FIXED)
    assert made.changes["m/a.py"][1] == FIXED.replace("c = 3", "d = 3")
