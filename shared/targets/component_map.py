"""The map of a target: its components with their sizes, what overlaps and what nobody owns."""

from collections.abc import Iterable

from shared.contracts.base import Value
from shared.targets.components import Component
from shared.targets.discovery import open_files, unowned_sources
from shared.targets.ownership import overlapping, owned_files
from shared.targets.profile import TargetProfile
from shared.targets.tree import Tree


class MappedComponent(Component):
    """A component with the files that agents may change there, and the lines of those in UTF-8.

    `overlaps` names the components that own files which its patterns cover as well.
    """

    files: int
    lines: int
    overlaps: tuple[str, ...] = ()


class ComponentMap(Value):
    """All components of a target, and the source files that are in none."""

    components: tuple[MappedComponent, ...]
    unowned: tuple[str, ...]


def map_components(tree: Tree, profile: TargetProfile) -> ComponentMap:
    """Return the map of a target as its tree is; files that no patch may change do not count."""
    owned = owned_files(open_files(tree, profile.config), profile.components)
    overlaps = overlapping(owned, profile.components)
    return ComponentMap(
        components=tuple(
            MappedComponent(
                **each.model_dump(),
                files=len(owned.get(each.name, ())),
                lines=_count_lines(tree, owned.get(each.name, ())),
                overlaps=overlaps.get(each.name, ()),
            )
            for each in profile.components
        ),
        unowned=unowned_sources(tree, profile.config, profile.components),
    )


def _count_lines(tree: Tree, paths: Iterable[str]) -> int:
    """Return the number of lines in those of the files that are UTF-8."""
    count = 0
    for path in paths:
        try:
            count += len((tree.read(path) or b"").decode().splitlines())
        except UnicodeDecodeError:
            continue
    return count
