"""Rules about modules that import each other while they are loaded."""

import posixpath
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from shared.contracts.base import Severity
from shared.detectors.imports.cutting import Redirection
from shared.detectors.imports.graph import Edge, components, shortest_path
from shared.detectors.imports.moves import Move, find_moves
from shared.detectors.imports.qualified import QualifiedImport
from shared.detectors.imports.survey import Found, Survey
from shared.detectors.texts import Edit, Edits

CYCLE, TYPE_ONLY, INDIRECT, DEFERRABLE = "cycle", "type-only", "indirect", "deferrable"
LATER = "The cycles behind it are opened first."


def find_cycles(survey: Survey) -> Iterator[Found]:
    """Yield one finding for each file that is in a cycle, at the import that leads into it."""
    graph = survey.graph
    moves = [each for each in find_moves(survey.cuts) if _is_of_one_component(survey, each)]
    moved = {path for each in moves for path in (each.source, each.target)}
    told = {told_at(survey, each) for each in lasting_cycles(survey)}
    for cycle in graph.cycles:
        inside = {path: graph.loaded[path] & cycle for path in cycle}
        for path in sorted(cycle):
            chain = shortest_path(inside, path, path)
            first = next(e for e in graph.edges[path] if e.imported == chain[1])
            yield Found(
                CYCLE,
                Severity.WARNING,
                path,
                first.site.line,
                f"It is in an import cycle: {survey.chain(chain)}.",
                identity="module",
                is_fixable=path in moved,
                advice=path in told,
            )


def lasting_cycles(survey: Survey) -> list[frozenset[str]]:
    """Return the cycles that stay when all imports are cut that can and may be."""
    are_cut = survey.source.profile.config.policy.unsafe_fixes
    return components(survey.cuts.left() if are_cut else survey.graph.loaded)


def told_at(survey: Survey, cycle: Collection[str]) -> str:
    """Return the file of a cycle whose component is told of all of it: the first that has one."""
    return min(cycle, key=lambda path: (not survey.source.component(path), path))


def _is_of_one_component(survey: Survey, move: Move) -> bool:
    """Return whether one component owns both files of a move, and a patch may touch them."""
    source, paths = survey.source, (move.source, move.target)
    return len({source.component(each) for each in paths}) == 1 and all(
        map(source.is_editable, paths)
    )


def find_cuts(survey: Survey) -> Iterator[Found]:
    """Yield the imports by which cycles can be opened, with what would open them."""
    for edges in survey.cuts.indirect:
        yield from _indirect(survey, edges)
    for found in survey.cuts.qualified:
        yield _qualified(survey, found)
    for each in survey.cuts.type_only:
        yield from _by_statement(
            survey,
            each,
            TYPE_ONLY,
            "Only annotations need this import, and it closes a cycle with {}.",
        )
    for each in survey.cuts.deferrable:
        yield from _by_statement(
            survey,
            each,
            DEFERRABLE,
            "Only calls of functions need this import, and it closes a cycle with {}.",
        )


def _by_statement(
    survey: Survey, edges: Sequence[Edge], code: str, message: str
) -> Iterator[Found]:
    """Yield one finding for each import statement of the edges between two files.

    What is better cut later cannot be fixed now: it would be left to a person without need.
    """
    is_later = tuple(edges) in survey.cuts.later
    for line in dict.fromkeys(each.site.line for each in edges):
        edge = next(each for each in edges if each.site.line == line)
        yield Found(
            code,
            Severity.WARNING,
            edge.importer,
            line,
            message.format(survey.named([edge.imported])) + (f" {LATER}" if is_later else ""),
            edge.site.end_line,
            is_fixable=not is_later,
        )


def _indirect(survey: Survey, found: Redirection) -> Iterator[Found]:
    """Yield one finding for each statement that imports by way of a package around the file."""
    by_line: dict[int, list[tuple[Edge, tuple[str, str]]]] = defaultdict(list)
    for edge, origin in zip(found.edges, found.origins, strict=True):
        by_line[edge.site.line].append((edge, origin))
    for pairs in by_line.values():
        edge = pairs[0][0]
        homes = [path for _, (path, _) in pairs]
        yield _redirected(survey, edge, homes, list(_statements(survey, pairs)))


def _qualified(survey: Survey, found: QualifiedImport) -> Found:
    """Return the finding of a statement that imports the package around the file as a whole."""
    by_home: dict[str, list[str]] = defaultdict(list)
    for bound, (home, name) in found.origins.items():
        by_home[home].append(_alias(name, bound))
    edge, homes = found.edge, sorted(by_home)
    is_relative = bool(edge.site.level)
    statements = [
        _statement(reference(survey, edge.importer, each, is_relative=is_relative), by_home[each])
        for each in homes
    ]
    return _redirected(survey, edge, homes, statements, found.shortened)


def _redirected(
    survey: Survey, edge: Edge, homes: Iterable[str], statements: Sequence[str], more: Edits = ()
) -> Found:
    """Return the finding of an import that these statements and other edits replace."""
    site = edge.site
    last = survey.text(edge.importer, site.end_line, site.end_line)
    end = (site.end_line, len(last.rstrip("\r\n")) + 1)
    newline = "\r\n" if last.endswith("\r\n") else "\n"
    return Found(
        INDIRECT,
        Severity.WARNING,
        edge.importer,
        site.line,
        f"{survey.named([edge.imported])} imports this file, and only passes on what "
        f"{survey.named(dict.fromkeys(homes))} defines.",
        site.end_line,
        is_fixable=True,
        edits=(Edit((site.line, 1), end, newline.join(statements)), *more),
    )


def _statements(survey: Survey, pairs: Sequence[tuple[Edge, tuple[str, str]]]) -> Iterator[str]:
    """Yield the import statements that take each name from the file that defines it."""
    edge = pairs[0][0]
    taken = {each.site.bound for each, _ in pairs}
    sites = [e for e in survey.graph.facts[edge.importer].imports if e.line == edge.site.line]
    rest = [_alias(each.name, each.bound) for each in sites if each.bound not in taken]
    if rest:
        yield _statement(f"{'.' * edge.site.level}{edge.site.module}", rest)
    by_origin: dict[str, list[str]] = defaultdict(list)
    for each, (path, name) in pairs:
        by_origin[path].append(_alias(name, each.site.bound))
    for path in sorted(by_origin):
        module = reference(survey, edge.importer, path, is_relative=bool(edge.site.level))
        yield _statement(module, by_origin[path])


def _statement(module: str, names: Iterable[str]) -> str:
    """Return an import statement."""
    return f"from {module} import {', '.join(names)}"


def _alias(name: str, bound: str) -> str:
    """Return how a name is imported under another one."""
    return name if name == bound else f"{name} as {bound}"


def reference(survey: Survey, importer: str, path: str, *, is_relative: bool) -> str:
    """Return a file as an import statement of another one names it."""
    modules = survey.graph.modules
    name = modules.name(path)
    if not is_relative:
        return name
    here, there = modules.package(importer).split("."), name.split(".")
    common = len(posixpath.commonprefix([here, there]))
    return "." * (len(here) - common + 1) + ".".join(there[common:])
