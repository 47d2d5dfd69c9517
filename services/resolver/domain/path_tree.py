"""Who claims what in a tree of paths, found in time that grows with the depth of a path alone.

As with the granularity of locks (Gray, Lorie, Putzolu and Traiger 1976): who claims a place leaves
an intention at every place above it. So a claim meets another one either at a place on the way down
to its own, or by the intentions that stand at its own.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from services.resolver.domain.places import Segments


@dataclass
class _Node:
    """A place: who claims it, and how many places below it each holder claims."""

    holders: set[str] = field(default_factory=set)
    intentions: Counter[str] = field(default_factory=Counter)
    children: "dict[str, _Node]" = field(default_factory=dict)

    @property
    def is_free(self) -> bool:
        """Whether nobody claims this place or one below it."""
        return not self.holders and not self.intentions

    def take_back_intention(self, holder: str) -> None:
        """Note that a holder claims one place less below this one."""
        self.intentions[holder] -= 1
        if not self.intentions[holder]:
            del self.intentions[holder]


class PathTree:
    """Claims on places. A claim on a place covers all that is below it."""

    def __init__(self) -> None:
        self._root = _Node()
        self._claimed: dict[str, frozenset[Segments]] = {}

    def add(self, holder: str, places: Iterable[Segments]) -> None:
        """Claim these places for a holder, who may claim others already."""
        known = self._claimed.get(holder, frozenset())
        for segments in set(places) - known:
            node = self._root
            for name in segments:
                node.intentions[holder] += 1
                node = node.children.setdefault(name, _Node())
            node.holders.add(holder)
        self._claimed[holder] = known.union(places)

    def remove(self, holder: str) -> None:
        """Take back all that a holder claims; nothing happens if that is nothing."""
        for segments in self._claimed.pop(holder, ()):
            way = [self._root]
            for name in segments:
                way[-1].take_back_intention(holder)
                way.append(way[-1].children[name])
            way[-1].holders.discard(holder)
            for parent, name in zip(way[-2::-1], reversed(segments), strict=True):
                if parent.children[name].is_free:
                    del parent.children[name]

    def in_the_way(self, places: Iterable[Segments]) -> Iterator[str]:
        """Yield the holders of an ancestor or a descendant of these places, or of one itself.

        A holder may be yielded more than once.
        """
        for segments in places:
            node: _Node | None = self._root
            for name in segments:
                if node is not None:
                    yield from node.holders
                    node = node.children.get(name)
            if node is not None:
                yield from node.holders
                yield from node.intentions
