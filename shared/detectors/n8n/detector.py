"""The detector over workflows of n8n, and its workspace."""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding
from shared.detectors.findings import Fingerprints, rule_id
from shared.detectors.n8n.facts.types import node_types
from shared.detectors.n8n.graph import WorkflowGraph
from shared.detectors.n8n.problem import (
    RULES,
    TOOL,
    Subject,
    WorkflowOptions,
    WorkflowProblem,
    WorkflowRule,
)
from shared.detectors.n8n.rules import __all__ as _modules
from shared.detectors.n8n.shape import shape_errors
from shared.detectors.n8n.workflow import NotReadable, Workflow, read_workflows
from shared.detectors.ports import FixableFinding, Measured, Source
from shared.detectors.sources import owned_texts
from shared.targets.languages import WORKFLOW

# Counted up with each change of what is found.
MEASURING = 2
MAX_CHARACTERS = 5_000_000
DEFAULT_OPTIONS = WorkflowOptions()
INVALID = WorkflowRule(
    "invalid-workflow",
    Severity.ERROR,
    "n8n refuses a workflow that is not formed as it expects.",
    lambda _: iter(()),
)


@dataclass(frozen=True)
class FoundProblem(FixableFinding):
    """A finding with the workflow that it is about, from which a fixer makes its edits."""

    subject: Subject | None = None
    problem: WorkflowProblem | None = None


@dataclass(frozen=True)
class WorkflowRules:
    """Which rules are looked for: those of `select` (empty: all), and none of `ignore`."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    options: WorkflowOptions = DEFAULT_OPTIONS

    def rules(self) -> list[WorkflowRule]:
        """Return the rules that are chosen."""
        chosen = (each for each in RULES.values() if not self.select or each.code in self.select)
        return [each for each in chosen if each.code not in self.ignore]


class WorkflowDetector:
    """Findings in the workflows of a target, by the rules that its configuration chooses."""

    name = tool = TOOL
    files = ("*.json",)
    single_file = True
    security = runs_target_code = False

    def __init__(
        self, choice: Callable[[Source], WorkflowRules] = lambda _: WorkflowRules()
    ) -> None:
        self._choice = choice

    @property
    def version(self) -> str:
        """A number of how it measures, and digests of the rules and of the known node types."""
        known = ",".join((*sorted(RULES), *_modules, *sorted(node_types())))
        return f"{TOOL}-{MEASURING}-{hashlib.sha256(known.encode()).hexdigest()[:8]}"

    async def measure(self, source: Source, paths: Collection[str] | None = None) -> Measured:
        """Return the findings in the components' workflows, or in the files `paths` alone."""
        if paths is None:
            owned = owned_texts(source, WORKFLOW.has_suffix)
            texts, notes = owned.texts, owned.notes
        else:
            texts, notes = source.texts(paths), ()
        choice, findings, lines = self._choice(source), list[Finding](), Counter[str]()
        for path, text in sorted(texts.items()):
            found = find_problems(source, path, text, choice)
            findings += [each.finding for each in found.problems]
            notes = (*notes, found.note) if found.note else notes
            if found.lines:
                lines[source.component(path)] += found.lines
        return Measured(tuple(findings), lines if paths is None else {}, notes)

    @contextmanager
    def open_workspace(
        self, source: Source, files: Mapping[str, str]
    ) -> Iterator["WorkflowWorkspace"]:
        """Open a workspace in memory."""
        yield WorkflowWorkspace(source, files, self._choice(source))


@dataclass(frozen=True)
class InspectedFile:
    """What is found in a file, by line, and a note if it was not looked at.

    `lines` are those of its nodes: connections of missing nodes and pinned data make no workflow
    larger. There are none where the file is no workflow.
    """

    problems: Sequence[FoundProblem] = ()
    note: str = ""
    lines: int = 0


def find_problems(source: Source, path: str, text: str, choice: WorkflowRules) -> InspectedFile:
    """Return what is found in a file."""
    if len(text) > MAX_CHARACTERS:
        return InspectedFile(note=f"Left alone as too large: {path}.")
    try:
        workflows = read_workflows(text)
    except NotReadable as error:
        return InspectedFile(note=f"{path} is not looked at: {error}.")
    found: list[FoundProblem] = []
    maker = _Findings(source, path)
    for each in workflows:
        subject = Subject(each, WorkflowGraph(each), choice.options)
        found += (maker.make(*problem, subject) for problem in _problems(subject, choice.rules()))
    in_order = sorted(found, key=lambda each: each.finding.line)
    return InspectedFile(in_order, lines=sum(each.lines_of_nodes for each in workflows))


def _problems(
    subject: Subject, rules: Collection[WorkflowRule]
) -> Iterator[tuple[WorkflowRule, WorkflowProblem]]:
    """Yield what the rules find in one workflow; what is wrong with its form, where that is."""
    flow = subject.workflow
    errors = shape_errors(flow.json.data)
    for each in errors:
        yield INVALID, WorkflowProblem(flow.json, each, f"Workflow {flow.name!r}: {each}.")
    if not errors:
        for rule in rules:
            for problem in rule.find(subject):
                yield rule, problem


class _Findings:
    """Makes findings of the problems of one file."""

    def __init__(self, source: Source, path: str) -> None:
        self._path = path
        self._component = source.component(path)
        self._with_unsafe = source.profile.config.policy.unsafe_fixes
        self._seen = Fingerprints()

    def make(self, rule: WorkflowRule, problem: WorkflowProblem, subject: Subject) -> FoundProblem:
        """Return a problem as a finding, identified by its subject, not by the text of a line."""
        line = subject.workflow.line(problem.place)
        unwanted = problem.fixable == "unsafe" and not self._with_unsafe
        name = _identity(subject.workflow, problem)
        finding = Finding(
            rule=rule_id(TOOL, rule.code),
            severity=rule.severity,
            message=problem.message,
            path=self._path,
            line=line,
            end_line=line,
            fingerprint=self._seen.next(TOOL, rule.code, self._path, name),
            component=self._component,
            fixable="no" if unwanted else problem.fixable,
            security=rule.security,
            tool=TOOL,
        )
        return FoundProblem(finding, (), subject, problem)


def _identity(workflow: Workflow, problem: WorkflowProblem) -> str:
    """Return what tells a problem from others in its file."""
    return f"{workflow.json.data.get('id') or workflow.name}\0{problem.subject}"


class WorkflowWorkspace:
    """`Workspace` over texts in memory."""

    def __init__(self, source: Source, files: Mapping[str, str], choice: WorkflowRules) -> None:
        self._source = source
        self._files = dict(files)
        self._choice = choice
        self._known: dict[str, Sequence[FoundProblem]] = {}

    def write(self, files: Mapping[str, str]) -> None:
        """Replace the texts of these files."""
        self._files.update(files)
        for path in files:
            self._known.pop(path, None)

    def find(self, rules: Collection[str]) -> list[FixableFinding]:
        """Return the findings of these rules, by path and line."""
        found: list[FixableFinding] = []
        for path in sorted(self._files):
            found += [each for each in self._in_file(path) if each.finding.rule in rules]
        return found

    def _in_file(self, path: str) -> Sequence[FoundProblem]:
        """Return all findings of a file, which are looked for again only after it was written."""
        if path not in self._known:
            text = self._files[path]
            self._known[path] = find_problems(self._source, path, text, self._choice).problems
        return self._known[path]

    def parses(self, path: str) -> bool:
        """Return whether a file is a workflow, formed as n8n expects."""
        try:
            workflows = read_workflows(self._files[path])
        except NotReadable:
            return False
        return bool(workflows) and not any(shape_errors(e.json.data) for e in workflows)

    def format(self, files: Mapping[str, str]) -> dict[str, str]:
        """Return the texts unchanged: edits lay out what is new like what is around it."""
        return dict(files)
