"""The definitions of a large file that use each other, and none of the others."""

import ast
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

from shared.detectors.imports.facts import Definition, read_facts
from shared.detectors.imports.graph import components
from shared.kernel.syntax import parse

MIN_LINES, MIN_DEFINITIONS, MIN_CLUSTER = 800, 20, 4
# What more of the definitions than this share use does not hold a cluster together.
HUB_SHARE = 0.25
MAX_CACHED_MODULES = 256
Cluster = tuple[Definition, ...]


def clusters(content: bytes, without: Collection[str] = ()) -> list[Cluster]:
    """Return the definitions of a large file in clusters of at least four that use each other.

    What much of the file uses is in none of them. Returns nothing for a file that is not large, or
    would not be any more without some of its definitions.
    """
    facts = read_facts(content)
    every = facts.definitions if facts else ()
    kept = {each.name: each for each in every if each.name not in without}
    gone = [each for each in every if each.name in without]
    lines = (facts.lines if facts else 0) - line_count(gone)
    if lines < MIN_LINES or len(kept) < MIN_DEFINITIONS:
        return []
    parts = [sorted((kept[e] for e in c), key=_line) for c in components(_links(content, kept))]
    return sorted((tuple(e) for e in parts if len(e) >= MIN_CLUSTER), key=lambda e: _line(e[0]))


def line_count(definitions: Sequence[Definition]) -> int:
    """Return how many lines some definitions have."""
    return sum(each.end_line - each.line + 1 for each in definitions)


def _links(content: bytes, names: Collection[str]) -> Mapping[str, Collection[str]]:
    """Return which of some definitions use each other, in both directions, without hubs."""
    uses = {k: v & set(names) for k, v in _uses_of(content).items() if k in names}
    counts = Counter(each for used in uses.values() for each in used)
    both: dict[str, set[str]] = {e: set() for e in names if counts[e] <= HUB_SHARE * len(names)}
    for name, used in uses.items():
        for other in used & both.keys() - {name}:
            if name in both:
                both[name].add(other)
                both[other].add(name)
    return both


@lru_cache(maxsize=MAX_CACHED_MODULES)
def _uses_of(content: bytes) -> Mapping[str, set[str]]:
    """Return which of the others each definition at the top level of a file uses."""
    facts = read_facts(content)
    names = frozenset(each.name for each in facts.definitions) if facts else frozenset[str]()
    found: dict[str, set[str]] = defaultdict(set)
    for node in parse(content).body:
        used = {e.id for e in ast.walk(node) if isinstance(e, ast.Name)} & names
        own = {getattr(node, "name", "")} | {
            e.id for e in ast.walk(node) if isinstance(e, ast.Name) and isinstance(e.ctx, ast.Store)
        }
        for each in own & names:
            found[each] |= used
    return found


def _line(definition: Definition) -> int:
    """Return the first line of a definition."""
    return definition.line
