"""Rules about what n8n 2 and 3 removed, changed or switched off."""

import re
from collections.abc import Iterator

from shared.contracts.base import Severity
from shared.detectors.n8n.expressions import is_code, programs_in, texts_in
from shared.detectors.n8n.facts.types import retirements
from shared.detectors.n8n.problem import Fixable, Subject, WorkflowProblem, at_node, rule
from shared.detectors.n8n.replacements import replacement_of
from shared.detectors.n8n.workflow import Node

ENVIRONMENT = re.compile(r"\$env\b|\bprocess\.env\b|\b_env\b|\bos\.environ\b")
PAIRED_ITEM = re.compile(r"\$getPairedItem\b")
EVALUATE = re.compile(r"\$evaluateExpression\b")
SLEEP = re.compile(r"\bsetTimeout\s*\([^;]*?,\s*(\d[\d_]*)\s*\)|\btime\.sleep\(\s*(\d+)")
ACTIVATE = re.compile(r"/api/v\d+/workflows/[^/?]+/(?:de)?activate\b")
# The time that n8n 3 gives a Code node.
MAX_CODE_SECONDS = 60
MILLISECONDS = 1000
REMOVED_SOURCES = frozenset({"url", "localFile"})
# What waits for people; Wait itself does so for a time, too, and is stored if that is long.
WAITING = frozenset({"form"})
WAITING_OPERATIONS = frozenset({"sendAndWait", "dispatchAndWait"})
WAIT_IN_SECONDS_FROM = 1.1
SUSPENDED_FROM_SECONDS = 65
UNIT_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
SAFE_FOLDERS = ("~/.n8n-files", "/home/node/.n8n-files")
FILE_TYPES = frozenset({"readWriteFile", "readBinaryFile", "readBinaryFiles", "writeBinaryFile"})
FILE_PARAMETERS = ("fileSelector", "fileName", "filePath")
SEVERAL_OUTPUTS = frozenset({"if", "switch", "textClassifier", "sentimentAnalysis"})
SEVERITIES = {"removed": Severity.ERROR, "disabled": Severity.WARNING, "outdated": Severity.NOTE}
# The types that have a rule of their own, as some of their nodes can be replaced mechanically.
REPLACED = {
    "n8n-nodes-base.start": "start-node",
    "n8n-nodes-base.function": "function-node",
    "n8n-nodes-base.itemLists": "item-lists-node",
    "n8n-nodes-base.cron": "cron-node",
    "n8n-nodes-base.interval": "interval-node",
}


def _retired(subject: Subject, kind: str, *types: str) -> Iterator[WorkflowProblem]:
    """Yield the nodes of types that went out of use in one way: of these types, else of others."""
    for node in subject.workflow.nodes:
        found = retirements().get(node.type)
        if found is None or found.kind != kind or not found.applies(node.version):
            continue
        if node.type in types or (not types and node.type not in REPLACED):
            words = {
                "removed": "no longer has",
                "disabled": "switches off",
                "changed": "changes",
                "outdated": "replaced",
            }
            fixable: Fixable = "no"
            if types and (replacement := replacement_of(subject, node)):
                fixable = replacement.fixable
            yield at_node(
                node,
                f"n8n {found.since} {words[kind]} its type; use {found.instead}.",
                fixable=fixable,
            )


@rule("start-node", Severity.ERROR)
def start_node(subject: Subject) -> Iterator[WorkflowProblem]:
    """n8n 2 has no Start node: an execution begins with a trigger that says what starts it."""
    return _retired(subject, "removed", "n8n-nodes-base.start")


@rule("function-node", Severity.ERROR)
def function_node(subject: Subject) -> Iterator[WorkflowProblem]:
    """n8n 3 has no Function node; the Code node took its place in n8n 1."""
    return _retired(subject, "removed", "n8n-nodes-base.function")


@rule("item-lists-node", Severity.ERROR)
def item_lists_node(subject: Subject) -> Iterator[WorkflowProblem]:
    """n8n 3 has no Item Lists node; each of its operations is a node of its own."""
    return _retired(subject, "removed", "n8n-nodes-base.itemLists")


@rule("cron-node", Severity.NOTE)
def cron_node(subject: Subject) -> Iterator[WorkflowProblem]:
    """The Cron node is no longer maintained; the Schedule Trigger took its place."""
    return _retired(subject, "outdated", "n8n-nodes-base.cron")


@rule("interval-node", Severity.NOTE)
def interval_node(subject: Subject) -> Iterator[WorkflowProblem]:
    """The Interval node is no longer maintained; the Schedule Trigger took its place."""
    return _retired(subject, "outdated", "n8n-nodes-base.interval")


@rule("removed-node", Severity.ERROR)
def removed_node(subject: Subject) -> Iterator[WorkflowProblem]:
    """A node of a type that n8n removed does not run any more after an update."""
    return _retired(subject, "removed")


@rule("disabled-node", Severity.WARNING)
def disabled_node(subject: Subject) -> Iterator[WorkflowProblem]:
    """A node of a type that n8n switches off does not run unless an administrator allows it."""
    return _retired(subject, "disabled")


@rule("changed-node", Severity.WARNING)
def changed_node(subject: Subject) -> Iterator[WorkflowProblem]:
    """A node whose old version n8n runs as a newer one returns other items after an update."""
    return _retired(subject, "changed")


@rule("outdated-node", Severity.NOTE)
def outdated_node(subject: Subject) -> Iterator[WorkflowProblem]:
    """A type that is no longer maintained gets no repairs, and may be removed."""
    return _retired(subject, "outdated")


@rule("continue-on-fail", Severity.NOTE)
def continue_on_fail(subject: Subject) -> Iterator[WorkflowProblem]:
    """`continueOnFail` is the old spelling of `onError`, which the editor shows and writes."""
    for node in subject.workflow.nodes:
        old = node.json.data.get("continueOnFail")
        if isinstance(old, bool) and "onError" not in node.json.data:
            yield at_node(node, "it says by `continueOnFail` what `onError` says.", fixable="safe")


def _in_programs(node: Node, pattern: re.Pattern[str], *, code_only: bool = False) -> bool:
    """Return whether a pattern occurs in the expressions and programs of a node."""
    found = (each for path, each in programs_in(node) if is_code(path) or not code_only)
    return any(pattern.search(each) for each in found)


@rule("removed-helper", Severity.ERROR)
def removed_helper(subject: Subject) -> Iterator[WorkflowProblem]:
    """What expressions and code call, but n8n 3 no longer has, fails when it is called."""
    for node in subject.workflow.nodes:
        if _in_programs(node, PAIRED_ITEM):
            yield at_node(node, "n8n 3.0 has no `$getPairedItem`; use `$('Node').item`.", more="1")
        if _in_programs(node, EVALUATE, code_only=True):
            what = "n8n 3.0 has no `$evaluateExpression` in code; use an expression of a field."
            yield at_node(node, what, more="2")


@rule("environment", Severity.WARNING)
def environment(subject: Subject) -> Iterator[WorkflowProblem]:
    """n8n 2 does not let nodes read environment variables unless an administrator allows it."""
    for node in subject.workflow.nodes:
        if _in_programs(node, ENVIRONMENT):
            yield at_node(node, "it reads environment variables, which n8n 2.0 blocks.")


@rule("each-mode", Severity.ERROR)
def each_mode(subject: Subject) -> Iterator[WorkflowProblem]:
    """n8n 3 has no mode of Execute Workflow that runs it once for each item."""
    for node in subject.workflow.nodes:
        if node.short_type == "executeWorkflow" and node.parameter("mode") == "each":
            yield at_node(node, "n8n 3.0 has no mode for each item; loop over the items before it.")


@rule("removed-source", Severity.ERROR)
def removed_source(subject: Subject) -> Iterator[WorkflowProblem]:
    """n8n 3 loads no sub-workflow from an address or a file, only its own ones."""
    for node in subject.workflow.nodes:
        source = str(node.parameter("source"))
        if node.type == "n8n-nodes-base.executeWorkflow" and source in REMOVED_SOURCES:
            what = "n8n 3.0 loads no sub-workflow from there; import it and name it by its id."
            yield at_node(node, what)


@rule("old-python", Severity.ERROR)
def old_python(subject: Subject) -> Iterator[WorkflowProblem]:
    """n8n 2 has no Python in the browser's build any more; native Python has other globals."""
    for node in subject.workflow.nodes:
        if node.short_type in {"code", "toolCode"} and node.parameter("language") == "python":
            yield at_node(node, "n8n 2.0 does not run its Python; use the native Python.")


@rule("caller-policy", Severity.WARNING)
def caller_policy(subject: Subject) -> Iterator[WorkflowProblem]:
    """n8n 3 lets no workflow be called by any other; calls of one that says so fail there."""
    policy = subject.workflow.json.get("settings", "callerPolicy")
    if policy is not None and policy.data == "any":
        name = subject.workflow.name
        message = f"Workflow {name!r}: n8n 3.0 has no policy by which all may call it."
        yield WorkflowProblem(policy, "", message)


@rule("waiting-sub-workflow", Severity.NOTE)
def waiting_sub_workflow(subject: Subject) -> Iterator[WorkflowProblem]:
    """A sub-workflow that waits returned what came to the wait; since n8n 2 it returns its end."""
    if not any(each.short_type == "executeWorkflowTrigger" for each in subject.graph.triggers):
        return
    for node in subject.active_nodes:
        if _suspends(node):
            yield at_node(node, "the sub-workflow waits here; n8n 2.0 changes what it returns.")


def _suspends(node: Node) -> bool:
    """Return whether executions are stored at a node until they go on."""
    if node.short_type != "wait":
        operation = str(node.parameter("operation"))
        return node.short_type in WAITING or operation in WAITING_OPERATIONS
    if node.parameter("resume") not in (None, "timeInterval"):
        return True
    old = node.version < WAIT_IN_SECONDS_FROM
    amount = node.parameter("amount")
    unit = node.parameter("unit") or ("hours" if old else "seconds")
    seconds = UNIT_SECONDS.get(str(unit), 0) * (amount if isinstance(amount, int | float) else 5)
    return seconds >= SUSPENDED_FROM_SECONDS


@rule("activate-call", Severity.WARNING)
def activate_call(subject: Subject) -> Iterator[WorkflowProblem]:
    """n8n 2 publishes versions of workflows; to activate one is an outdated call."""
    for node in subject.workflow.nodes:
        is_node = node.type == "n8n-nodes-base.n8n" and node.parameter("operation") == "activate"
        is_call = node.short_type == "httpRequest" and ACTIVATE.search(
            str(node.parameter("url") or "")
        )
        if is_node or is_call:
            yield at_node(node, "it activates a workflow, which n8n 2.0 replaced by publishing.")


@rule("slow-code", Severity.WARNING)
def slow_code(subject: Subject) -> Iterator[WorkflowProblem]:
    """n8n 3 ends code that runs for more than a minute; the Wait node waits without running."""
    for node in subject.workflow.nodes:
        for path, each in texts_in(node):
            if is_code(path) and _longest_sleep(each.data) > MAX_CODE_SECONDS:
                yield at_node(node, f"its code sleeps for more than {MAX_CODE_SECONDS} seconds.")


def _longest_sleep(code: str) -> float:
    """Return the longest time in seconds that a program says it waits."""
    found = [0.0]
    for match in SLEEP.finditer(code):
        milliseconds, seconds = match.groups()
        found.append(int(milliseconds) / MILLISECONDS if milliseconds else float(seconds))
    return max(found)


@rule("file-access", Severity.WARNING)
def file_access(subject: Subject) -> Iterator[WorkflowProblem]:
    """n8n 2 lets nodes read and write files only below one folder."""
    for node in subject.workflow.nodes:
        for name in FILE_PARAMETERS if node.short_type in FILE_TYPES else ():
            path = node.parameter(name)
            is_whole = isinstance(path, str) and path.startswith(("/", "~"))
            if is_whole and not path.startswith(SAFE_FOLDERS):
                what = f"n8n 2.0 gives no access to {path!r}, only below ~/.n8n-files."
                yield at_node(node, what, more=name)


@rule("always-output", Severity.WARNING)
def always_output(subject: Subject) -> Iterator[WorkflowProblem]:
    """n8n 3 adds an empty item only if all outputs are empty, so that fewer branches run."""
    for node in subject.workflow.nodes:
        if node.short_type in SEVERAL_OUTPUTS and node.setting("alwaysOutputData") is True:
            yield at_node(
                node, "n8n 3.0 changes what it outputs where only some outputs are empty."
            )
