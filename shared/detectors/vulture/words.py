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
    """How often each word is in the files of a tree, without those of more than 1 MB."""

    def __init__(self, tree: Tree) -> None:
        self._by_path: dict[str, bytes] = {}
        self._total: Counter[str] = Counter()
        for path in tree.files():
            self._add(path, tree.read(path) or b"")

    def replace(self, files: Mapping[str, str]) -> None:
        """Count other texts of these files from now on."""
        for path, text in files.items():
            self._total.subtract(words_of(self._by_path.pop(path, b"")))
            self._add(path, text.encode())

    def _add(self, path: str, content: bytes) -> None:
        """Count the words of a file."""
        if len(content) <= MAX_FILE_BYTES:
            self._by_path[path] = content
            self._total.update(words_of(content))

    def count(self, name: str) -> int:
        """Return how often a name is mentioned, its definition included."""
        return self._total[name]

    def may_be_composed(self, name: str) -> bool:
        """Return whether a part of a name is a word that ends or begins with an underscore.

        `getattr(self, f"visit_{kind}")` uses `visit_name` without spelling it.
        """
        cuts = [n for n, letter in enumerate(name) if letter == "_" and 0 < n < len(name) - 1]
        parts = [part for n in cuts for part in (name[: n + 1], name[n:])]
        return any(
            self._total[part] > 0
            for part in parts
            if len(part.strip("_")) >= MIN_PART_CHARACTERS - 1
        )
