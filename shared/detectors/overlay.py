"""A tree with some of its files replaced."""

import hashlib
from collections.abc import Mapping

from shared.kernel.errors import Rejected
from shared.targets.names import path_problem
from shared.targets.tree import Tree


class OverlayTree:
    """`Tree` over another one: the files in `changes` read as given, or are gone where None.

    Raises `Rejected` where a path of `changes` is not one below the root.
    """

    def __init__(self, base: Tree, changes: Mapping[str, bytes | None]) -> None:
        self._base = base
        self._changes = dict(changes)
        for path in self._changes:
            if problem := path_problem(path):
                raise Rejected(f"{path!r} cannot be changed: {problem}.", code="unsafe_path")

    @property
    def oid(self) -> str:
        """A digest that is equal for equal bases and changes; git has no such object."""
        digest = hashlib.sha1(self._base.oid.encode(), usedforsecurity=False)
        for path, content in sorted(self._changes.items()):
            digest.update(f"\0{path}\0{content!r}".encode())
        return digest.hexdigest()

    def files(self) -> tuple[str, ...]:
        """Return the paths of the regular files after the changes, sorted."""
        gone = {path for path, content in self._changes.items() if content is None}
        return tuple(sorted({*self._base.files(), *self._changes} - gone))

    def read(self, path: str) -> bytes | None:
        """Return the content of a file after the changes; None if there is none."""
        return self._changes[path] if path in self._changes else self._base.read(path)
