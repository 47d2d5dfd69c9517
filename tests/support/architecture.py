"""Small targets for the architecture type: what is found in them, and what is proposed."""

import asyncio
from pathlib import Path

from services.agents.main import serve_type
from services.agents.types.architecture import SPEC
from shared.detectors.ports import DetectorResources, Source
from shared.targets.profile import profile_target
from tests.support.agents import proposals_of
from tests.support.trees import FakeTree

SERVED = serve_type(SPEC, DetectorResources(Path("/nowhere")))


def a_source(files):
    tree = FakeTree(files)
    return Source(tree, profile_target(tree))


def findings(source):
    measured = [asyncio.run(each.measure(source)) for each in SERVED.detectors]
    return [found for each in measured for found in each.findings]


def proposals(source):
    names = [each.name for each in source.profile.components]
    return [p for e in names for p in asyncio.run(proposals_of(SERVED.engine, source, e))]


def changed(files, made):
    """The files after all proposals, each of which stands on those before it."""
    now = dict(files)
    for proposal in made:
        for path, (before, after) in (proposal.changes or {}).items():
            assert now.get(path, "") == before
            now[path] = after
    return now
