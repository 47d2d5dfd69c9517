"""Which symbolic links of a tree stay inside of it."""

from collections.abc import Collection, Iterator, Mapping

# As many links as Linux follows in one path.
MAX_FOLLOWED_LINKS = 40
MAX_TARGET_BYTES = 4095
# Bounds the work on trees that are made to be slow; ordinary trees need a few thousand steps.
MAX_STEPS = 1_000_000


def links_inside(links: Mapping[str, str], folders: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield (path, target) of the links whose targets stay below the root.

    Targets are resolved as the kernel does, through other links of the tree, and not as text: `..`
    after a link leaves the folder that the link leads to. `folders` are all folders of the tree. A
    target may be missing, but `..` only leaves a folder of the tree. After `MAX_STEPS` no more are
    yielded.
    """
    resolution = _Resolution(links, frozenset(folders))
    for path, target in links.items():
        if resolution.stays_inside(path):
            yield path, target


class _Resolution:
    def __init__(self, links: Mapping[str, str], folders: frozenset[str]) -> None:
        self._links = links
        self._folders = folders
        self._steps_left = MAX_STEPS

    def stays_inside(self, path: str) -> bool:
        """Return whether a link leads below the root on its whole way; False if it is too long."""
        current = path.split("/")
        pending = [current.pop()]
        followed = 0
        while pending:
            self._steps_left -= 1
            if self._steps_left < 0:
                return False
            name = pending.pop()
            if name == "..":
                if not current or "/".join(current) not in self._folders:
                    return False
                current.pop()
                continue
            if name in {"", "."}:
                continue
            target = self._links.get("/".join((*current, name)))
            if target is None:
                current.append(name)
                continue
            followed += 1
            if followed > MAX_FOLLOWED_LINKS or not _is_relative(target):
                return False
            pending += reversed(target.split("/"))
        return True


def _is_relative(target: str) -> bool:
    """Return whether a link's target is a relative path that Linux accepts."""
    size = len(target.encode(errors="surrogateescape"))
    return 0 < size <= MAX_TARGET_BYTES and not target.startswith("/") and "\0" not in target
