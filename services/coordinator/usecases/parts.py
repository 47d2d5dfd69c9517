"""Read a target's tree to divide its components between agents."""

import asyncio

from services.coordinator.deps import CoordinatorDeps
from services.coordinator.domain.division import Part, Work, divide, parts_by_component
from shared.contracts.documents.waves import Wave
from shared.targets.discovery import open_files
from shared.targets.modules import import_clusters
from shared.targets.ownership import overlapping, owned_files
from shared.targets.profile import TargetProfile
from shared.targets.tree import Tree


async def divide_components(
    wave: Wave, profile: TargetProfile, work: Work, deps: CoordinatorDeps
) -> tuple[Part, ...]:
    """Return the parts of the components with work whose own paths are no lease.

    These are components that several agents share, and those with files of another one among them.
    """
    tree = deps.mirror(await deps.store.targets.require(wave.target_id)).tree(wave.commit)
    return await asyncio.to_thread(_parts, tree, profile, work, wave.size.limit)


def _parts(tree: Tree, profile: TargetProfile, work: Work, limit: int) -> tuple[Part, ...]:
    """Divide components so that there are up to `limit` parts; blocks."""
    counts = parts_by_component(work, limit)
    owned = owned_files(open_files(tree, profile.config), profile.components)
    entangled = overlapping(owned, profile.components)
    found: list[Part] = []
    for name, count in sorted(counts.items()):
        mine = owned.get(name, ())
        if mine and (count > 1 or name in entangled):
            others = [path for other in owned if other != name for path in owned[other]]
            clusters = import_clusters(tree, mine) if count > 1 else (mine,)
            found += divide(name, clusters, work[name], count, others)
    return tuple(found)
