"""What is made for speed is proposed file by file, each with a gain of its own to be measured."""

from services.agents.engines.rules import RulesEngine
from services.agents.types.performance.spec import SPEC
from shared.detectors.ports import DetectorResources, Source
from shared.targets.profile import profile_target
from tests.support.agents import proposals_of
from tests.support.trees import FakeTree

SLOW = """def f(x):
    found = []
    for each in x:
        found.append(each + 1)
    return found
"""


async def test_each_file_has_a_proposal_that_is_named_after_it(tmp_path):
    files = {f"shop/{name}.py": SLOW for name in ("__init__", "prices", "stock")}
    tree = FakeTree({"pyproject.toml": '[project]\nname = "shop"\n', **files})
    resources = DetectorResources(tmp_path)
    engine = RulesEngine(SPEC.fixers, [make(resources) for make in SPEC.detectors])
    found = await proposals_of(engine, Source(tree, profile_target(tree), "t"), "shop")
    assert [list(each.changes) for each in found] == [[path] for path in files]
    assert [[each.path for each in e.findings] for e in found] == [[path] for path in files]
    assert len({each.key for each in found}) == len(files)
    assert [each.title for each in found] == [
        "perf(shop): make lists and dicts by comprehensions (PRF401)",
        "perf(shop.prices): make lists and dicts by comprehensions (PRF401)",
        "perf(shop.stock): make lists and dicts by comprehensions (PRF401)",
    ]
