"""The engine that imports in functions what is slow to import and only they need."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence

from services.agents.domain.proposals import propose
from services.agents.types.architecture.rules.deferrable import DeferrableImportFixer
from services.agents.types.performance.import_times import ImportTime
from services.agents.types.performance.start_up import (
    RULE,
    RUNS,
    ImportTimesDetector,
    SlowImport,
    milliseconds,
    slow_statements,
    whole_time,
)
from shared.agent_types import FixBehaviour, FixerDeclaration, Priors, Proposal, TaskContext
from shared.behaviour import RepositoryNames
from shared.behaviour.evidence_of_change import check_file
from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding
from shared.detectors.imports.graph import read_graph
from shared.detectors.ports import Change, DetectorResources, FixableFinding

DECLARATION = FixerDeclaration(
    rule=RULE,
    phrase="import what is slow in the functions that need it",
    severity=Severity.NOTE,
    commit_type="perf",
    priors=Priors(safe=0.9, unsafe=0.6),
    behaviour=FixBehaviour(
        "when the module is imported, what it does then, and how long the first call takes",
        unless=("imports.deferred-import",),
    ),
)
WHY = "What is imported with a package is waited for by each program that uses any of it."
# A smaller part of what an import took is noise.
MIN_SAVED = 0.5


class LazyImportEngine:
    """An `Engine` that moves slow imports, and keeps of that what it measures to be faster."""

    def __init__(self, resources: DetectorResources) -> None:
        self._can_measure = resources.commands is not None
        self._detector = ImportTimesDetector(resources)

    async def propose(self, context: TaskContext) -> AsyncIterator[Proposal]:
        """Yield one proposal for each file with slow imports that only functions need."""
        found: dict[str, list[Finding]] = defaultdict(list)
        for each in context.findings:
            if each.rule == RULE and each.fixable == "unsafe" and context.may_change(each.path):
                found[each.path].append(each)
        if not found or not self._can_measure:
            return
        source = context.source
        graph = await asyncio.to_thread(read_graph, source.tree, source.profile.test.pythonpath)
        times = await self._detector.times(source, graph)
        before = slow_statements(times, source, graph)
        for path, findings in sorted(found.items()):
            text = source.text(path) or ""
            fixed, done = await asyncio.to_thread(_fixed, text, findings)
            lines = {findings[each].line for each in done}
            moved = [each for each in before if each.path == path and each.site.line in lines]
            after = await self._detector.times(source, graph, {path: fixed}) if moved else {}
            if gains := _gains(moved, after):
                mine = [findings[each] for each in done]
                for proposal in _proposals(context, path, (text, fixed), mine, gains):
                    yield proposal


def _fixed(text: str, findings: Sequence[Finding]) -> tuple[str, tuple[int, ...]]:
    """Return the text with imports in functions, and the indices of the findings that are gone."""
    return DeferrableImportFixer().fix(text, [FixableFinding(each) for each in findings])


def _gains(
    moved: Sequence[SlowImport], after: Mapping[str, Sequence[ImportTime]]
) -> dict[str, tuple[int, int]]:
    """Return what importing each package took before and takes now, in microseconds.

    Empty where a package has hardly become faster, as something else imports the same.
    """
    found = {}
    for package in sorted({each.package for each in moved}):
        mine = [each for each in moved if each.package == package]
        now = whole_time(after.get(package, ()), package)
        wanted = MIN_SAVED * sum(each.time.total for each in mine)
        if not now or mine[0].whole - now < wanted:
            return {}
        found[package] = (mine[0].whole, now)
    return found


def _proposals(
    context: TaskContext,
    path: str,
    change: Change,
    findings: Sequence[Finding],
    gains: Mapping[str, tuple[int, int]],
) -> list[Proposal]:
    """Return the proposal of one file, with what was measured and whether behaviour stays."""
    source = context.source
    check = check_file(
        path,
        *change,
        DECLARATION.behaviour,
        taken=RepositoryNames(source.tree),
        profile=source.profile,
    )
    measured = "; ".join(
        f"importing `{package}` took {milliseconds(before)}, and takes {milliseconds(after)} now"
        for package, (before, after) in gains.items()
    )
    return propose(
        f"{RULE}/{path}",
        context.task.component,
        DECLARATION,
        findings,
        {path: change},
        safe=not check.open,
        why=f"{WHY} Measured by the agent in the sandbox, the least of {RUNS} runs: {measured}.",
        shown=() if check.open else sorted(check.shown),
    )
