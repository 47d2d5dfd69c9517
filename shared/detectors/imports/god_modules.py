"""Modules that have become several in one, and how they could be split."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.contracts.base import Severity
from shared.detectors.imports.clusters import Cluster, clusters, line_count
from shared.detectors.imports.facts import Definition
from shared.detectors.imports.graph import reachable
from shared.detectors.imports.modules import INIT, is_init
from shared.detectors.imports.needs import is_replaced, needed_imports
from shared.detectors.imports.survey import Found, Survey

GOD_MODULE = "god-module"
# A word tells what a cluster is about if so large a share of its names have it.
MIN_WORD_SHARE = 1 / 3
WORD = re.compile(r"[A-Z]{3,}(?![a-z])|[A-Z]?[a-z]{3,}")
# Files that may list the modules of a distribution one by one.
BUILD_FILE = re.compile(r"(?:^|/)(?:pyproject\.toml|setup\.(?:py|cfg)|meson\.build|MANIFEST\.in)$")


@dataclass(frozen=True)
class NewModule:
    """A cluster of definitions that becomes the module at `path`, which is about a `topic`.

    `needs` are the import statements that they use, by the name that each binds.
    """

    path: str
    topic: str
    definitions: Cluster
    needs: Mapping[str, str]

    @property
    def names(self) -> list[str]:
        """The names that move, sorted."""
        return sorted(each.name for each in self.definitions)


def find_god_modules(survey: Survey) -> Iterator[Found]:
    """Yield the large modules whose definitions fall into clusters that do not use each other."""
    for path, facts in survey.graph.facts.items():
        parts = clusters(survey.read(path))
        if len(parts) > 1:
            sizes = ", ".join(str(len(each)) for each in parts)
            yield Found(
                GOD_MODULE,
                Severity.NOTE,
                path,
                1,
                f"It has {facts.lines} lines and {len(facts.definitions)} definitions, in "
                f"{len(parts)} clusters that do not use each other, of {sizes} definitions.",
                identity="module",
                is_fixable=bool(find_split(survey, path)),
            )


def find_split(survey: Survey, path: str) -> list[NewModule]:
    """Return the clusters of a file that become modules of their own, until it is no god module.

    The largest one stays. The others may need nothing of the file. Returns nothing where that does
    not suffice, or is more than a patch may change.
    """
    content, found = survey.read(path), list[NewModule]()
    by_size = sorted(clusters(content), key=line_count, reverse=True)
    for each in by_size[1:] if _may_be_split(survey, path, content) else ():
        part = _part(survey, path, each, {part.topic for part in found})
        found += [] if part is None else [part]
        names = {name for part in found for name in part.names}
        if len(clusters(content, names)) <= 1:
            return found if _is_reasonable(survey, path, found) else []
    return []


def _may_be_split(survey: Survey, path: str, content: bytes) -> bool:
    """Return whether a file is a module of a package, which no build lists by itself."""
    folder, _, name = path.rpartition("/")
    builds = [each for each in survey.source.tree.files() if BUILD_FILE.search(each)]
    return (
        f"{folder}/{INIT}.py" in survey.graph.facts
        and not is_init(path)
        and b"\r" not in content
        and not any(name.encode() in survey.read(each) for each in builds)
    )


def _is_reasonable(survey: Survey, path: str, parts: Sequence[NewModule]) -> bool:
    """Return whether a patch may be as large as a split, and no new module is to be split again."""
    content, facts = survey.read(path), survey.graph.facts[path]
    every = {each.name for each in facts.definitions}
    lines = 2 * sum(line_count(each.definitions) for each in parts)
    return lines < survey.source.profile.config.policy.max_lines and not any(
        len(clusters(content, every - {*each.names})) > 1 for each in parts
    )


def _part(survey: Survey, path: str, cluster: Cluster, topics: Collection[str]) -> NewModule | None:
    """Return a cluster of a file as a module of its own; None where it cannot be one."""
    graph, facts = survey.graph, survey.graph.facts[path]
    names = {each.name for each in cluster}
    if any(facts.bindings[e] != 1 or e in facts.rebound or e.startswith("__") for e in names):
        return None
    needs = needed_imports(survey.read(path), names)
    if needs is None or any(is_replaced(graph, path, each) for each in (*names, *needs)):
        return None
    led_to = {e.imported for e in graph.edges[path] if e.site.bound in needs}
    if any(path in {each, *reachable(graph.loaded, each)} for each in led_to):
        return None
    topic = _topic(cluster, {*topics, path.rpartition("/")[2].removesuffix(".py")})
    new = f"{path.removesuffix('.py')}_{topic}.py"
    return NewModule(new, topic, cluster, needs) if _is_free(survey, path, new) else None


def _topic(cluster: Cluster, taken: Collection[str]) -> str:
    """Return the word that most names of a cluster share; else those of its largest definition."""
    counts = Counter(word for each in cluster for word in dict.fromkeys(_words(each)))
    for word, count in counts.most_common():
        if word not in taken and count >= MIN_WORD_SHARE * len(cluster):
            return word
    largest = max(cluster, key=lambda each: each.end_line - each.line)
    return "_".join(_words(largest)) or largest.name.strip("_").lower()


def _words(definition: Definition) -> list[str]:
    """Return the words of a name of three letters or more, in lower case."""
    return [each.lower() for each in WORD.findall(definition.name)]


def _is_free(survey: Survey, path: str, new: str) -> bool:
    """Return whether a patch may put a new module beside a file, as nothing has its name."""
    source, folder = survey.source, f"{new.removesuffix('.py')}/"
    return (
        source.component(new) == source.component(path)
        and all(map(source.is_editable, (path, new)))
        and not any(each == new or each.startswith(folder) for each in source.tree.files())
    )
