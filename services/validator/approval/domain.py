"""Rules for which changes need a person's approval, and when an approval is still valid."""

import ast
import doctest
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.validator.approval.introspection import new_introspection
from shared.contracts.documents.behaviour import BehaviourEvidence
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.gain import Gain
from shared.contracts.documents.protection import Protection
from shared.contracts.documents.workflows import WorkflowCheck
from shared.kernel.syntax import parse
from shared.targets.components import component_of
from shared.targets.config import TargetConfig
from shared.targets.discovery import configured_components
from shared.targets.languages import PYTHON
from shared.targets.paths import is_protected

# Names that code uses only to find out whether it is being tested, or by which tool.
TEST_DETECTION = re.compile(r"PYTEST_|\b_?pytest\b|GROUNDSWELL_|groundswell_in_target")
MAX_QUOTED_CHARS = 120
# What has a docstring, and so may have examples in it.
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
MAY_CHANGE = "its fix may change behaviour"


def policy_reason(
    change: Enhancement, config: TargetConfig, *, tier: str, trusted: bool, proven: bool = False
) -> str:
    """Return why the target's policy requires approval of a change; empty if it does not.

    `tier` is the sandbox in which its tests ran, and `trusted` says if it isolates enough. A change
    that is `proven` to leave the program as it is does not change behaviour, whatever its fix may.
    """
    if not trusted:
        return f"its tests ran in sandbox {tier}, which isolates too little to be believed alone"
    policy = config.policy
    if policy.approval == "all":
        return "the target's policy requires approval of every change"
    if policy.approval == "unsafe" and not change.proposal.fix.safe and not proven:
        return "its fix may change behaviour, and the target's policy requires approval of that"
    if guarded := _guarded_components(change, config):
        return f"groundswell.toml requires approval of every change in {', '.join(guarded)}"
    touched = [each for each in change.proposal.files if is_protected(each, config)]
    if touched:
        return f"it touches what judges it: {', '.join(touched)}"
    return ""


def _guarded_components(change: Enhancement, config: TargetConfig) -> list[str]:
    """Return the components with a file of a change that require approval of every change."""
    components = configured_components(config)
    guarded = {each.name for each in components if each.approval == "required"}
    touched = {component_of(path, components) for path in change.proposal.files} if guarded else ()
    return sorted(guarded.intersection(touched))


def behaviour_reason(behaviour: BehaviourEvidence | None) -> str:
    """Return why a change whose fix may change behaviour needs approval; empty if it does not.

    It does not where its code keeps behaviour, the rule is allowed, or nothing was judged (None).
    """
    if behaviour is None or behaviour.keeps_behaviour or behaviour.allowed:
        return ""
    others = len(behaviour.open) - 1
    more = f", and {others} more place{'s' * (others > 1)}" if others else ""
    return f"{MAY_CHANGE}: {behaviour.may_change}: {behaviour.open[0]}{more}"


def gain_reason(gain: Gain | None) -> str:
    """Return why a change that promises speed needs approval; empty if its gain is measured."""
    return gain.evidence if gain is not None and gain.state == "unknown" else ""


def workflow_reason(change: Enhancement, check: WorkflowCheck | None, config: TargetConfig) -> str:
    """Return why a change of workflows needs approval; empty if n8n showed no difference.

    What could not be measured there is not taken for the same, unless the policy names the rule.
    """
    if check is None or check.state == "same":
        return ""
    is_allowed = config.policy.allows(change.proposal.fix.rule)
    return "" if check.state == "unmeasured" and is_allowed else check.evidence


def unprotected_reason(
    change: Enhancement, protection: Protection | None, config: TargetConfig
) -> str:
    """Return why a change that its tests do not protect needs approval by policy; else empty.

    A change without a measured protection needs none: where it cannot be measured in the target at
    all, every change would.
    """
    policy = config.policy.unprotected
    if protection is None or protection.state not in {"unprotected", "unknown"}:
        return ""
    if policy == "allow" or (policy == "safe" and change.proposal.fix.safe):
        return ""
    return f"it is unprotected: {protection.summary}"


def uncovered_reason(protection: Protection | None) -> str:
    """Return why a change that lowers coverage needs approval, whatever the policy; else empty."""
    lost = protection.uncovered if protection is not None else ()
    if not lost:
        return ""
    first, more = lost[0], f", and {len(lost) - 1} more" if len(lost) > 1 else ""
    loss = f"no test reaches `{first.function}` any more, and {first.tests_before} did before{more}"
    return f"it lowers coverage: {first.path}: {loss}"


@dataclass(frozen=True)
class EditedFile:
    """A file before and after a change. `tests` are the tests of the head's suite in this file.

    `shadows` is the module of Python, or an installed one, that this new file takes the place of.
    """

    path: str
    before: str
    after: str
    tests: frozenset[str] = frozenset()
    shadows: str = ""


def deceptive_reason(files: Sequence[EditedFile]) -> str:
    """Return why edits need approval, whatever the policy, as they could forge a result.

    They could if a new file takes the place of a module that the test runner imports, or if new
    Python code reaches into the interpreter. The result is empty otherwise.
    """
    for each in files:
        if each.shadows:
            return f"{each.path} would be imported in place of the module {each.shadows}"
        if not PYTHON.has_suffix(each.path):
            continue
        if line := new_introspection(each.before, each.after):
            quoted = line[:MAX_QUOTED_CHARS]
            return f"it reaches into the interpreter that judges it, in {each.path}: `{quoted}`"
    return ""


def edited_tests_reason(files: Sequence[EditedFile], config: TargetConfig) -> str:
    """Return why edits need approval because they affect the tests outside protected paths.

    They do if the code detects tests, or if they edit tests or examples beside the code. The result
    is empty otherwise.
    """
    for each in files:
        if is_protected(each.path, config):
            continue
        if reason := _test_detection(each) or _edited_tests(each):
            return reason
    return ""


def _test_detection(file: EditedFile) -> str:
    """Return a sentence quoting a new line of Python that detects tests; else empty.

    No test run can find that out. An author who hides it gets past this check, but an agent that
    was merely rewarded for passing tests rarely hides it.
    """
    known = set(file.before.splitlines())
    for line in file.after.splitlines() if PYTHON.has_suffix(file.path) else ():
        if line not in known and TEST_DETECTION.search(line):
            quoted = line.strip()[:MAX_QUOTED_CHARS]
            return f"it checks whether it is being tested, in {file.path}: `{quoted}`"
    return ""


def _edited_tests(file: EditedFile) -> str:
    """Return a sentence if a file with test functions is edited, or loses a doctest; else empty."""
    if not file.tests:
        return ""
    if any("." not in each for each in file.tests):
        return f"there are tests in {file.path}, which it touches"
    before, after = (_docstrings(file.path, each) for each in (file.before, file.after))
    removed = _examples(before) - _examples(after)
    if not removed:
        return ""
    source, *_ = min(removed)
    quoted = source.strip()[:MAX_QUOTED_CHARS]
    return f"it changes an example that is a test, in {file.path}: `{quoted}`"


def _docstrings(path: str, text: str) -> list[str]:
    """Return the docstrings of a Python file; any other file, or one that is not valid, is one."""
    if not PYTHON.has_suffix(path):
        return [text]
    try:
        nodes = list(ast.walk(parse(text)))
    except (SyntaxError, ValueError):
        return [text]
    holders = (each for each in nodes if isinstance(each, DOCUMENTED))
    return [doc for each in holders if (doc := ast.get_docstring(each, clean=False))]


def _examples(docstrings: Iterable[str]) -> Counter[tuple[str, str, str]]:
    """Return the doctest examples of texts, counted, as (source, expected output, options).

    A text that doctest cannot parse counts as one example.
    """
    found: Counter[tuple[str, str, str]] = Counter()
    for text in docstrings:
        try:
            examples = doctest.DocTestParser().get_examples(text)
        except ValueError:
            found[text, "", ""] += 1
            continue
        found.update((e.source, e.want, str(sorted(e.options.items()))) for e in examples)
    return found


def is_tried_alone(change: Enhancement, base: str, config: TargetConfig) -> bool:
    """Return true if a change edits protected files with an approval that is valid on `base`.

    These edits take effect in its runs, so they must not decide about any other change.
    """
    approved = change.decision.approval is not None and not invalid_approval_reason(change, base)
    return approved and any(is_protected(each, config) for each in change.proposal.files)


def edits_without_effect(change: Enhancement, config: TargetConfig) -> tuple[str, ...]:
    """Return a sentence on edits that take effect only with an approval, if a change has any."""
    edited = ", ".join(each for each in change.proposal.files if is_protected(each, config))
    sentence = f"its edits of {edited} are tested once you approve; before, only new files are"
    return (sentence,) if edited else ()


def changes_tried_next(
    ready: Sequence[Enhancement], base: str, config: TargetConfig
) -> list[Enhancement]:
    """Return those ready changes that are tried together next, or the first one tried alone.

    What is tried alone comes last, so that all others are judged by the tests as they are, except
    later changes of its own task: they may build on it.
    """
    together, waiting = list[Enhancement](), set[str]()
    for each in ready:
        if is_tried_alone(each, base, config):
            waiting.add(each.task_id)
        elif each.task_id not in waiting:
            together.append(each)
    return together or list(ready[:1])


def invalid_approval_reason(change: Enhancement, base: str) -> str:
    """Return why the approval of a change is not valid on `base`; empty if it is, or has none."""
    approval = change.decision.approval
    if approval is None:
        return ""
    if approval.patch != change.proposal.required_patch.digest:
        return "its patch changed since it was approved"
    if approval.base != base:
        return f"the base branch moved to {base[:10]} since it was approved"
    return ""
