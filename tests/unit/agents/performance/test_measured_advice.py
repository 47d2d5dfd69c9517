"""What was measured and no fix removes is advised on, once."""

from dataclasses import replace
from pathlib import Path

from services.agents.types.performance.advice import ADVISED, PLANS, advice_engine
from services.agents.types.performance.profile import CODE, TOOL
from services.agents.types.performance.spec import SPEC
from services.agents.types.performance.start_up import RULE
from shared.detectors.findings import rule_id
from shared.detectors.ports import DetectorResources, Source
from shared.targets.profile import profile_target
from tests.support.agents import a_context
from tests.support.builders import a_finding
from tests.support.trees import FakeTree

HOT = rule_id(TOOL, CODE)


async def advice(*findings, **fields):
    tree = FakeTree({"shop/__init__.py": ""})
    source = Source(tree, profile_target(tree))
    context = replace(a_context(source, "shop"), findings=findings, **fields)
    engine = advice_engine(DetectorResources(Path()))
    return [each async for each in engine.propose(context)]


def found(rule=HOT, path="shop/m.py", fingerprint="f", fixable="no"):
    message = f"`{fingerprint}` is slow."
    return a_finding(
        rule=rule, path=path, fingerprint=fingerprint, fixable=fixable, message=message
    )


async def test_all_findings_of_a_rule_are_one_piece_of_advice_in_their_order():
    [made] = await advice(found(fingerprint="b"), found(path="shop/a.py", fingerprint="a"))
    assert made.changes is None
    assert made.title == "look at what takes the time of the benchmarks: shop/m.py, shop/a.py"
    assert made.advice.evidence == ("shop/m.py:1: `b` is slow", "shop/a.py:1: `a` is slow")
    assert made.rationale == made.advice.text
    assert [each.fingerprint for each in made.findings] == ["b", "a"]


async def test_what_a_fix_removes_or_other_rules_find_is_not_advised_on():
    assert await advice(found(RULE, fixable="unsafe"), found("performance:PRF603")) == []
    assert [each.rule for each in await advice(found(RULE), found())] == [HOT, RULE]


async def test_it_is_given_once():
    assert await advice(found(), advised=frozenset({"f"})) == []


def test_the_type_declares_what_it_advises_on():
    assert SPEC.advises == ADVISED
    assert len(ADVISED) == len(PLANS)
