"""Rules about the shape of the import graph: what is unstable, unused or not private."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from shared.contracts.base import Severity
from shared.detectors.imports.facts import ImportPhase
from shared.detectors.imports.graph import Edge
from shared.detectors.imports.modules import is_init
from shared.detectors.imports.survey import Found, Survey

UNSTABLE, ORPHAN, PRIVATE = "unstable", "orphan", "private-name"
# A package is stable if so many files depend on it; another one is unstable beyond this share.
MIN_DEPENDENTS, MIN_INSTABILITY, MIN_DIFFERENCE = 5, 0.7, 0.4
# Modules that tools find by their names.
FOUND_BY_NAME = re.compile(
    r"^(?:__main__|setup|conftest|manage|wsgi|asgi|urls|settings|admin|apps|models|tasks|views|env"
    r"|noxfile|tasks|fabfile|gunicorn.*|conf|test_.*|.*_tests?|tests?|\d.*)$"
)
FOUND_BY_FOLDER = re.compile(
    r"(?:^|/)(?:migrations|management|templatetags|plugins|scripts|bin|examples?|docs?|versions"
    r"|bench(?:marks?)?|tools)/"
)
# What loads modules by names that are computed.
LOADING_BY_NAME = re.compile(
    rb"\b(?:import_module|__import__|iter_modules|walk_packages|load_module|spec_from_file_location)\b"
)
TEXT_FILES = re.compile(r"\.(?:toml|cfg|ini|ya?ml|json|rst|md|txt|html|sh|j2)$|^[A-Z]\w+$")
MAX_TEXT_BYTES = 1_000_000


@dataclass(frozen=True)
class _Package:
    """The dependencies of a package: files outside that use it, and that it uses."""

    dependents: frozenset[str]
    dependencies: frozenset[str]

    @property
    def instability(self) -> float:
        """The share of its dependencies in all: 0 is stable, 1 unstable (Martin 1994)."""
        total = len(self.dependents) + len(self.dependencies)
        return len(self.dependencies) / total if total else 0.0


def find_unstable_dependencies(survey: Survey) -> Iterator[Found]:
    """Yield the first import of a package that is far less stable than the package using it."""
    edges = [e for edges in survey.graph.edges.values() for e in edges if _is_at_run_time(e)]
    between = [(_folder(e.importer), _folder(e.imported), e) for e in edges]
    outside = [each for each in between if each[0] != each[1] and each[0] and each[1]]
    packages = {
        name: _Package(
            frozenset(e.importer for _, target, e in outside if target == name),
            frozenset(e.imported for source, _, e in outside if source == name),
        )
        for name in {name for source, target, _ in outside for name in (source, target)}
    }
    first = {(source, target): edge for source, target, edge in reversed(outside)}
    for (source, target), edge in first.items():
        one, other = packages[source], packages[target]
        if not _contains(source, target) and _is_upside_down(one, other):
            yield _unstable(source, target, edge, one, other)


def _is_upside_down(one: _Package, other: _Package) -> bool:
    """Return whether a package that many files use depends on a far less stable one."""
    difference = other.instability - one.instability
    is_stable = len(one.dependents) >= MIN_DEPENDENTS
    return is_stable and difference >= MIN_DIFFERENCE and other.instability >= MIN_INSTABILITY


def _unstable(source: str, target: str, edge: Edge, one: _Package, other: _Package) -> Found:
    """Return the finding of a stable package that depends on an unstable one."""
    return Found(
        UNSTABLE,
        Severity.NOTE,
        edge.importer,
        edge.site.line,
        f"{len(one.dependents)} files depend on {source}/ (instability {one.instability:.2f}), "
        f"which depends on the less stable {target}/ ({other.instability:.2f}).",
        edge.site.end_line,
        identity=f"{source} {target}",
    )


def find_orphans(survey: Survey) -> Iterator[Found]:
    """Yield the modules that nothing imports, runs or mentions, nor may load by a computed name."""
    alone = [path for path in survey.graph.facts if _is_alone(survey, path)]
    loaded = _loaded_folders(survey) if alone else set()
    alone = [e for e in alone if loaded.isdisjoint(map(str, PurePosixPath(e).parents))]
    mentioned = _mentioned(survey, {_stem(path) for path in alone}) if alone else set()
    for path in alone:
        if _stem(path) not in mentioned:
            yield Found(
                ORPHAN,
                Severity.NOTE,
                path,
                1,
                "No file of the repository imports, runs or mentions this module.",
                identity="module",
            )


def _is_alone(survey: Survey, path: str) -> bool:
    """Return whether nothing imports a module in a folder, nor finds it by its name or place."""
    facts = survey.graph.facts[path]
    return (
        "/" in path
        and not survey.graph.importers[path]
        and not facts.is_script
        and bool(facts.definitions)
        and not is_init(path)
        and not FOUND_BY_NAME.match(_stem(path))
        and not FOUND_BY_FOLDER.search(path)
    )


def _loaded_folders(survey: Survey) -> set[str]:
    """Return the folders of files that load modules by names that are computed."""
    files = (path for path in survey.graph.facts if LOADING_BY_NAME.search(survey.read(path)))
    return {_folder(path) for path in files} - {""}


def _mentioned(survey: Survey, stems: set[str]) -> set[str]:
    """Return the names of modules that a file other than the module has as a word."""
    pattern = re.compile(rb"\b(?:" + b"|".join(map(re.escape, map(str.encode, stems))) + rb")\b")
    found: set[str] = set()
    for path in survey.source.tree.files():
        if path.endswith(".py") or TEXT_FILES.search(path.rpartition("/")[2]):
            content = survey.read(path)[:MAX_TEXT_BYTES]
            words = {each.decode() for each in pattern.findall(content)}
            found |= words - {_stem(path)}
    return found


def find_private_names(survey: Survey) -> Iterator[Found]:
    """Yield the uses of private names of a package that is not the file's own or below it.

    Of a private module or package, only the import is told of, and not the names that are taken.
    """
    for path, edges in survey.graph.edges.items():
        attributes = survey.graph.facts[path].attributes
        told: set[str] = set()
        for edge in edges:
            if (name := _private_part(edge)) and name not in told:
                told.add(name)
                yield _private(survey, edge, name.rpartition("/")[2], edge.site.line)
            if name or not _is_foreign(edge):
                continue
            if _is_private(edge.site.name) and not edge.is_module:
                yield _private(survey, edge, edge.site.name, edge.site.line)
            elif edge.is_module:
                used = {
                    n: line for base, n, line in reversed(attributes) if base == edge.site.bound
                }
                for name in sorted(filter(_is_private, used)):
                    yield _private(survey, edge, name, used[name])


def _private(survey: Survey, edge: Edge, name: str, line: int) -> Found:
    """Return the finding of a private name that a file takes from another package."""
    return Found(
        PRIVATE,
        Severity.NOTE,
        edge.importer,
        line,
        f"`{name}` is private to {survey.named([edge.imported])}, which is in another package.",
    )


def _is_foreign(edge: Edge) -> bool:
    """Return whether an import leads to another package, neither around the file nor below it."""
    here, there = _folder(edge.importer), _folder(edge.imported)
    return bool(here and there) and not _contains(here, there)


def _private_part(edge: Edge) -> str:
    """Return the path of a private module or package that an import reaches from outside.

    It is private to the package that it is in, which may use it everywhere. Empty if there is none.
    """
    parts = edge.imported.removesuffix(".py").split("/")
    for number, part in enumerate(parts):
        package = "/".join(parts[:number])
        if _is_private(part) and package and not edge.importer.startswith(f"{package}/"):
            return f"{package}/{part}"
    return ""


def _contains(one: str, other: str) -> bool:
    """Return whether one folder is the other, or is below it, or the other way round."""
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def _is_private(name: str) -> bool:
    """Return whether a name begins with one underscore."""
    return name.startswith("_") and not name.startswith("__") and len(name) > 1


def _is_at_run_time(edge: Edge) -> bool:
    """Return whether an import is more than one for type checkers."""
    return edge.site.when is not ImportPhase.TYPING


def _folder(path: str) -> str:
    """Return the folder of a file; empty for the root."""
    return path.rpartition("/")[0]


def _stem(path: str) -> str:
    """Return the name of a module without its packages."""
    return path.rpartition("/")[2].removesuffix(".py")
