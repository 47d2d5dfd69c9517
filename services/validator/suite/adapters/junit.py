"""Reads JUnit XML reports, which many test runners write and which may come from anybody."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from services.validator.suite.adapters.unsigned import (
    MAX_DETAIL_CHARACTERS,
    check_size,
    report_unless_contradicted,
)
from services.validator.suite.domain.reports import (
    Infrastructure,
    Outcome,
    RunOutcome,
    TestResult,
    by_id,
)
from shared.targets.languages import PYTHON

# The class name that `node --test` gives to every test.
NODE_CLASS = "test"
# Entities can blow up a small XML file, or include a file of the machine.
DECLARATION = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
UNUSUAL_ENCODING = re.compile(
    rb"<\?xml[^>]*encoding\s*=\s*[\"'](?!utf-8|us-ascii|iso-8859-1)", re.IGNORECASE
)


def read_junit(content: bytes | None, *, exit_code: int, seconds: float) -> RunOutcome:
    """Return the results in a JUnit report, or why it cannot be trusted.

    A report that is missing, incomplete or contradicted by the exit code is never a pass.
    """
    if content is None:
        return Infrastructure("The tests left no JUnit report.")
    try:
        root = _parse(content)
        results = by_id(_results(root))
    except (ValueError, RecursionError) as error:
        return Infrastructure(f"The JUnit report is damaged: {error}.")
    if reason := _missing_tests(root):
        return Infrastructure(reason)
    return report_unless_contradicted(results, exit_code=exit_code, seconds=seconds)


def _parse(content: bytes) -> ET.Element:
    """Parse a report; raises ValueError if it is not safe to parse or is not JUnit XML."""
    check_size(content)
    if DECLARATION.search(content) or UNUSUAL_ENCODING.search(content) or b"\0" in content:
        raise ValueError("it has a document type or an encoding that no report needs")
    try:
        root = ET.fromstring(content)  # noqa: S314  (declarations, and so entities, are refused)
    except (ET.ParseError, LookupError) as error:
        raise ValueError(str(error)) from error
    if root.tag not in {"testsuites", "testsuite"}:
        raise ValueError(f"its root is <{root.tag[:50]}>")
    return root


def _results(root: ET.Element) -> Iterator[TestResult]:
    """Yield the result of each test case.

    A case of Node is named after the suites around it, with a number if others have that name:
    Node 20 names no file, so equal names of two files differ by their order only.
    """
    occurrences: Counter[str] = Counter()
    for case, suites in _cases(root, ()):
        result = _result(case)
        if case.get("classname") == NODE_CLASS and not case.get("file"):
            name = " > ".join((*suites, case.get("name", "")))
            occurrences[name] += 1
            number = f" #{occurrences[name]}" if occurrences[name] > 1 else ""
            result = replace(result, id=name + number)
        yield result


def _cases(
    element: ET.Element, suites: tuple[str, ...]
) -> Iterator[tuple[ET.Element, tuple[str, ...]]]:
    """Yield each test case with the names of the suites around it, outermost first."""
    for each in element:
        if each.tag == "testcase":
            yield each, suites
        elif each.tag == "testsuite":
            yield from _cases(each, (*suites, each.get("name", "")))


def _missing_tests(root: ET.Element) -> str:
    """Return a sentence about a suite that lists fewer tests than it declares, or an empty text."""
    for suite in root.iter("testsuite"):
        declared, listed = suite.get("tests", ""), len(list(suite.iter("testcase")))
        if declared.isdigit() and int(declared) > listed:
            return f"The JUnit report declares {declared} tests but lists {listed}."
    return ""


def _result(case: ET.Element) -> TestResult:
    """Return the result of one test case. Raises ValueError if it has neither class nor name."""
    outcome, detail = _outcome(case)
    seconds = _seconds(case.get("time", ""))
    return TestResult(_id(case), outcome, seconds, detail[-MAX_DETAIL_CHARACTERS:])


def _outcome(case: ET.Element) -> tuple[Outcome, str]:
    """Return how a test case ended, and its message."""
    for tag, outcome in (("error", Outcome.ERROR), ("failure", Outcome.FAILED)):
        found = case.find(tag)
        if found is not None:
            return outcome, found.text or found.get("message") or ""
    skipped = case.find("skipped")
    if skipped is None:
        return Outcome.PASSED, ""
    is_expected_failure = skipped.get("type") == "pytest.xfail"
    outcome = Outcome.XFAILED if is_expected_failure else Outcome.SKIPPED
    return outcome, skipped.get("message") or ""


def _id(case: ET.Element) -> str:
    """Return a pytest node id if the class lies in the named file, else class and name.

    Raises ValueError if the case has neither a class nor a name.
    """
    name, owner, file = case.get("name", ""), case.get("classname", ""), case.get("file", "")
    module = PYTHON.without_suffix(file).replace("/", ".")
    if PYTHON.has_suffix(file) and (owner == module or owner.startswith(f"{module}.")):
        classes = owner[len(module) + 1 :].split(".") if owner != module else []
        return "::".join([file, *classes, name])
    found = "::".join(part for part in (owner, name) if part)
    if not found:
        raise ValueError("it has a test without a name")
    return found


def _seconds(text: str) -> float:
    """Return the seconds in a `time` attribute; 0 if it is not a number."""
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return 0.0
