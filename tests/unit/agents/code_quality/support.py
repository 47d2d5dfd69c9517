"""The fixes and findings of the agent type code_quality in a few files, by its own engine."""

import asyncio

from services.agents.main import serve_type
from services.agents.types.code_quality import SPEC
from shared.detectors.ports import DetectorResources, Source
from shared.targets.profile import profile_target
from tests.support.agents import proposals_of
from tests.support.trees import FakeTree

PROJECT = '[project]\nname = "m"\nversion = "1"\nrequires-python = ">=3.11"\n'


def a_source(files, section=None):
    """A target with these files; `section` is its `[agents.code_quality]`."""
    tree = FakeTree({"pyproject.toml": PROJECT, **files})
    profile = profile_target(tree)
    config = profile.config.model_copy(update={"agents": {"code_quality": section or {}}})
    return Source(tree, profile.model_copy(update={"config": config}), "t")


def findings(scratch, source):
    """What all detectors of the type find."""
    served = serve_type(SPEC, DetectorResources(scratch))
    measured = [asyncio.run(each.measure(source)) for each in served.measuring]
    return [found for each in measured for found in each.findings]


def proposals(scratch, source):
    """What the engine proposes for all components."""
    engine = serve_type(SPEC, DetectorResources(scratch)).engine
    names = [each.name for each in source.profile.components]
    return [p for each in names for p in asyncio.run(proposals_of(engine, source, each))]


def fixed(files, made):
    """The files after all proposals, each of which stands on those before it."""
    now = dict(files)
    for each in made:
        for path, (before, after) in (each.changes or {}).items():
            assert now[path] == before
            now[path] = after
    return now
