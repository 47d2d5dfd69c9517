"""The fixes and findings of the agent type security in one file, by its own engine."""

import asyncio
from dataclasses import replace

from services.agents.main import serve_type
from services.agents.types.security import SPEC
from services.agents.types.security.spec import PLANS
from shared.agent_types.plans import PlansEngine
from shared.detectors.ports import DetectorResources, Source
from shared.targets.profile import profile_target
from tests.support.agents import a_context, proposals_of
from tests.support.trees import FakeTree

PROJECT = """[project]
name = "m"
version = "1"
requires-python = ">={python}"
dependencies = ["defusedxml", "flask", "jinja2"]
"""


def a_source(text, path="m.py", python="3.12", section=None, **files):
    """A target with one file, or more; `section` is its `[agents.security]`."""
    tree = FakeTree({path: text, "pyproject.toml": PROJECT.format(python=python), **files})
    profile = profile_target(tree)
    config = profile.config.model_copy(update={"agents": {"security": section or {}}})
    return Source(tree, profile.model_copy(update={"config": config}), "t")


def findings(scratch, source):
    detector = serve_type(SPEC, DetectorResources(scratch)).detectors[0]
    return asyncio.run(detector.measure(source)).findings


def proposals(scratch, source, component="m"):
    """The proposals with a patch."""
    engine = serve_type(SPEC, DetectorResources(scratch)).engine
    return asyncio.run(proposals_of(engine, source, component))


def advice(scratch, source, component="m"):
    """The advice on what is found in a component."""
    found = tuple(each for each in findings(scratch, source) if each.component == component)
    context = replace(a_context(source, component), findings=found)

    async def made():
        return [each async for each in PlansEngine(PLANS).propose(context)]

    return asyncio.run(made())


def fixed(scratch, source, path="m.py"):
    """The text of a file with all proposals."""
    text = source.text(path)
    for each in proposals(scratch, source):
        text = each.changes[path][1]
    return text
