"""What is made for speed is proposed file by file, each with a gain of its own to be measured."""

from services.agents.domain.titles import with_unique_titles
from services.agents.engines.rules import RulesEngine
from services.agents.types.performance.rules.comprehension import Comprehension
from services.agents.types.performance.spec import SPEC
from shared.detectors.ports import DetectorResources, FixableFinding, Source
from shared.detectors.rewrites import identified_matches
from shared.targets.profile import profile_target
from tests.support.agents import proposals_of
from tests.support.builders import a_finding
from tests.support.trees import FakeTree

SLOW = """def f(x):
    found = []
    for each in x:
        found.append(each + 1)
    return found
"""


async def test_each_file_has_a_proposal_whose_title_names_it(tmp_path):
    files = {f"shop/{name}.py": SLOW for name in ("__init__", "prices", "stock")}
    tree = FakeTree({"pyproject.toml": '[project]\nname = "shop"\n', **files})
    resources = DetectorResources(tmp_path)
    engine = RulesEngine(SPEC.fixers, [make(resources) for make in SPEC.detectors])
    found = await proposals_of(engine, Source(tree, profile_target(tree), "t"), "shop")
    assert [list(each.changes) for each in found] == [[path] for path in files]
    assert [[each.path for each in e.findings] for e in found] == [[path] for path in files]
    assert len({each.key for each in found}) == len(files)
    assert [each.title for each in with_unique_titles(found)] == [
        "perf(shop): make lists and dicts by comprehensions in shop (PRF401)",
        "perf(shop.prices): make lists and dicts by comprehensions (PRF401)",
        "perf(shop.stock): make lists and dicts by comprehensions (PRF401)",
    ]


COMMENTED = """def g(x):
    found = []
    for each in x:
        found.append({
            "name": each,  # as people write it
        })
    return found
"""


async def test_a_fix_that_would_drop_a_comment_is_not_promised_and_keeps_no_other_from_its_file(
    tmp_path,
):
    text = f"{SLOW}\n\n{COMMENTED}"
    kept, dropped = Comprehension().matches("shop.py", text)
    assert (kept.fixable, dropped.fixable) == ("safe", "no")
    tree = FakeTree({"shop.py": text})
    resources = DetectorResources(tmp_path)
    engine = RulesEngine(SPEC.fixers, [make(resources) for make in SPEC.detectors])
    [proposal] = await proposals_of(engine, Source(tree, profile_target(tree), "t"), "shop")
    [(_, new)] = proposal.changes.values()
    assert "[each + 1 for each in x]" in new
    assert COMMENTED in new


def test_a_comment_beside_a_place_keeps_only_that_from_being_fixed():
    """The comment is at the end of the line that goes, above the loop that was found."""
    beside = SLOW.replace("found = []", "found = []  # so far\n    x = list(x)").replace("f(", "h(")
    text = f"{SLOW}\n\n{beside}"
    rule = Comprehension()
    matches = list(identified_matches(rule, "shop.py", text))
    assert [each.fixable for each, _ in matches] == ["safe", "safe"]
    found = [
        FixableFinding(a_finding(rule.declaration.rule, path="shop.py", fingerprint=each))
        for _, each in matches
    ]
    new, fixed = rule.fix(text, found)
    assert fixed == (0,)
    assert new == text.replace(
        SLOW, "def f(x):\n    found = [each + 1 for each in x]\n    return found\n"
    )
