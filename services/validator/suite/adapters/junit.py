"""Reads JUnit XML, as many test runners write it. It is data from a stranger."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from services.validator.suite.adapters.unsigned import DETAIL, check_size, reported
from services.validator.suite.domain.reports import (
    Infrastructure,
    Outcome,
    RunOutcome,
    TestResult,
    by_id,
)
from shared.targets.languages import PYTHON

# The class that `node --test` gives to every test.
NODE = "test"
# Entities are how a small XML file becomes a large one, or somebody else's file.
DECLARATION = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
ENCODING = re.compile(
    rb"<\?xml[^>]*encoding\s*=\s*[\"'](?!utf-8|us-ascii|iso-8859-1)", re.IGNORECASE
)


def read_junit(content: bytes | None, *, exit_code: int, seconds: float) -> RunOutcome:
    """The report in a JUnit file. What is missing, cut off or contradicted is never a pass."""
    if content is None:
        return Infrastructure("The tests left no JUnit report.")
    try:
        root = _parse(content)
        results = by_id(_results(root))
    except ValueError as error:
        return Infrastructure(f"The JUnit report is damaged: {error}.")
    if reason := _missing(root):
        return Infrastructure(reason)
    return reported(results, exit_code=exit_code, seconds=seconds)


def _parse(content: bytes) -> ET.Element:
    check_size(content)
    if DECLARATION.search(content) or ENCODING.search(content) or b"\0" in content:
        raise ValueError("it has a document type or an encoding that no report needs")
    try:
        root = ET.fromstring(content)  # noqa: S314  (declarations, and so entities, are refused)
    except (ET.ParseError, LookupError) as error:
        raise ValueError(str(error)) from error
    if root.tag not in {"testsuites", "testsuite"}:
        raise ValueError(f"its root is <{root.tag[:50]}>")
    return root


def _results(root: ET.Element) -> Iterator[TestResult]:
    """Each case; Node's are named by the suites around them, and by their number where they are namesakes.

    Node 20 names no file, so that namesakes of two files are told apart by their order only.
    """
    namesakes: Counter[str] = Counter()
    for case, around in _cases(root, ()):
        result = _result(case)
        if case.get("classname") == NODE and not case.get("file"):
            name = " > ".join((*around, case.get("name", "")))
            namesakes[name] += 1
            number = f" #{namesakes[name]}" if namesakes[name] > 1 else ""
            result = replace(result, id=name + number)
        yield result


def _cases(
    element: ET.Element, around: tuple[str, ...]
) -> Iterator[tuple[ET.Element, tuple[str, ...]]]:
    for each in element:
        if each.tag == "testcase":
            yield each, around
        elif each.tag == "testsuite":
            yield from _cases(each, (*around, each.get("name", "")))


def _missing(root: ET.Element) -> str:
    for suite in root.iter("testsuite"):
        declared, found = suite.get("tests", ""), len(list(suite.iter("testcase")))
        if declared.isdigit() and int(declared) > found:
            return f"The JUnit report speaks of {declared} tests and names {found}."
    return ""


def _result(case: ET.Element) -> TestResult:
    outcome, detail = _outcome(case)
    return TestResult(_id(case), outcome, _seconds(case.get("time", "")), detail[-DETAIL:])


def _outcome(case: ET.Element) -> tuple[Outcome, str]:
    for tag, outcome in (("error", Outcome.ERROR), ("failure", Outcome.FAILED)):
        found = case.find(tag)
        if found is not None:
            return outcome, found.text or found.get("message") or ""
    skipped = case.find("skipped")
    if skipped is None:
        return Outcome.PASSED, ""
    expected = skipped.get("type") == "pytest.xfail"
    return Outcome.XFAILED if expected else Outcome.SKIPPED, skipped.get("message") or ""


def _id(case: ET.Element) -> str:
    """A pytest node id where the file is named and the class lies in it, else class and name."""
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
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return 0.0
