"""Which files a component owns, and the fewest paths that cover a set of files."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from shared.targets.components import Component, component_of
from shared.targets.paths import literal_pattern, matches


def owned_files(
    files: Iterable[str], components: Sequence[Component]
) -> Mapping[str, tuple[str, ...]]:
    """Return the files that each component owns, by its name, in their order.

    Those that no component owns are under the empty name.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for path in files:
        found[component_of(path, components) or ""].append(path)
    return {name: tuple(paths) for name, paths in found.items()}


def overlapping(
    owned: Mapping[str, Sequence[str]], components: Sequence[Component]
) -> Mapping[str, tuple[str, ...]]:
    """Return, by component, those others that own files which its patterns cover as well."""
    found = {}
    for each in components:
        others = [
            name
            for name, paths in owned.items()
            if name != each.name and any(matches(path, each.paths) for path in paths)
        ]
        if others:
            found[each.name] = tuple(sorted(others))
    return found


def cover(files: Collection[str], others: Iterable[str]) -> tuple[str, ...]:
    """Return the fewest patterns, of whole folders and files, that cover `files`, no `others`.

    They are anchored and have no globs, so that each is one place in the tree of paths.
    """
    mixed = {folder for path in others for folder in _folders(path)}
    return tuple(
        sorted(
            {
                literal_pattern(next((f for f in _folders(path) if f not in mixed), path))
                for path in files
            }
        )
    )


def _folders(path: str) -> Iterator[str]:
    """Yield the folders around a path with a `/` at the end, the outermost first."""
    end = path.find("/")
    while end >= 0:
        yield path[: end + 1]
        end = path.find("/", end + 1)
