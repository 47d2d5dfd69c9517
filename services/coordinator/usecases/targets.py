"""Find the target that a command names: its repository is looked at, and what is new is stored."""

import asyncio

from services.coordinator.deps import CoordinatorDeps
from shared.contracts.documents.targets import Target
from shared.kernel.errors import Rejected
from shared.mongo.collections import get_or_insert_target
from shared.targets.repository import RepositoryFacts, inspect_repository


async def inspect_target(
    named: str | None, base: str | None, deps: CoordinatorDeps
) -> RepositoryFacts:
    """Inspect the repository at a path or URL, of a target id or name, or the only target known.

    Raises `Rejected` if what is named, or nothing, fits several targets, and as inspecting does.
    """
    known = await deps.store.targets.find()
    if named is None:
        if len({each.location for each in known}) != 1:
            names = ", ".join(sorted({each.location for each in known})) or "none yet"
            raise Rejected(
                "No target was named, and there is not exactly one.",
                hint=f"Known targets: {names}.",
                code="which_target",
            )
        return await _inspect(known[-1].location, base)
    if named.startswith(("/", ".")):
        return await _inspect(named, base)
    fitting = {each.location for each in known if named in {each.id, each.name}}
    if len(fitting) > 1:
        raise Rejected(
            f"Several targets are called {named}.",
            hint=f"Name one by its path or URL: {', '.join(sorted(fitting))}.",
            code="which_target",
        )
    return await _inspect(fitting.pop() if fitting else named, base)


async def _inspect(location: str, base: str | None) -> RepositoryFacts:
    """Return the facts about the repository at a path or URL, inspected in a thread."""
    return await asyncio.to_thread(inspect_repository, location, base=base)


async def stored_target(facts: RepositoryFacts, deps: CoordinatorDeps) -> Target:
    """Return the target that the repository is, stored now if it is a new one."""
    return await get_or_insert_target(deps.store, facts.as_target(deps.new_id(), deps.clock()))
