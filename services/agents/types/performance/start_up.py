"""The detector of imports that make a target's packages slow to import, by measuring them."""

import asyncio
import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from services.agents.types.performance.import_times import (
    ImportTime,
    least_of,
    parse_import_times,
    slow_imports,
)
from services.agents.types.performance.measuring import MeasuringDetector
from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding
from shared.detectors.findings import Fingerprints, rule_id
from shared.detectors.imports.cutting import MAX_FUNCTIONS, read_uses
from shared.detectors.imports.facts import ImportPhase, ImportSite
from shared.detectors.imports.graph import ImportGraph, read_graph
from shared.detectors.imports.modules import is_init
from shared.detectors.ports import Measured, Source, TargetCommands
from shared.detectors.texts import line_at, split_lines

TOOL, CODE = "importtime", "PRF801"
RULE = rule_id(TOOL, CODE)
RUNS = 3
SEPARATOR = "---- once more ----"
MAX_PACKAGES = 5
TIMEOUT_SECONDS = 120.0
MILLISECOND = 1000  # in microseconds
# Python's own modules take little time, and nobody is served by deferring them.
STANDARD = sys.stdlib_module_names


@dataclass(frozen=True)
class SlowImport:
    """An import statement of a file, and the time that it takes when its package is imported.

    `whole` is what that takes altogether, in microseconds.
    """

    path: str
    site: ImportSite
    package: str
    time: ImportTime
    whole: int
    is_deferrable: bool


class ImportTimesDetector(MeasuringDetector):
    """Imports each package of a target in the sandbox, if it imports something from outside."""

    name: ClassVar[str] = "import_times"
    tool: ClassVar[str] = TOOL
    code: ClassVar[str] = CODE
    version: ClassVar[str] = f"{TOOL}-1"

    async def run(self, source: Source, commands: TargetCommands) -> Measured:  # noqa: ARG002
        """Return a finding for each slow import."""
        graph = await asyncio.to_thread(read_graph, source.tree, source.profile.test.pythonpath)
        found = slow_statements(await self.times(source, graph), source, graph)
        return Measured(tuple(_findings(source, found)), {})

    async def times(
        self, source: Source, graph: ImportGraph, files: Mapping[str, str] | None = None
    ) -> Mapping[str, list[ImportTime]]:
        """Return the imports that each package makes, with these texts instead of the tree's own.

        Each has the least time of several runs.
        """
        found = {}
        for package in packages(source, graph) if self._commands is not None else ():
            printed = await self._commands.read(  # type: ignore[union-attr]
                source, _script(package), files, timeout=TIMEOUT_SECONDS
            )
            found[package] = least_of([*map(parse_import_times, printed.split(SEPARATOR))])
        return found


def packages(source: Source, graph: ImportGraph) -> list[str]:
    """Return the packages of a target, by name, that import something from outside of it."""
    outside: Counter[str] = Counter()
    for path, facts in graph.facts.items():
        if not source.is_editable(path):
            continue
        top = graph.modules.name(path).partition(".")[0]
        outside[top] += sum(_is_foreign(each, graph) for each in facts.imports)
    roots = {graph.modules.name(path) for path in graph.facts if is_init(path)}
    names = [name for name, count in outside.most_common() if count and name in roots]
    return sorted(each for each in names if each.isidentifier())[:MAX_PACKAGES]


def _is_foreign(site: ImportSite, graph: ImportGraph) -> bool:
    """Return whether loading a file imports a module that is neither the target's nor Python's."""
    top = site.module.partition(".")[0]
    loads = site.when is ImportPhase.LOADING and not site.level
    return loads and top not in STANDARD and not graph.modules.is_ours(top)


def _script(package: str) -> str:
    """Return the shell script that imports a package several times, and prints how long it took."""
    once = f"python -X importtime -c {shlex.quote(f'import {package}')} 2>&1 >/dev/null"
    return "\n".join([once, *[f"echo {SEPARATOR}; {once}"] * (RUNS - 1)])


def slow_statements(
    times: Mapping[str, Sequence[ImportTime]], source: Source, graph: ImportGraph
) -> list[SlowImport]:
    """Return the slow imports of packages, at the statements that make them."""
    found = []
    for package, imports in times.items():
        for each in slow_imports(imports, [package]):
            path = graph.modules.find(each.parent)
            site = None if path is None else _site(graph, path, each.module)
            if path is not None and site is not None and source.is_editable(path):
                is_deferrable = _is_deferrable(source, path, site)
                whole = whole_time(imports, package)
                found.append(SlowImport(path, site, package, each, whole, is_deferrable))
    return found


def whole_time(imports: Sequence[ImportTime], package: str) -> int:
    """Return how many microseconds it takes to import a package with all that it imports."""
    return max((each.total for each in imports if each.module == package), default=0)


def _site(graph: ImportGraph, path: str, module: str) -> ImportSite | None:
    """Return the first statement of a file that imports a module from outside, while it loads."""
    top = module.partition(".")[0]
    loading = (e for e in graph.facts[path].imports if e.when is ImportPhase.LOADING)
    return next((e for e in loading if e.module.partition(".")[0] == top and not e.level), None)


def _is_deferrable(source: Source, path: str, site: ImportSite) -> bool:
    """Return whether only a few functions need what is imported, so that they can import it."""
    if not source.profile.config.policy.unsafe_fixes or not site.is_plain or is_init(path):
        return False
    functions = read_uses(source.tree.read(path) or b"").calling_functions(site.bound)
    return functions is not None and 0 < len(functions) <= MAX_FUNCTIONS


def _findings(source: Source, found: Sequence[SlowImport]) -> Iterator[Finding]:
    """Yield a finding for each slow import, in the order of paths and lines."""
    fingerprints = Fingerprints()
    for each in sorted(found, key=lambda each: (each.path, each.site.line)):
        lines = split_lines(source.text(each.path) or "")
        yield Finding(
            rule=RULE,
            severity=Severity.NOTE,
            message=(
                f"Importing `{each.time.module}` takes {milliseconds(each.time.total)} of the "
                f"{milliseconds(each.whole)} that importing its package takes."
            ),
            path=each.path,
            line=each.site.line,
            end_line=each.site.end_line,
            fingerprint=fingerprints.next(TOOL, CODE, each.path, line_at(lines, each.site.line)),
            component=source.component(each.path),
            fixable="unsafe" if each.is_deferrable else "no",
            tool=TOOL,
        )


def milliseconds(microseconds: int) -> str:
    """Return a time in words."""
    return f"{microseconds / MILLISECOND:.0f} ms"
