"""The detector of tests that take a considerable part of the time of all tests."""

import ast
import asyncio
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from services.agents.types.performance.section import rule_choice, section
from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding
from shared.detectors.findings import Fingerprints, rule_id
from shared.detectors.imports.graph import ImportGraph, read_graph
from shared.detectors.ports import DetectorResources, Measured, Source
from shared.kernel.syntax import parse

TOOL, CODE = "durations", "PRF902"
RULE = rule_id(TOOL, CODE)
MIN_SHARE, MIN_SECONDS = 0.1, 1.0
MAX_TESTS = 5
MAX_NAME_CHARACTERS = 200
# Between the file and the names in an id of pytest or Jest.
SEPARATOR = re.compile(r"::| > ")
DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class SlowTest:
    """A test, how long all of its cases take together, and their share of all tests' time."""

    id: str
    seconds: float
    share: float
    cases: int


class SlowTestsDetector:
    """Finds the slowest tests by the durations that a baseline reported; it runs nothing."""

    name: ClassVar[str] = "slow_tests"
    tool: ClassVar[str] = TOOL
    version: ClassVar[str] = f"{TOOL}-1"
    files: ClassVar[tuple[str, ...]] = ("*",)
    single_file: ClassVar[bool] = False
    security: ClassVar[bool] = False
    runs_target_code: ClassVar[bool] = False

    def __init__(self, resources: DetectorResources) -> None:
        self._durations = resources.durations

    async def edition(self, target_id: str) -> str:
        """Return a digest of which tests are slow; empty if none is, or none was measured."""
        names = "\0".join(sorted(each.id for each in await self._slow_tests(target_id)))
        return f"{TOOL}-{hashlib.sha256(names.encode()).hexdigest()[:12]}" if names else ""

    async def measure(self, source: Source, paths: Collection[str] | None = None) -> Measured:
        """Return a finding for each slow test; none where no baseline was measured."""
        wanted = section(source).advice and rule_choice(source).includes(CODE)
        slow = await self._slow_tests(source.target_id) if wanted else []
        if not slow:
            return Measured((), {})
        graph = await asyncio.to_thread(read_graph, source.tree, source.profile.test.pythonpath)
        found = tuple(_findings(source, slow, graph))
        return Measured(tuple(e for e in found if paths is None or e.path in paths), {})

    async def _slow_tests(self, target_id: str) -> list[SlowTest]:
        """Return the slow tests of a target, as far as durations are known."""
        if self._durations is None:
            return []
        return slow_tests(await self._durations.seconds_by_test(target_id))


def slow_tests(seconds_by_test: Mapping[str, float]) -> list[SlowTest]:
    """Return the slowest tests, the slowest first; the cases of a test of pytest are added up."""
    seconds: dict[str, float] = defaultdict(float)
    cases: Counter[str] = Counter()
    for case, taken in seconds_by_test.items():
        test = case.partition("[")[0] if "::" in case else case
        seconds[test] += taken
        cases[test] += 1
    whole = sum(seconds.values())
    slowest = sorted(seconds.items(), key=lambda each: (-each[1], each[0]))[:MAX_TESTS]
    return [
        SlowTest(test, taken, taken / whole, cases[test])
        for test, taken in slowest
        if taken >= max(MIN_SECONDS, MIN_SHARE * whole)
    ]


def _findings(source: Source, slow: Sequence[SlowTest], graph: ImportGraph) -> Iterator[Finding]:
    """Yield the findings for slow tests whose files are known, the slowest first."""
    fingerprints = Fingerprints()
    for each in slow:
        path, *names = _place(source, each.id, graph)
        if not path:
            continue
        cases = f" in {each.cases} cases" if each.cases > 1 else ""
        yield Finding(
            rule=RULE,
            severity=Severity.NOTE,
            message=(
                f"`{each.id[:MAX_NAME_CHARACTERS]}` takes {each.seconds:.1f} s{cases}, "
                f"{each.share:.0%} of the time of all tests."
            ),
            path=path,
            line=_line(source.text(path) or "", names) if path.endswith(".py") else 1,
            fingerprint=fingerprints.next(TOOL, CODE, path, each.id),
            component=_component(source, path, graph),
            tool=TOOL,
        )


def _place(source: Source, test: str, graph: ImportGraph) -> list[str]:
    """Return the file of a test, empty if it is not known, and the names that lead to it there."""
    path, *names = SEPARATOR.split(test)
    if source.tree.read(path) is not None:
        return [path, *names]
    module, *dotted = test.rsplit(".", 2)  # unittest: module, class and method
    return [graph.modules.find(module) or "", *dotted]


def _line(text: str, names: Sequence[str]) -> int:
    """Return the line of a class or function in a Python file, or of what is known to hold it."""
    try:
        body = parse(text).body
    except (SyntaxError, ValueError):
        return 1
    line = 1
    for name in names:
        found = next((e for e in body if isinstance(e, DEFINITIONS) and e.name == name), None)
        if found is None:
            break
        line, body = found.lineno, found.body
    return line


def _component(source: Source, path: str, graph: ImportGraph) -> str:
    """Return the component of a test's file, or else the one of which it imports most files.

    It is the only one where there are no others; empty if nothing tells.
    """
    tested = Counter(source.component(each.imported) for each in graph.edges.get(path, ()))
    del tested[""]
    names = [each.name for each in source.profile.components]
    only = names[0] if len(names) == 1 else ""
    return source.component(path) or next((name for name, _ in tested.most_common(1)), only)
