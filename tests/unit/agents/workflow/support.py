"""Workflows as a target, and the agent type that works on them."""

from services.agents.main import serve_type
from services.agents.types.workflow import SPEC
from shared.detectors.ports import DetectorResources, Source
from shared.targets.profile import profile_target
from tests.support.agents import proposals_of
from tests.support.trees import FakeTree

PATH = "flows/flow.json"


def a_source(text, section=None, path=PATH, **policy):
    """A target with one file; `section` is `[agents.workflow]` of its configuration."""
    tree = FakeTree({path: text})
    profile = profile_target(tree)
    changed = {"agents": {SPEC.name: section or {}}}
    if policy:
        changed["policy"] = profile.config.policy.model_copy(update=policy)
    config = profile.config.model_copy(update=changed)
    return Source(tree, profile.model_copy(update={"config": config}))


def served(tmp_path):
    return serve_type(SPEC, DetectorResources(tmp_path))


async def findings_in(tmp_path, text, section=None):
    return (await served(tmp_path).detectors[0].measure(a_source(text, section))).findings


async def proposed(tmp_path, text, section=None, exclude=(), **policy):
    source = a_source(text, section, **policy)
    return await proposals_of(served(tmp_path).engine, source, source.component(PATH), exclude)


def result(proposals, text):
    """The text after all proposals, or `text` without any."""
    return proposals[-1].changes[PATH][1] if proposals else text
