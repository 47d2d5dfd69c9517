"""Rules about layers: those that a target declares, and those that most of its imports keep."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.contracts.base import Severity
from shared.detectors.imports.contracts import read_linter_settings
from shared.detectors.imports.facts import ImportPhase
from shared.detectors.imports.graph import Edge
from shared.detectors.imports.survey import Found, Survey

LAYER, INFERRED_LAYER = "layer", "inferred-layer"
# So many imports in one direction make one in the other direction an exception.
MIN_MAJORITY = 5


@dataclass(frozen=True)
class Layers:
    """Layers from the highest to the lowest, each of modules that may not import each other.

    `source` says where they are declared, and `ignored` are pairs of modules of which the first
    may import the second all the same.
    """

    layers: tuple[tuple[str, ...], ...]
    source: str
    ignored: frozenset[tuple[str, str]] = frozenset()

    def violated(self, importer: str, imported: str) -> bool:
        """Return whether one module may not import the other, by their dotted names."""
        one, other = self._place(importer), self._place(imported)
        if one is None or other is None or (importer, imported) in self.ignored:
            return False
        return other[0] < one[0] or (other[0] == one[0] and other[1] != one[1])

    def _place(self, module: str) -> tuple[int, str] | None:
        """Return the number of a module's layer, and which name of it the module is below."""
        for number, names in enumerate(self.layers):
            for name in names:
                if module == name or module.startswith(f"{name}."):
                    return number, name
        return None


def find_violated_layers(survey: Survey) -> Iterator[Found]:
    """Yield the imports that go up from a declared layer to a higher one."""
    declared = declared_layers(survey)
    for edge in _edges(survey):
        names = tuple(map(survey.graph.modules.name, (edge.importer, edge.imported)))
        broken = next((each for each in declared if each.violated(*names)), None)
        if broken is not None:
            yield Found(
                LAYER,
                Severity.WARNING,
                edge.importer,
                edge.site.line,
                f"`{names[0]}` imports `{names[1]}`, which is in a higher layer or beside it, "
                f"as {broken.source} declares them.",
                edge.site.end_line,
            )


def declared_layers(survey: Survey) -> list[Layers]:
    """Return the layers in the target's own section, and those of its import-linter contracts."""
    found = []
    if survey.options.layers:
        rows = tuple(map(_alternatives, survey.options.layers))
        found.append(Layers(rows, "groundswell.toml"))
    settings = read_linter_settings(survey)
    for contract in settings.contracts if settings else ():
        if settings and contract.get("type") == "layers":
            found += _of_contract(settings.path, contract)
    return found


def _of_contract(source: str, contract: Mapping[str, Any]) -> Iterator[Layers]:
    """Yield the layers of a contract, in each of its containers; none where it has wildcards."""
    layers = [str(each) for each in contract.get("layers", ())]
    ignored = [str(each) for each in contract.get("ignore_imports", ())]
    containers = [str(each) for each in contract.get("containers", ())]
    if any("*" in each for each in (*layers, *ignored, *containers)) or any(
        ":" in e for e in layers
    ):
        return
    pairs = frozenset((a.strip(), b.strip()) for a, _, b in (e.partition("->") for e in ignored))
    for container in containers or [""]:
        prefix = f"{container}." if container else ""
        rows = tuple(tuple(prefix + e for e in _alternatives(row)) for row in layers)
        yield Layers(rows, source, pairs)


def _alternatives(row: str) -> tuple[str, ...]:
    """Return the names of one layer, without the brackets of those that may be missing."""
    return tuple(each.strip().strip("()") for each in row.split("|"))


def find_inferred_layers(survey: Survey) -> Iterator[Found]:
    """Yield the one import that goes against many between two packages, outside of cycles."""
    between: dict[tuple[str, str], dict[tuple[str, str], Edge]] = defaultdict(dict)
    for edge in _edges(survey):
        units = _unit(survey, edge.importer), _unit(survey, edge.imported)
        if units[0] != units[1] and units[0].partition(".")[0] == units[1].partition(".")[0]:
            between[units].setdefault((edge.importer, edge.imported), edge)
    for (one, other), edges in sorted(between.items()):
        majority = len(between.get((other, one), ()))
        edge = next(iter(edges.values()))
        in_cycle = edge.imported in survey.graph.cycle_of(edge.importer)
        if len(edges) == 1 and majority >= MIN_MAJORITY and not in_cycle:
            yield Found(
                INFERRED_LAYER,
                Severity.NOTE,
                edge.importer,
                edge.site.line,
                f"`{one}` imports `{other}` only here, while `{other}` imports it in "
                f"{majority} files: it seems to be the lower layer.",
                edge.site.end_line,
            )


def _edges(survey: Survey) -> Iterator[Edge]:
    """Yield the imports that are more than ones for type checkers."""
    for edges in survey.graph.edges.values():
        yield from (each for each in edges if each.site.when is not ImportPhase.TYPING)


def _unit(survey: Survey, path: str) -> str:
    """Return the first two parts of a file's dotted name, by which it belongs to a subpackage."""
    return ".".join(survey.graph.modules.name(path).split(".")[:2])
