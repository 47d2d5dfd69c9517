"""Fixes that are shown to keep behaviour are proposed apart from those that are not, and first."""

from services.agents.engines.rules import RulesEngine
from services.agents.types.code_quality.spec import FIXERS, ruff_detector
from shared.detectors.ports import DetectorResources, Source
from shared.targets.profile import profile_target
from tests.support.agents import proposals_of
from tests.support.trees import FakeTree

MODULE = """import os
import requests


def sent(workers, a, b):
    texts = all([isinstance(x, str) for x in (a, b)])
    return texts and all([each.send() for each in workers])


def keys(row):
    return [each for each in row.keys()]
"""


async def proposed(tmp_path, **files):
    tree = FakeTree({"pyproject.toml": "", **{f"shop/{k}.py": text for k, text in files.items()}})
    source = Source(tree, profile_target(tree), "t")
    engine = RulesEngine(FIXERS, [ruff_detector(DetectorResources(tmp_path))])
    return await proposals_of(engine, source, "shop")


async def test_places_that_are_shown_come_first_and_the_others_in_a_proposal_of_their_own(tmp_path):
    found = await proposed(tmp_path, a=MODULE)
    by_key = {each.key: each for each in found}
    shown, rest = by_key["ruff:C419:shown"], by_key["ruff:C419:unsafe"]
    assert [each.line for each in shown.findings] == [6]
    assert len(rest.findings) == 1
    assert found.index(shown) < found.index(rest)
    assert shown.safe
    assert shown.conditions == ("laziness.short-circuit",)
    assert "Behaviour stays the same: no element can have an effect" in shown.rationale
    assert "It may change how many of the elements are computed" in rest.rationale
    assert len({each.title for each in found}) == len(found)


async def test_an_import_is_divided_by_what_importing_does(tmp_path):
    found = {each.key: each for each in await proposed(tmp_path, a=MODULE)}
    before, after = found["ruff:F401:shown"].changes["shop/a.py"]
    assert "import os\n" in before
    assert "import os\n" not in after
    assert "import requests\n" in after
