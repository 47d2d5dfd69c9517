"""Rules about modules that import each other while they are loaded."""

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from shared.contracts.base import Severity
from shared.detectors.imports.cutting import Redirection
from shared.detectors.imports.graph import Edge, shortest_path
from shared.detectors.imports.moves import Move, find_moves
from shared.detectors.imports.survey import Found, Survey
from shared.detectors.texts import Edit

CYCLE, TYPE_ONLY, INDIRECT, DEFERRABLE = "cycle", "type-only", "indirect", "deferrable"


def find_cycles(survey: Survey) -> Iterator[Found]:
    """Yield one finding for each file that is in a cycle, at the import that leads into it."""
    graph = survey.graph
    moves = [each for each in find_moves(survey.cuts) if _is_of_one_component(survey, each)]
    moved = {path for each in moves for path in (each.source, each.target)}
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
            )


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
    """Yield one finding for each import statement of the edges between two files."""
    for line in dict.fromkeys(each.site.line for each in edges):
        edge = next(each for each in edges if each.site.line == line)
        yield Found(
            code,
            Severity.WARNING,
            edge.importer,
            line,
            message.format(survey.named([edge.imported])),
            edge.site.end_line,
            is_fixable=True,
        )


def _indirect(survey: Survey, found: Redirection) -> Iterator[Found]:
    """Yield one finding for each statement that imports by way of a package around the file."""
    by_line: dict[int, list[tuple[Edge, tuple[str, str]]]] = defaultdict(list)
    for edge, origin in zip(found.edges, found.origins, strict=True):
        by_line[edge.site.line].append((edge, origin))
    for line, pairs in by_line.items():
        edge = pairs[0][0]
        last = survey.text(edge.importer, edge.site.end_line, edge.site.end_line)
        end = (edge.site.end_line, len(last.rstrip("\r\n")) + 1)
        newline = "\r\n" if last.endswith("\r\n") else "\n"
        content = newline.join(_statements(survey, pairs))
        yield Found(
            INDIRECT,
            Severity.WARNING,
            edge.importer,
            line,
            f"{survey.named([edge.imported])} imports this file, and only passes on what "
            f"{survey.named(dict.fromkeys(path for _, (path, _) in pairs))} defines.",
            edge.site.end_line,
            is_fixable=True,
            edits=(Edit((line, 1), end, content),),
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
