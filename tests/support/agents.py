"""Engines and detectors of an agent type, as the agents service makes them."""

from services.agents.main import serve_type
from shared.agent_types import TaskContext, agent_spec
from shared.agent_types.engines import HeldLease
from shared.detectors.ports import DetectorResources
from tests.support.builders import a_task


def served_type(scratch, commands=None, name="code_quality"):
    """An agent type with what it makes here."""
    return serve_type(agent_spec(name), DetectorResources(scratch, commands))


def a_context(source, component="m", exclude=(), paths=()):
    """A task on a component of the source, or on these paths of it."""
    own = [each.paths for each in source.profile.components if each.name == component]
    paths = paths or (own[0] if own else ("/m.py",))
    task = a_task(component=component, paths=paths, excluded_fingerprints=tuple(exclude))
    lease = HeldLease(component, task.paths, task.epoch)
    return TaskContext(task, task.opportunity, (), lease, source)


async def proposals_of(engine, source, component="m", exclude=(), paths=()):
    context = a_context(source, component, exclude, paths)
    return [each async for each in engine.propose(context)]
