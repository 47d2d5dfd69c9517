"""The words of a whole repository: what none of its files mentions, nothing in it uses."""

import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

from shared.targets.tree import Tree

WORD = re.compile(rb"\w+")
MAX_FILE_BYTES = 1_000_000
MAX_REMEMBERED_FILES = 20_000
MIN_PART_CHARACTERS = 3


@lru_cache(maxsize=MAX_REMEMBERED_FILES)
def words_of(content: bytes) -> Counter[str]:
    """Count the words of a file, in code, comments and texts alike."""
    found = Counter(WORD.findall(content))
    return Counter({word.decode(errors="replace"): count for word, count in found.items()})


class RepositoryWords:
    """How often each word is in the files of a tree, without those of more than 1 MB.

    Where they are known of a tree `like` this one, only the files are counted that differ.
    `by_path` has the contents that were counted, and `total` how often each word is in them.
    """

    def __init__(self, tree: Tree, like: "RepositoryWords | None" = None) -> None:
        self.by_path: dict[str, bytes] = {} if like is None else like.by_path.copy()
        self.total: Counter[str] = Counter() if like is None else like.total.copy()
        paths = tree.files()
        for path in self.by_path.keys() - set(paths):
            self._remove(path)
        for path in paths:
            content = tree.read(path) or b""
            if self.by_path.get(path) != content:
                self._remove(path)
                self._add(path, content)

    def replace(self, files: Mapping[str, str]) -> None:
        """Count other texts of these files from now on."""
        for path, text in files.items():
            self._remove(path)
            self._add(path, text.encode())

    def _remove(self, path: str) -> None:
        """Take back the words of a file, if they were counted."""
        self.total.subtract(words_of(self.by_path.pop(path, b"")))

    def _add(self, path: str, content: bytes) -> None:
        """Count the words of a file."""
        if len(content) <= MAX_FILE_BYTES:
            self.by_path[path] = content
            self.total.update(words_of(content))

    def count(self, name: str) -> int:
        """Return how often a name is mentioned, its definition included."""
        return self.total[name]

    def may_be_composed(self, name: str) -> bool:
        """Return whether a part of a name is a word that ends or begins with an underscore.

        `getattr(self, f"visit_{kind}")` uses `visit_name` without spelling it.
        """
        cuts = [n for n, letter in enumerate(name) if letter == "_" and 0 < n < len(name) - 1]
        parts = [part for n in cuts for part in (name[: n + 1], name[n:])]
        return any(
            self.total[part] > 0
            for part in parts
            if len(part.strip("_")) >= MIN_PART_CHARACTERS - 1
        )
