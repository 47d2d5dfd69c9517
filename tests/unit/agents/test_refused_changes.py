"""No agent type proposes again what was refused, nor gives the same advice again."""

from dataclasses import replace
from pathlib import Path

import pytest

from shared.agent_types import agent_specs
from shared.detectors.ports import Source
from shared.targets.profile import profile_target
from tests.support.agents import a_context, served_type
from tests.support.planted import planted
from tests.support.trees import FakeTree

PLANTED = Path(__file__).parents[2] / "data" / "planted"
PROJECT = '[project]\nname = "m"\nversion = "1"\nrequires-python = ">=3.12"\n'
UNTIDY = (
    "import os\nimport sys\n\n\ndef f(a, b):\n    x = None\n    if a == None:\n"
    "        return '%s and %s' % (a, b)\n    else:\n        return sys.argv\n\n\n"
    "def _g():\n    return\n"
)


def in_module(text):
    return {"pyproject.toml": PROJECT, "m/__init__.py": "", "m/a.py": text}


def files_by_type():
    """Small targets with problems, by agent type and name."""
    yield "code_quality", "untidy", in_module(UNTIDY)
    for each in planted("architecture", "problems"):
        yield "architecture", each.name, each.files
    for path in sorted((PLANTED / "performance/problems").glob("*.before")):
        yield "performance", path.stem, in_module(path.read_text())
    for path in sorted((PLANTED / "security/problems").glob("*.py")):
        if ".expected" not in path.name:
            yield "security", path.stem, in_module(path.read_text())
    for path in sorted((PLANTED / "workflow/problems").glob("*.json")):
        if ".fixed" not in path.name:
            yield "workflow", path.stem, {"flows/flow.json": path.read_bytes().decode()}


TARGETS = list(files_by_type())


def source_of(files):
    tree = FakeTree(files)
    return Source(tree, profile_target(tree), "t")


async def proposed(served, source, *, refused=(), advised=()):
    made = []
    for each in source.profile.components:
        context = replace(a_context(source, each.name, refused), advised=frozenset(advised))
        made += [proposal async for proposal in served.engine.propose(context)]
    return made


def fingerprints(proposals):
    return {found.fingerprint for each in proposals for found in (*each.findings, *each.causes)}


def test_every_agent_type_is_tried():
    assert {agent_type for agent_type, *_ in TARGETS} == set(agent_specs())


@pytest.mark.parametrize(
    ("agent_type", "files"),
    [pytest.param(kind, files, id=f"{kind}-{name}") for kind, name, files in TARGETS],
)
async def test_what_was_refused_is_not_proposed_again(tmp_path, agent_type, files):
    served, source = served_type(tmp_path, name=agent_type), source_of(files)
    made = await proposed(served, source)
    changes = [each for each in made if each.changes is not None]
    again = await proposed(served, source, refused=fingerprints(changes))
    assert [each.title for each in again if each.changes is not None] == []
    advice = [each for each in made if each.changes is None]
    again = await proposed(served, source, advised=fingerprints(advice))
    assert [each.title for each in again if each.changes is None] == []
    assert [each.title for each in again] == [each.title for each in changes]


async def test_a_problem_that_is_new_beside_refused_ones_is_fixed(tmp_path):
    served = served_type(tmp_path, name="security")
    text = (PLANTED / "security/problems/S506_settings.py").read_text()
    made = await proposed(served, source_of(in_module(text)))
    more = in_module(text) | {"m/b.py": text}
    again = await proposed(served, source_of(more), refused=fingerprints(made))
    assert {path for each in again for path in each.changes} == {"m/b.py"}
